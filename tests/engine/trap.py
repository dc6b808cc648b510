"""What befalls the agent between any two of its steps: death, a commit that fails, somebody else's deed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from agent.errors import StoreFailed


class Crash(BaseException):
    """The process dies. Not an Exception, so that nothing in between can survive it."""


def dies() -> None:
    raise Crash


def commit_fails() -> None:
    raise StoreFailed("the disk is full")


@dataclass(slots=True)
class Trap:
    """Springs once, at the n-th call from now of those it is set for: before the call, or before its answer is seen.

    It is set for ports or for single methods. `calls` are the names of all calls that came by.
    """

    left: int = 0
    deed: Callable[[], None] | None = None
    after: bool = False
    ports: tuple[str, ...] = ()
    sprung: bool = False
    struck: str = ""  # the call at which it sprang last
    calls: list[str] = field(default_factory=list)

    def set(self, nth: int, deed: Callable[[], None], *, after: bool = False, ports: tuple[str, ...]) -> None:
        self.left, self.deed, self.after, self.ports, self.sprung = nth, deed, after, ports, False

    def disarm(self) -> None:
        self.deed = None

    def call(self, port: str, name: str, made: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.calls.append(name)
        deed = self._springs(port, name)
        if deed and not self.after:
            deed()
        result = made(*args, **kwargs)
        if deed and self.after:
            deed()
        return result

    def _springs(self, port: str, name: str) -> Callable[[], None] | None:
        if self.deed is None or not {port, name} & set(self.ports):
            return None
        self.left -= 1
        if self.left:
            return None
        deed, self.deed, self.sprung, self.struck = self.deed, None, True, name
        return deed


class Mortal:
    """Passes on every call of a port by way of the trap."""

    def __init__(self, inner: Any, port: str, trap: Trap) -> None:
        self._inner, self._port, self._trap = inner, port, trap

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found
        # The time between a comparison and its request cannot be closed, so nothing but death falls into it.
        port = "wire" if name == "execute" else self._port
        passed = partial(self._trap.call, port, name, found)
        self.__dict__[name] = passed
        return passed
