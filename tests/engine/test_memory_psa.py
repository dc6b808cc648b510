"""The PSA in memory keeps the laws of every PSA."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from agent.domain.agreements import Agreement, Product
from agent.simulators.wire import SimClock
from tests.contract.psa_contract import Bench, PsaContract
from tests.engine.here import AGREEMENT, COMPANY, StillClock
from tests.engine.memory_psa import Fault, MemoryPsa, ReadFault

PRODUCT = Product(4021, "M365-BP-M", "Business Premium", Decimal("22.00"))


class MemoryBench:
    def __init__(self) -> None:
        self.today, self.company, self.product, self.identifier = date(2026, 3, 17), COMPANY, 4021, "M365-BP-M"
        clock = StillClock(SimClock(datetime(2026, 3, 17, 9, tzinfo=UTC)))
        agreement = Agreement(AGREEMENT, COMPANY, "Law", 1, "Monthly", True, date(2026, 1, 1), None)
        products = {self.identifier: PRODUCT}
        self.psa = MemoryPsa(clock, "1f0c3c1e-tests", agreement, products, credits="negative-quantity")

    def agreement(self, *, prorates: bool, invoiced: bool) -> int:
        following = date(2026, 4 if invoiced else 3, 1)
        self.psa.agreement = Agreement(AGREEMENT, COMPANY, "Law", 1, "Monthly", prorates, date(2026, 1, 1), following)
        return AGREEMENT

    def person_adds(self, agreement: int, quantity: Decimal, price: Decimal, start: date) -> int:
        return self.psa.person_adds(self.identifier, quantity, start, unitPrice=price)

    def person_edits(self, agreement: int, line: int, quantity: Decimal) -> None:
        self.psa.person_edits(line, quantity=quantity)

    def requests(self) -> int:
        return len(self.psa.sent)

    def break_page(self, agreement: int) -> None:
        self.psa.a_read_goes_wrong(ReadFault.SHORT, 1)

    def lose_answer(self) -> None:
        self.psa.a_write_goes_wrong(Fault.ANSWER_LOST, 0)


class TestMemoryPsa(PsaContract):
    def bench(self) -> Bench:
        return MemoryBench()
