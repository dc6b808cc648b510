"""However a licence is split, merged and moved, and whenever: each seat is billed once for each day."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.engine.firm import Firm

DEPARTMENTS = ("A", "B", "C")
AGREEMENTS = (1021, 1022)
FIRST, LAST = date(2026, 4, 1), date(2026, 6, 30)  # March is paid on one of the two, or invoiced later


@dataclass(frozen=True)
class Step:
    """So many days later people join and move, and the rows are written anew; still later somebody approves."""

    after: int
    homes: tuple[int, ...]  # the agreement of each department
    together: bool  # departments of one agreement share a row
    more: int  # people who join
    movers: tuple[int, ...]  # people who change to the next department
    late: int


steps = st.builds(
    Step,
    st.integers(1, 24),
    st.tuples(*[st.sampled_from(AGREEMENTS)] * 3),
    st.booleans(),
    st.integers(0, 2),
    st.lists(st.integers(0, 5), max_size=2, unique=True).map(tuple),
    st.integers(0, 4),
)


def rows(step: Step) -> str:
    groups: dict[tuple[int, str], list[str]] = {}
    for department, home in zip(DEPARTMENTS, step.homes, strict=True):
        groups.setdefault((home, "" if step.together else department), []).append(department)
    if len(groups) == 1:
        ((home, _),) = groups
        return f'[[row]]\nlicence = "SPB"\nprofile = "bp"\nagreement = {home}\n'
    return "".join(
        f'[[row]]\nlicence = "SPB"\nprofile = "bp"\nagreement = {home}\nusers = {{ department = {members} }}\n'
        + (f'name = "{name}"\n' if name else "")
        for (home, name), members in groups.items()
    )


class Year:
    """The firm, day by day: invoices on the first of each month, a look by the daemon after them."""

    def __init__(self, folder: Path, in_arrears: Mapping[int, bool], prorates: Mapping[int, bool]) -> None:
        self.firm = Firm(folder)
        self.firm.tenant.add_subscription("SPB", 6)
        for number in range(6):
            self.hire(number, DEPARTMENTS[number % 3])
        for agreement, late in in_arrears.items():
            begins = "2026-03-01" if late else "2026-04-01"
            self.firm.agree(agreement, next_invoice=begins, prorates=prorates[agreement])
        self.prorates = all(prorates.values())
        self.firm.sell(1021, "BP", 6)
        self.firm.map('[[row]]\nlicence = "SPB"\nprofile = "bp"\nagreement = 1021\nadopt = true\n')
        self.firm.settle()
        self.paid = FIRST if not in_arrears[1021] else date(2026, 3, 1)
        self.seats: dict[date, int] = {self.firm.today: 6}

    def hire(self, number: int, department: str) -> None:
        self.firm.tenant.add_user(f"u{number}@contoso.com", f"U{number}", ["SPB"], department=department)

    def go_to(self, day: date) -> None:
        while self.firm.today < day:
            month = (self.firm.today.replace(day=1) + timedelta(days=32)).replace(day=1)
            self.firm.move_to(min(day, month).isoformat())
            if self.firm.today == month:
                for agreement in AGREEMENTS:
                    self.firm.psa.invoice(agreement)
                self.firm.run()

    def take(self, step: Step) -> None:
        self.go_to(self.firm.today + timedelta(days=step.after))
        # Whoever joins an agreement that bills whole periods is billed from the next invoice on: no law of days.
        if step.more and self.prorates:
            self.firm.tenant.buy("SPB", step.more)
            for _ in range(step.more):
                self.hire(len(self.firm.tenant.holdings.users), DEPARTMENTS[step.after % 3])
        self.seats[self.firm.today] = len(self.firm.tenant.holdings.users)
        for number in step.movers:
            self.firm.tenant.change_user(f"u{number}@contoso.com", department=DEPARTMENTS[(number + step.after) % 3])
        self.firm.map(rows(step))
        self.firm.run()
        # Approved in the next month, what began in the old one would need a person's word (date-refused).
        month_ends = (self.firm.today.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        self.go_to(min(self.firm.today + timedelta(days=step.late), month_ends))
        self.firm.settle()

    def billed(self, day: date) -> int:
        """Seats on all invoices for that day; what was typed by hand has been paid up to where invoices began."""
        charges = (
            charge
            for agreement in AGREEMENTS
            for line in self.firm.psa.additions(agreement)
            for charge in self.firm.psa.charges(agreement, line["id"])
        )
        before = 6 if day < self.paid else 0
        return before + sum(int(c.quantity) for c in charges if c.span.first <= day < c.span.end)

    def used(self, day: date) -> int:
        return self.seats[max(since for since in self.seats if since <= max(day, min(self.seats)))]


# A walk takes a second or two: shrinking one would take minutes, and the walk itself tells enough. The same walks each
# time, unless more are asked for, which `make soak` does.
@settings(
    max_examples=int(os.environ.get("TRUEUP_WALKS", "15")),
    derandomize="TRUEUP_WALKS" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(
    st.lists(steps, min_size=1, max_size=3),
    st.tuples(st.booleans(), st.booleans()),
    st.sampled_from([(True, True), (True, True), (True, False), (False, True), (False, False)]),
)
def test_each_seat_once_a_day(walk: list[Step], late: tuple[bool, bool], prorates: tuple[bool, bool]) -> None:
    """For every day from March to June the invoices of both agreements bill exactly the seats of that day."""
    with tempfile.TemporaryDirectory() as folder:
        year = Year(Path(folder), *(dict(zip(AGREEMENTS, each, strict=True)) for each in (late, prorates)))
        for step in walk:
            year.take(step)
        year.go_to(date(2026, 7, 2))
        year.firm.settle()
        year.firm.psa.invoice(1021)
        year.firm.psa.invoice(1022)
        days = [date(2026, 3, 17) + timedelta(days=n) for n in range(106)]
        wrong = {day: (year.used(day), year.billed(day)) for day in days if year.used(day) != year.billed(day)}
        lines = {agreement: year.firm.lines(agreement) for agreement in AGREEMENTS}
        year.firm.cycle.store.dispose()
        assert wrong == {}, lines
