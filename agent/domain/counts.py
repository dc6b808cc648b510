"""What a source saw: accounts, observations, members, snapshots.

A snapshot is whole or it does not exist: a source that could not read everything raises `ReadFailed` instead.
What is absent from a snapshot's coverage is unknown, which is not the same as zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from agent.domain.findings import Code, Stop


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """Whose counts: at Microsoft a tenant, keyed by its lower-cased GUID."""

    source: str
    id: str
    name: str = field(default="", compare=False)


class Coverage(StrEnum):
    """What a snapshot speaks of. Anything else it leaves unknown."""

    LICENCES = "licences"
    SUBSCRIPTIONS = "subscriptions"
    MEMBERS = "members"
    MAILBOXES = "mailboxes"
    TERMS = "terms"


class MailboxKind(StrEnum):
    USER = "user"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Needs:
    """What rows ask of an account beyond its licences, purchases and licensed people; groups by id, lower-cased."""

    groups: frozenset[str] = frozenset()
    mailboxes: bool = False

    def __or__(self, other: Needs) -> Needs:
        return Needs(self.groups | other.groups, self.mailboxes or other.mailboxes)


NO_NEEDS = Needs()


class Status(StrEnum):
    """Life of a subscription. Enabled and Warning (grace: people keep working) are billed, the others never."""

    ENABLED = "Enabled"
    WARNING = "Warning"
    SUSPENDED = "Suspended"
    LOCKED_OUT = "LockedOut"
    DELETED = "Deleted"
    UNKNOWN = "unknown"

    @property
    def billed(self) -> bool:
        return self in (Status.ENABLED, Status.WARNING)


@dataclass(frozen=True, slots=True)
class Term:
    """Months that seats are committed to, and months between two payments; None where those are not known."""

    months: int
    paid: int | None = None

    def __str__(self) -> str:
        paid = f", paid {_EVERY[self.paid]}" if self.paid and self.paid != self.months else ""
        return f"{_LENGTHS[self.months]}{paid}"


_LENGTHS = {1: "monthly", 12: "annual", 36: "three years"}
_EVERY = {1: "monthly", 12: "annually", 36: "in one"}


@dataclass(frozen=True, slots=True)
class Deal:
    """What the seller says of a purchase. `ends` is the first instant after its term; None for one without an end.

    All of it can be cancelled until `cancel_until`; `renews` is whether it goes on by itself, and `next_quantity` what
    has been ordered for then.
    """

    term: Term
    quantity: int
    ends: datetime | None = None
    cancel_until: datetime | None = None
    renews: bool = True
    next_quantity: int | None = None
    by: str = "the seller"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One purchase of a licence. `renews` lags behind after a renewal, so it must not filter anything.

    `commerce` is its id with the seller.
    """

    id: str
    quantity: int
    status: Status
    created: datetime | None = None
    renews: datetime | None = None
    trial: bool = False
    owner: str = ""
    commerce: str = ""
    deal: Deal | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One licence of one account at one time.

    `prepaid` is the source's own total of billable units, `subscriptions` the purchases behind it where it lists them.
    `assigned` may exceed what was purchased (units expired while people kept them): a legal state, never clamped.
    """

    sku: str
    part_number: str
    name: str
    prepaid: int
    assigned: int
    per_user: bool = True
    subscriptions: tuple[Subscription, ...] = ()

    @property
    def purchased(self) -> int:
        """Units of the subscriptions that are billed; the source's total where it lists no purchase."""
        if not self.subscriptions:
            return self.prepaid
        return sum(s.quantity for s in self.subscriptions if s.status.billed)

    @property
    def contradicts_itself(self) -> bool:
        """Purchases and total disagree, or a purchase is in a state we do not know: not a number to bill on."""
        unknown = any(s.status is Status.UNKNOWN for s in self.subscriptions)
        return unknown or self.purchased != self.prepaid

    @property
    def unassigned(self) -> int:
        return max(0, self.purchased - self.assigned) if self.per_user else 0


@dataclass(frozen=True, slots=True)
class Member:
    """A person or shared account with licences. `attributes` uses our own names: department, office, extension-1.

    In a group, and as a mailbox, it may hold none; a device has no login, nor has a mailbox whose name is concealed.
    """

    id: str
    login: str
    name: str
    enabled: bool
    guest: bool
    licences: frozenset[str]
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Group:
    """Everybody and every device in a group and in the groups inside it, whether licensed or not."""

    people: tuple[Member, ...]
    devices: tuple[Member, ...] = ()

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(member.id for member in self.people)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one read of one account said, at one time.

    `groups` and `mailboxes` hold what was asked for and read whole. What was asked for and could not be read is in
    `gaps`, with the reason, under the group's id or the name of its coverage: it is unknown, and no number rests on it.
    """

    account: Account
    taken_at: datetime
    observations: Mapping[str, Observation]
    members: tuple[Member, ...]
    coverage: frozenset[Coverage]
    groups: Mapping[str, Group] = field(default_factory=dict)
    mailboxes: Mapping[MailboxKind, tuple[Member, ...]] = field(default_factory=dict)
    gaps: Mapping[str, Stop] = field(default_factory=dict)

    def gap(self, what: str) -> Stop:
        """Why something that a row needs is not there: what the source said, or that nobody asked it."""
        return self.gaps.get(what) or Stop(Code.SOURCE_INCOMPLETE, f"{what} was not read", "wait for the next read")

    def holders(self, sku: str) -> tuple[Member, ...]:
        return tuple(m for m in self.members if sku in m.licences)
