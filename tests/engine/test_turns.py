"""One run per company at a time."""

from __future__ import annotations

from threading import Event, Thread

from agent.engine.turns import Turns

CONTOSO, FABRIKAM = 250, 251


class Waiting:
    """A run in a thread of its own that wants a company's turn."""

    def __init__(self, turns: Turns, company: int) -> None:
        self._has_it = Event()
        Thread(target=self._take, args=(turns, company), daemon=True).start()

    def _take(self, turns: Turns, company: int) -> None:
        turns.take(company, "second")
        self._has_it.set()

    def got_it(self, within: float) -> bool:
        return self._has_it.wait(within)


def test_second_run_waits_until_the_first_has_ended() -> None:
    """Not for a moment do both have the company."""
    turns = Turns()
    turns.take(CONTOSO, "first")
    second = Waiting(turns, CONTOSO)
    assert not second.got_it(within=0.05)
    turns.end(CONTOSO, "first")
    assert second.got_it(within=5)


def test_other_companies_are_free() -> None:
    """A single company does not wait for a fleet that works elsewhere."""
    turns = Turns()
    turns.take(CONTOSO, "first")
    assert Waiting(turns, FABRIKAM).got_it(within=5)


def test_nobody_ends_the_turn_of_another() -> None:
    """A run that gives back what it never had changes nothing."""
    turns = Turns()
    turns.take(CONTOSO, "first")
    second = Waiting(turns, CONTOSO)
    turns.end(CONTOSO, "third")
    turns.end_all("third")
    assert not second.got_it(within=0.05)


def test_run_that_breaks_off_gives_everything_back() -> None:
    """Whatever it still had, so that nobody waits for a run that is over."""
    turns = Turns()
    for company in (CONTOSO, FABRIKAM):
        turns.take(company, "first")
    turns.end_all("first")
    assert Waiting(turns, CONTOSO).got_it(within=5)
    assert Waiting(turns, FABRIKAM).got_it(within=5)
