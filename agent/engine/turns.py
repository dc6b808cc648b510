"""One run per company at a time.

A run takes a company's turn before it reads and keeps it until its plan is carried out: a second run that planned the
same increase meanwhile would write a second difference line for it.
"""

from __future__ import annotations

from threading import Condition


class Turns:
    """Who works on which company. A run that waits holds at most one turn, or works through all of them in one go."""

    def __init__(self) -> None:
        self._taken: dict[int, str] = {}
        self._changed = Condition()

    def take(self, company: int, run: str) -> None:
        with self._changed:
            self._changed.wait_for(lambda: company not in self._taken)
            self._taken[company] = run

    def end(self, company: int, run: str) -> None:
        with self._changed:
            if self._taken.get(company) == run:
                del self._taken[company]
                self._changed.notify_all()

    def end_all(self, run: str) -> None:
        with self._changed:
            self._taken = {company: taker for company, taker in self._taken.items() if taker != run}
            self._changed.notify_all()
