"""Seats that leave altogether and come back on one day, to the cent."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from agent.domain.findings import Code
from agent.simulators.faults import Kind
from tests.engine.firm import Firm

ROW = '[[row]]\nlicence = "SPB"\nprofile = "bp"\nagreement = 1021\nadopt = true\n'
OLD = ("BP", 12, "2025-01-01", "2026-03-31")
TWO, EMPTIED = ("BP", 2, "2026-03-17", "2026-03-31"), ("BP", 0, "2026-03-17", "2026-03-31")


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[Firm]:
    """March is paid for ten. On the 17th two more are seen, and then the subscription lapses: nothing is left to bill.

    The ten that are paid for end with March; the two were no day's last word, so nobody is billed for them.
    """
    made = Firm(tmp_path)
    made.agree(1021)
    made.sell(1021, "BP", 10)
    made.tenant.add_subscription("SPB", 10)
    made.map(ROW)
    made.settle()
    made.tenant.buy("SPB", 2)
    made.settle()
    assert made.lines(1021) == [("BP", 2, "2026-03-17", "2026-03-31"), ("BP", 12, "2025-01-01", "")]
    lapse(made)
    yield made
    made.cycle.store.dispose()


def lapse(firm: Firm) -> None:
    """Until it is renewed, the tenant's one subscription gives no seat."""
    sold(firm, status="Suspended")
    firm.settle()
    firm.pass_time(minutes=5)
    firm.settle()


def renew(firm: Firm, seats: int = 12) -> None:
    sold(firm, status="Enabled", quantity=seats)
    firm.settle()


def sold(firm: Firm, **fields: object) -> None:
    (subscription,) = firm.tenant.holdings.subscriptions
    firm.tenant.change_subscription(subscription, **fields)


def test_all_come_back(firm: Firm) -> None:
    """Twelve from April on; the two are owed for 17 to 31 March, on a line beside the emptied one.

    12 x 22.00 + 2 x 22.00 x 15/31 = 264.00 + 21.29 = 285.29, and in May 264.00.
    """
    renew(firm)
    assert firm.lines(1021) == [EMPTIED, TWO, OLD, ("BP", 12, "2026-04-01", "")]
    assert firm.found(Code.REFUSED_BY_PSA) == []
    assert firm.invoice(1021) == Decimal("285.29")
    assert firm.invoice(1021) == Decimal("264.00")


def test_one_fewer_comes_back(firm: Firm) -> None:
    """11 x 22.00 + 1 x 22.00 x 15/31 = 242.00 + 10.65 = 252.65."""
    renew(firm, seats=11)
    assert firm.lines(1021) == [EMPTIED, ("BP", 1, "2026-03-17", "2026-03-31"), ("BP", 11, "2026-04-01", ""), OLD]
    assert firm.invoice(1021) == Decimal("252.65")


def test_gone_and_back_twice(firm: Firm) -> None:
    """Each time the line beside the base is emptied and another made: what is billed is the same 285.29."""
    renew(firm)
    lapse(firm)
    renew(firm)
    assert [line for line in firm.lines(1021) if line[1:3] == (2, "2026-03-17")] == [TWO]
    assert firm.found(Code.REFUSED_BY_PSA) == []
    assert firm.invoice(1021) == Decimal("285.29")


def test_stopped_between_the_difference_and_its_base(firm: Firm) -> None:
    """The difference is made, the base refused: in the next cycle the base alone is made, and 285.29 billed."""
    firm.psa.faults.add(Kind.REFUSED, method="POST", nth=2)
    renew(firm)
    assert firm.lines(1021) == [EMPTIED, TWO, OLD, ("BP", 12, "2026-04-01", "")]
    assert firm.invoice(1021) == Decimal("285.29")
