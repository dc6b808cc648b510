"""People are told once, by every channel, at the time they asked for; and silence is the rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from agent.domain.findings import Code, Finding, Severity
from agent.domain.money import Money
from agent.domain.news import Every, Rule, When
from agent.engine.telling import Telling, Wishes
from agent.errors import NotDelivered
from agent.ports import Notice
from agent.simulators.wire import SimClock
from tests.engine.memory_store import Disk, MemoryStore

THURSDAY = datetime(2026, 3, 19, 12, tzinfo=UTC)
DAILY = Wishes((), Every.DAY, time(7), timedelta(days=7))
SPARE = Finding(Code.UNASSIGNED_SEATS, Severity.INFO, 250, "t/spb", "3 of 10 seats assigned to nobody", "assign them")
UNBILLED = Finding(
    Code.UNDER_BILLED, Severity.WARNING, 250, "key", "10 billed, 12 to bill", "approve", Money(Decimal("44.00"), "USD")
)
TWICE = Finding(Code.DUPLICATE_LINES, Severity.ERROR, 251, "agreement/7", "two lines carry one mark", "end one")


class Post:
    """A channel that keeps what it was given; `down` is why it takes nothing."""

    def __init__(self, name: str) -> None:
        self.name, self.notices, self.down = name, list[Notice](), ""

    def send(self, notice: Notice) -> None:
        if self.down:
            raise NotDelivered(self.down, "mend it")
        self.notices.append(notice)


class Office:
    """Looked at each minute, as the daemon does; a new process keeps the store and nothing else."""

    def __init__(self, wishes: Wishes = DAILY) -> None:
        self.clock, self.wishes, self.posts = SimClock(THURSDAY), wishes, [Post("mail"), Post("chat 1")]
        self.store = MemoryStore(Disk(), self.clock)
        self.restart()
        self.telling()

    def restart(self) -> None:
        names = {250: "Contoso \u202eLtd", 251: "Fabrikam"}
        self.telling = Telling(
            self.store, self.clock, ZoneInfo("Europe/London"), self.posts, self.wishes, lambda: names
        )

    def finds(self, *findings: Finding) -> None:
        self.store.note("test", findings, self.clock.now())

    def passes(self, **time: float) -> list[Notice]:
        """So much later, what each channel was told meanwhile; all of them the same."""
        before = [len(post.notices) for post in self.posts]
        self.clock.advance(seconds=timedelta(**time).total_seconds())
        self.telling()
        new = [post.notices[count:] for post, count in zip(self.posts, before, strict=True)]
        assert all(one == new[0] for one in new)
        return new[0]


def test_page_goes_out_at_once_and_the_rest_with_the_digest() -> None:
    """Nobody waits until morning to hear of a line billed twice, and nobody is woken for a spare seat."""
    office = Office()
    office.finds(SPARE, UNBILLED, TWICE)
    [page] = office.passes(minutes=1)
    quiet = office.passes(hours=10)
    [digest] = office.passes(hours=10)

    assert (page.urgent, page.subject) == (True, "Fabrikam (251): two lines carry one mark")
    assert quiet == []
    assert (digest.urgent, digest.subject) == (
        False,
        "2 open mismatches (1 warning, 1 note): 44.00 USD a month not billed",
    )
    assert "Contoso Ltd (250)" in digest.text
    assert "10 billed, 12 to bill" in digest.text
    assert "two lines" not in digest.text
    assert "\x1b" not in digest.text


def test_nothing_is_told_twice() -> None:
    """Not the next day, not by the next process, not with other numbers; and a digest without news is not sent."""
    office = Office()
    office.finds(SPARE)
    assert len(office.passes(days=1)) == 1
    office.finds(replace(SPARE, sentence="4 of 10 seats assigned to nobody"))
    office.restart()

    assert [office.passes(days=1) for _ in range(5)] == [[]] * 5


def test_flapping_is_told_once_a_week() -> None:
    """Gone on Friday, back on Saturday: no news. Gone for two weeks: news."""
    office = Office()
    office.finds(SPARE)
    office.passes(days=1)
    office.finds()
    office.passes(days=1)
    office.finds(SPARE)
    assert office.passes(days=1) == []
    office.finds()
    office.passes(days=14)
    office.finds(SPARE)
    assert len(office.passes(days=1)) == 1


def test_first_start_waits_for_the_hour() -> None:
    """A new installation finds a hundred things in its first minute, which nobody should be mailed one by one."""
    office = Office()
    office.finds(SPARE)

    assert office.passes(minutes=5) == []


def test_channel_that_is_down_misses_nothing() -> None:
    """The others are not told again on its account; it is a finding, and gone once it works."""
    office = Office()
    mail, chat = office.posts
    mail.down = "smtp.example took no mail"
    office.finds(TWICE)
    office.telling()
    assert [len(mail.notices), len(chat.notices)] == [0, 1]
    assert "notices do not get through by mail" in {
        f.finding.sentence.partition(":")[0] for f in office.store.findings()
    }
    mail.down = ""
    for _ in range(10):
        office.clock.advance(seconds=60)
        office.telling()

    assert [len(mail.notices), len(chat.notices)] == [1, 1]
    assert [f.finding.code for f in office.store.findings()] == [Code.DUPLICATE_LINES]


@pytest.mark.parametrize(("when", "told"), [(When.NOW, 1), (When.DIGEST, 0), (When.NEVER, 0)])
def test_rules_of_the_settings_count(when: When, told: int) -> None:
    """A spare seat can be a page, and a double line can be silenced, where somebody wants it so."""
    office = Office(Wishes((Rule(frozenset({SPARE.code}), frozenset({250}), when),), Every.DAY, time(7), timedelta(7)))
    office.finds(SPARE)

    assert len(office.passes(minutes=1)) == told
    assert len(office.passes(days=1)) == (when is When.DIGEST)


def test_a_thousand_findings_make_one_readable_notice() -> None:
    """A hundred of them, the worst first, and how many more there are."""
    office = Office()
    office.finds(
        *(Finding(SPARE.code, SPARE.severity, n, f"t/{n}", "3 seats", "assign") for n in range(1, 1001)), UNBILLED
    )
    [digest] = office.passes(days=1)

    assert "10 billed, 12 to bill" in digest.text
    assert digest.text.endswith("And 901 more, with: trueup findings\n")
    assert "1,001" in digest.subject
