"""Who is counted, and since when: read off the versions of a tenant's snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.domain.counts import Member, Snapshot
from agent.ports import Version

Counted = Callable[[Snapshot], Iterable[Member]]


@dataclass(frozen=True, slots=True)
class Holder:
    """One person's time among those who count.

    `since` is the first read that showed it, None where the oldest read that is kept does; `last` the last one, None
    while it lasts.
    """

    login: str
    name: str
    since: datetime | None
    last: datetime | None

    def there(self, at: datetime) -> bool:
        return (self.since is None or self.since <= at) and (self.last is None or self.last >= at)


def holders(versions: Sequence[Version[Snapshot]], counted: Counted) -> list[Holder]:
    """By login, one for each unbroken time."""
    found: list[Holder] = []
    open_: dict[str, tuple[Member, datetime | None]] = {}
    last = None
    for place, version in enumerate(versions):
        here = {member.id: member for member in counted(version.value)}
        for gone in open_.keys() - here.keys():
            member, since = open_.pop(gone)
            found.append(Holder(member.login, member.name, since, last))
        for id, member in here.items():
            _, since = open_.get(id, (member, version.since if place else None))
            open_[id] = member, since
        last = version.last
    found += [Holder(member.login, member.name, since, None) for member, since in open_.values()]
    return sorted(found, key=lambda holder: (holder.login.casefold(), holder.last is not None))


def at(versions: Sequence[Version[Snapshot]], moment: datetime) -> Version[Snapshot] | None:
    """The version in force then."""
    return next((version for version in reversed(versions) if version.since <= moment), None)
