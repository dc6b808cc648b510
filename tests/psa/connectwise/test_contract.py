"""ConnectWise PSA keeps the laws of every PSA."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from agent.psa.connectwise import ConnectWise
from agent.simulators import connectwise as simulated
from agent.simulators.faults import Kind
from tests.contract.psa_contract import Bench, PsaContract
from tests.psa.connectwise.desk import CONTOSO, PRODUCT, TODAY, adapter, office


@dataclass
class ConnectWiseBench:
    site: simulated.ConnectWise = field(default_factory=office)
    today: date = TODAY
    company: int = CONTOSO
    product: int = 4021
    identifier: str = PRODUCT

    def __post_init__(self) -> None:
        self.psa: ConnectWise = adapter(self.site, credits="negative-quantity")

    def agreement(self, *, prorates: bool, invoiced: bool) -> int:
        following = "2026-04-01" if invoiced else "2026-03-01"
        names = {"bills_from": "2026-01-01", "next_invoice": following, "prorates": prorates}
        return self.site.add_agreement(CONTOSO, "Law", **names)

    def person_adds(self, agreement: int, quantity: Decimal, price: Decimal, start: date) -> int:
        return self.site.add_addition(agreement, PRODUCT, quantity, effective=start, price=price)

    def person_edits(self, agreement: int, line: int, quantity: Decimal) -> None:
        self.site.person_edits(agreement, line, quantity=quantity)

    def requests(self) -> int:
        return len(self.site.log)

    def break_page(self, agreement: int) -> None:
        for _ in range(1_001):
            self.site.add_addition(agreement, PRODUCT, 1, effective="2026-01-01")
        self.site.faults.add(Kind.ERROR_BEFORE, path="/additions", nth=2, times=9, status=503)

    def lose_answer(self) -> None:
        self.site.faults.add(Kind.LOST_ANSWER, method="POST|PATCH")


class TestConnectWise(PsaContract):
    def bench(self) -> Bench:
        return ConnectWiseBench()
