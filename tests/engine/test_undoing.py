"""A run is taken back: what no invoice has reached as if it had never been, and what one has reached by a credit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent.domain.findings import Code
from agent.domain.mappings import Decrease, Mappings, Mode
from agent.domain.undoing import Undoing
from agent.engine.keeping import told
from agent.engine.undoing import NothingToUndo, carry_out, undoing
from agent.errors import TrueupError
from tests.engine.here import AGREEMENT, COMPANY, SKUS, UTC_ZONE
from tests.engine.rig import Rig

DAY = timedelta(days=1)
PRODUCT = "M365-BP-M"


class Story:
    """10 seats of one licence, on a line that a person has long made unless it is `new`; March is invoiced."""

    def __init__(self, folder: Path, decrease: Decrease = Decrease.NOW, new: bool = False) -> None:
        self.rig = Rig(folder, begin=datetime(2026, 3, 5, 9, tzinfo=UTC), credits="negative-quantity")
        if not new:
            self.rig.psa.add_addition(AGREEMENT, PRODUCT, 10, effective=date(2025, 6, 1))
        self.decrease, self.mode = decrease, Mode.AUTO
        self.on(date(2026, 3, 5), 10)

    @property
    def mappings(self) -> Mappings:
        company = self.rig.mappings().companies[COMPANY]
        row = replace(company.rows[0], profile=replace(company.rows[0].profile, decrease=self.decrease))
        return Mappings({COMPANY: replace(company, rows=(row,), mode=self.mode)}, (), "digest")

    def on(self, day: date, seats: int) -> str:
        """The id of the run that found so many seats on that day; and another cycle after it."""
        self.rig.pass_time((day - self.rig.clock.now().date()).days * 86_400)
        self.rig.source.seats[SKUS[0]] = seats
        runs = [self.cycles() for _ in range(2)]
        return next((run for run in runs if self.rig.cycle.store.entries(run)), runs[0])

    def cycles(self) -> str:
        result = self.rig.cycle.run(self.mappings, [COMPANY], "test")
        assert result.state == "done", result.detail
        self.rig.pass_time(120)
        return result.run

    def undoing(self, run: str) -> Undoing:
        return undoing(self.rig.cycle, self.mappings, run, None, "ana")

    def undo(self, run: str) -> Undoing:
        found = self.undoing(run)
        carry_out(self.rig.cycle, found, DAY)
        for _ in range(3):
            self.cycles()
        return found

    @property
    def lines(self) -> list[tuple[int, str, str]]:
        """Quantity, first and last day of each line that bills anything."""
        rows = [line for line in self.rig.psa.additions(AGREEMENT) if line["quantity"]]
        return [(int(x["quantity"]), x["effectiveDate"][:10], x.get("cancelledDate", "")[:10]) for x in rows]

    def invoice(self, day: date) -> Decimal:
        """Made on that day, with what it bills."""
        self.rig.pass_time((day - self.rig.clock.now().date()).days * 86_400)
        made = self.rig.psa.invoice(AGREEMENT)
        return Decimal(made[-1].total)

    def says(self, code: Code) -> list[str]:
        return [f.finding.sentence for f in self.rig.cycle.store.findings(COMPANY) if f.finding.code is code]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_raise_that_no_invoice_has_reached_is_as_if_it_had_never_been(story: Story) -> None:
    """10 -> 12 on 17 March wrote 2 for 17 to 31 March and 12; on 20 March all of it goes, and April bills 10 x 22."""
    run = story.on(date(2026, 3, 17), 12)
    assert story.lines[1:] == [(2, "2026-03-17", "2026-03-31")]
    story.rig.pass_time(3 * 86_400)
    story.undo(run)

    assert [quantity for quantity, _, _ in story.lines] == [10]
    assert story.invoice(date(2026, 4, 1)) == Decimal("220.00")


def test_undone_run_stays_undone_until_the_line_is_given_back(story: Story) -> None:
    """The tenant still has 12: the finding tells it with its money, and nothing is written until `take`."""
    run = story.on(date(2026, 3, 17), 12)
    story.undo(run)
    [told_] = story.says(Code.KEPT_LINE)
    assert f"kept at 10 since 2026-03-17, to undo run {run} (ana), 12 to bill by its row" in told_

    line = next(line["id"] for line in story.rig.psa.additions(AGREEMENT))
    told(
        story.rig.cycle.store, story.rig.cycle.psa, story.rig.clock, UTC_ZONE, line, "take", "ana: the tenant is right"
    )
    story.on(date(2026, 3, 18), 12)

    assert story.says(Code.KEPT_LINE) == []
    assert sum(quantity for quantity, _, last in story.lines if not last) == 12


def test_invoiced_raise_is_credited_where_the_profile_takes_credits(tmp_path: Path) -> None:
    """12 from 17 March; April bills 12 and the 15 days; undone on 10 April: 2 x 15/31 and April's 2 come back."""
    story = Story(tmp_path, Decrease.CREDIT)
    run = story.on(date(2026, 3, 17), 12)
    story.invoice(date(2026, 4, 1))
    story.cycles()
    story.rig.pass_time(9 * 86_400)
    found = story.undo(run)

    assert found.parts[0].notes == ()
    standing = [quantity for quantity, _, last in story.lines if not last]
    credits = [quantity for quantity, _, _ in story.lines if quantity < 0]
    assert (standing, set(credits)) == ([10], {-2})
    # 10 x 22.00, less 2 x 22.00 x 15/31 and 2 x 22.00.
    assert story.invoice(date(2026, 5, 1)) == Decimal("154.71")


def test_invoiced_raise_without_credits_is_lowered_and_told(story: Story) -> None:
    """The invoice is not edited: from May on 10 are billed, and a person is told what to credit."""
    run = story.on(date(2026, 3, 17), 12)
    story.invoice(date(2026, 4, 1))
    story.cycles()
    found = story.undo(run)

    [note] = found.parts[0].notes
    assert "the invoice made since bills 2 seats from 2026-03-17 on, and the profile takes no credit" in note
    assert "credit them by hand" in story.says(Code.KEPT_LINE)[0]
    assert story.invoice(date(2026, 5, 1)) == Decimal("220.00")


def test_new_line_is_taken_back_whole(tmp_path: Path) -> None:
    """Its first run made it: it ends before it began to bill."""
    story = Story(tmp_path, new=True)
    first = story.rig.cycle.store.entries()[-1].run
    story.rig.pass_time(86_400)
    story.undo(first)

    assert story.lines == []


def test_lowering_is_taken_back(story: Story) -> None:
    """12 -> 9 by a wrong read: 12 again, and no day of it billed twice: May's 264.00, and 2 x 22.00 for April."""
    story.invoice(date(2026, 4, 1))
    story.on(date(2026, 4, 1), 12)
    run = story.on(date(2026, 4, 10), 9)
    story.undo(run)

    assert sum(quantity for quantity, _, last in story.lines if not last) == 12
    assert story.invoice(date(2026, 5, 1)) == Decimal("308.00")


def test_ended_line_lives_on_in_a_new_one(story: Story) -> None:
    """An ended line stays ended; what it billed goes on from the day on which it ended."""
    story.on(date(2026, 3, 20), 0)
    [hold] = story.rig.cycle.store.holds(COMPANY)
    story.rig.cycle.store.decide(hold.digest, "approved", "ana", story.rig.clock.now(), None)
    run = story.cycles()
    story.undo(run)

    assert sum(quantity for quantity, _, last in story.lines if not last) == 10


def test_line_that_was_written_to_since_is_left_alone(story: Story) -> None:
    """12, then 14: the first run is not taken back from under the second, which is named."""
    first = story.on(date(2026, 3, 17), 12)
    second = story.on(date(2026, 3, 18), 14)
    found = story.undo(first)

    assert found.parts[0].kept == ()
    assert f"written again since, by run {second}: undo that one first" in found.parts[0].notes[0]
    assert sum(quantity for quantity, _, last in story.lines if not last) == 14


def test_guards_are_told_before_a_person_agrees(story: Story) -> None:
    """30 more than 10 and 50 %: taking 30 back is more than 3 and 20 %; who agrees approves just that."""
    story.rig.cycle.policy = replace(
        story.rig.cycle.policy, limits=replace(story.rig.limits, lower_absolute=3, lower_percent=20)
    )
    run = story.on(date(2026, 3, 17), 40)
    found = story.undoing(run)

    [planned] = found.parts[0].planned
    assert planned.holds == ("lowered by 30, more than 8",)
    carry_out(story.rig.cycle, found, DAY)
    story.cycles()
    assert [quantity for quantity, _, _ in story.lines] == [10]
    kinds = [record.kind for record in story.rig.cycle.store.journal()]
    assert {"kept", "approved", "intent", "confirmed"} <= set(kinds)


def test_digest_is_another_once_the_ground_has_moved(story: Story) -> None:
    """A person edits the line between the look and the yes."""
    run = story.on(date(2026, 3, 17), 12)
    before = story.undoing(run).digest
    line = next(line["id"] for line in story.rig.psa.additions(AGREEMENT))
    assert story.undoing(run).digest == before
    story.rig.psa.person_edits(AGREEMENT, line, quantity=15)

    assert story.undoing(run).digest != before


@pytest.mark.parametrize("run", ["nothing", "quiet"])
def test_nothing_to_undo_is_said(story: Story, run: str) -> None:
    """No such run; a run that wrote nothing."""
    with pytest.raises(NothingToUndo):
        story.undoing(story.cycles() if run == "quiet" else run)


def test_report_mode_undoes_nothing(story: Story) -> None:
    """It never writes, whoever asks."""
    run = story.on(date(2026, 3, 17), 12)
    story.mode = Mode.REPORT
    with pytest.raises(NothingToUndo, match="mode report"):
        story.undoing(run)


class TestPeoplesEdits:
    """A line of 10 that a person has set to 15, while the tenant has 10."""

    @pytest.fixture
    def edited(self, story: Story) -> int:
        line: Any = next(line["id"] for line in story.rig.psa.additions(AGREEMENT))
        story.rig.pass_time(86_400)
        story.rig.psa.person_edits(AGREEMENT, line, quantity=15)
        for _ in range(2):
            story.cycles()
        assert [quantity for quantity, _, _ in story.lines] == [15]
        assert "trueup hold keep" in story.rig.cycle.store.findings(COMPANY)[0].finding.remedy or story.says(
            Code.EDITED_BY_PERSON
        )
        return int(line)

    def tell(self, story: Story, line: int, verb: str) -> None:
        told(story.rig.cycle.store, story.rig.cycle.psa, story.rig.clock, UTC_ZONE, line, verb, "ana: asked the office")
        for _ in range(3):
            story.cycles()

    def test_kept(self, story: Story, edited: int) -> None:
        """Theirs stays, whatever the tenant has next week; the difference is a finding, and nothing waits."""
        self.tell(story, edited, "keep")
        story.on(date(2026, 3, 12), 11)

        assert [quantity for quantity, _, _ in story.lines] == [15]
        assert "kept at 15 since 2026-03-06 (ana: asked the office)" in story.says(Code.KEPT_LINE)[0]
        assert story.rig.cycle.store.holds(COMPANY) == []

    def test_taken_over(self, story: Story, edited: int) -> None:
        """Theirs is the base from which the row goes on: an ordinary change now, within the guards."""
        self.tell(story, edited, "take")

        assert [quantity for quantity, _, last in story.lines if not last] == [10]
        assert story.says(Code.EDITED_BY_PERSON) == []

    def test_released(self, story: Story, edited: int) -> None:
        """Neither written to nor made again, until it is taken back."""
        self.tell(story, edited, "release")
        story.on(date(2026, 3, 12), 20)
        assert [quantity for quantity, _, _ in story.lines] == [15]
        assert "was released to people" in story.says(Code.RELEASED_LINE)[0]

        self.tell(story, edited, "take")
        assert sum(quantity for quantity, _, last in story.lines if not last) == 20

    def test_kept_right_after_a_write_is_what_was_written(self, story: Story) -> None:
        """12 were written a minute ago; the cycle that wrote them had read 10. Kept and given back, 12 stay."""
        line = next(line["id"] for line in story.rig.psa.additions(AGREEMENT))
        story.rig.source.seats[SKUS[0]] = 12
        story.cycles()
        for verb in ("keep", "take"):
            self.tell(story, line, verb)

        assert [quantity for quantity, _, last in story.lines if not last] == [12]
        assert story.says(Code.EDITED_BY_PERSON) == []

    def test_other_lines_are_nobodys_to_hold(self, story: Story, edited: int) -> None:
        """A number that is no line of ours."""
        with pytest.raises(TrueupError, match="manages no line 999"):
            self.tell(story, 999, "keep")
