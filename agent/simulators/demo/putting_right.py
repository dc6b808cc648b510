"""The first half: what the MSP has, what is wrong with it, and how it is put right."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from agent.simulators.companies import CURRENCY, MISTAKES, MSP, STORIES, Mistake
from agent.simulators.demo.psa import Picture
from agent.simulators.demo.scene import ALDER, FENNIMORE, HALCYON, MONTHLY, NAMES, Scene

APPROVED = [mistake for mistake in MISTAKES if mistake.company != FENNIMORE.company]


def introduce(scene: Scene) -> None:
    stage, config = scene.stage, scene.trueup.config
    people = sum(team.people for story in STORIES for team in story.teams)
    stage.step("An MSP and its agreements", f"{MSP} looks after {len(STORIES)} companies with {people} people.")
    stage.table(("id", "company", "what to look for"), [(str(s.company), s.name, s.tells) for s in STORIES])
    stage.says("Trueup is set up as anywhere: agent.toml, secrets, one mapping file for each company.")
    stage.command(f"export TRUEUP_CONFIG={config}")
    stage.command("cat mappings/companies/alder-finch.toml")
    stage.output((scene.folder / "mappings/companies/alder-finch.toml").read_text("utf-8"))


def check(scene: Scene) -> None:
    scene.stage.step("Does everything answer?")
    printed = scene.run("check")
    faults = [line for line in printed.text.splitlines() if line.startswith("fail")]
    scene.stage.fact(
        printed.status == 1 and len(faults) == 1 and HALCYON.name in faults[0],
        "One fault, and a true one: Halcyon Bay's administrator has not consented yet",
    )


def plan(scene: Scene) -> None:
    scene.stage.step("What is wrong with the agreements", "Both sides are read and compared. Nothing is written.")
    scene.stage.command("trueup plan --json")
    plans = scene.trueup.json("plan", "--json", expect=2)
    changes = [(c["name"], change) for c in plans["companies"] for change in c["changes"] if _moves_seats(change)]
    changes.sort(key=lambda named: -_monthly(named[1]))
    rows = [
        (name, c["label"], str(_was(c)), str(c["after"]["quantity"]), f"{_monthly(c):+,.2f}") for name, c in changes
    ]
    scene.stage.table(("company", "licence", "billed", "to bill", f"{CURRENCY} a month"), rows, right={2, 3, 4})
    _check_plan(scene, [change for _, change in changes])
    scene.stage.gap()
    scene.stage.says("Each with the exact requests, and why it waits. The yearly agreement, for one:")
    scene.run("plan", "corvane")
    scene.stage.fact(scene.writes() == 0, "Nothing has been written")


def apply(scene: Scene) -> None:
    beneath = "All but Fennimore & Osei's, where one person is in neither department: somebody should look first."
    scene.stage.step("Approve, and let the daemon write", beneath)
    before = scene.picture()
    scene.stage.command("trueup run &")
    with scene.stage.waiting("Reading everything twice, as whatever is to be lowered needs"):
        scene.trueup.start()
        # The invoice text with Alder & Finch's names is held as well.
        scene.trueup.until(lambda: len(scene.holds()) == len(MISTAKES) + 1, "Not every change came to be held")
    chosen = [hold["digest"] for hold in scene.holds() if hold["company"] != FENNIMORE.company]
    scene.stage.command(f"trueup approve {chosen[0]} {chosen[1]} … --now    # {len(chosen)} digests")
    approved = scene.trueup.command("approve", *chosen, "--now")
    scene.stage.output(_from_the_run_on(approved.text) if approved.status == 0 else approved.text + approved.aside)
    after = scene.picture()
    _show_applied(scene, before, after)
    _check_applied(scene, before, after, approved.status)


def agreement(mistake: Mistake) -> int:
    """Which of the company's agreements bills the product in that quantity."""
    contracts = [c for story in STORIES if story.company == mistake.company for c in story.contracts]
    billing = [
        c.id
        for c in contracts
        for line in c.lines
        if (line.product, line.quantity) == (mistake.product, mistake.billed)
    ]
    return billing[0] if billing else contracts[0].id


def _check_plan(scene: Scene, changes: list[Mapping[str, Any]]) -> None:
    found = sorted((c["agreement"], _was(c), c["after"]["quantity"]) for c in changes)
    scene.stage.fact(
        found == sorted((agreement(m), m.billed, m.due) for m in MISTAKES),
        f"{len(changes)} lines are wrong: the {len(MISTAKES)} mistakes that were put into this world, and no other",
    )
    moved = [MONTHLY[m.product] * (m.due - m.billed) for m in MISTAKES]
    missed, over = sum(m for m in moved if m > 0), -sum(m for m in moved if m < 0)
    said = [_monthly(change) for change in changes]
    scene.stage.fact(
        (missed, over) == (sum(m for m in said if m > 0), -sum(m for m in said if m < 0)),
        f"{missed:,.2f} {CURRENCY} a month is not billed, {over:,.2f} {CURRENCY} is billed too much",
    )


def _show_applied(scene: Scene, before: Picture, after: Picture) -> None:
    rows = []
    for mistake in APPROVED:
        number, product = agreement(mistake), mistake.product
        beside = [one for one in after.new(before) if (one.agreement, one.product) == (number, product)]
        shown = ", ".join(f"{one.quantity} {one.days}: {one.amount:,.2f}" for one in beside)
        seats = (str(picture.seats(number, product)) for picture in (before, after))
        rows.append((NAMES[mistake.company], product, *seats, shown))
    header = ("company", "in the PSA", "before", "after", "new addition, and its amount in this period")
    scene.stage.table(header, rows, right={2, 3})


def _check_applied(scene: Scene, before: Picture, after: Picture, status: int) -> None:
    wrong = [m for m in APPROVED if after.seats(agreement(m), m.product) != m.due]
    scene.stage.fact(status == 0 and not wrong, "The PSA shows every number that was approved")
    touched = {one.agreement for one in after.changed(before)}
    expected = {agreement(m) for m in APPROVED} | {ALDER.contracts[0].id}
    scene.stage.fact(touched == expected, "No other agreement was touched; Fennimore & Osei's changes still wait")


def _moves_seats(change: Mapping[str, Any]) -> bool:
    return bool(_was(change) != change["after"]["quantity"])


def _was(change: Mapping[str, Any]) -> int:
    return int(change["before"]["quantity"]) if change["before"] else 0


def _monthly(change: Mapping[str, Any]) -> Decimal:
    return Decimal(change["monthly"]["amount"])


def _from_the_run_on(text: str) -> str:
    """Without the list of what was approved, which was on the screen a moment ago."""
    lines = text.splitlines()
    return "\n".join(lines[next((place for place, line in enumerate(lines) if line.startswith("Run ")), 0) :])
