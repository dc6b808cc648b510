"""Who is counted, and since when: read off the versions of a tenant's snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from agent.domain.counts import Member, Snapshot
from agent.ports import Version

Counted = Callable[[Snapshot], Iterable[Member]]


@dataclass(frozen=True, slots=True)
class Holder:
    """One person's time among those who count.

    `since` is the first read that showed it, None where the oldest read that is kept does; `last` the last one, None
    while it lasts. `assigned` is the earliest day that the source named for the licence in that time: the assignment's
    own, as long as nothing about it was changed since. None where it named none.
    """

    login: str
    name: str
    since: datetime | None
    last: datetime | None
    assigned: datetime | None = None

    def there(self, at: datetime) -> bool:
        return (self.since is None or self.since <= at) and (self.last is None or self.last >= at)


def holders(versions: Sequence[Version[Snapshot]], counted: Counted, skus: Sequence[str] = ()) -> list[Holder]:
    """By login, one for each unbroken time. `skus` are the licences whose assignments are meant."""
    found: list[Holder] = []
    open_: dict[str, Holder] = {}
    last = None
    for place, version in enumerate(versions):
        here = {member.id: member for member in counted(version.value)}
        found += [replace(open_.pop(gone), last=last) for gone in open_.keys() - here.keys()]
        for id, member in here.items():
            before = open_.get(id)
            since = before.since if before else version.since if place else None
            known = [before.assigned] if before and before.assigned else []
            days = [*known, *(member.assigned[sku] for sku in skus if sku in member.assigned)]
            open_[id] = Holder(member.login, member.name, since, None, min(days, default=None))
        last = version.last
    found += open_.values()
    return sorted(found, key=lambda holder: (holder.login.casefold(), holder.last is not None))


def at(versions: Sequence[Version[Snapshot]], moment: datetime) -> Version[Snapshot] | None:
    """The version in force then."""
    return next((version for version in reversed(versions) if version.since <= moment), None)
