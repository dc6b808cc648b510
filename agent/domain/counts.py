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
from agent.domain.money import Money

MICROSOFT = "microsoft"


class Hint(StrEnum):
    """What a source knows of an account that says whose it is."""

    TENANT = "tenant"  # a Microsoft tenant id
    COMPANY = "company"  # the company's id in the PSA
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """Whose counts: at Microsoft a tenant, keyed by its lower-cased GUID; elsewhere a company, site or organisation.

    `source` is the source's name in agent.toml, so that two of one kind are two sources. `hints` come with a list of
    accounts only.
    """

    source: str
    id: str
    name: str = field(default="", compare=False)
    hints: tuple[tuple[Hint, str], ...] = field(default=(), compare=False)

    @property
    def ref(self) -> str:
        """How rows and line keys name it: a tenant by its id alone, another account with its source before it."""
        return self.id if self.source == MICROSOFT else f"{self.source}:{self.id}"

    @classmethod
    def parse(cls, ref: str) -> Account:
        source, colon, id_ = ref.partition(":")
        return cls(source, id_) if colon else cls(MICROSOFT, ref)

    def __str__(self) -> str:
        """In a sentence, behind a verb or before one."""
        return "the tenant" if self.source == MICROSOFT else f"{self.source} account {self.id}"


class Coverage(StrEnum):
    """What a snapshot speaks of. Anything else it leaves unknown."""

    LICENCES = "licences"
    SUBSCRIPTIONS = "subscriptions"
    MEMBERS = "members"
    IN_USE = "in-use"  # how many units are in use is told as a number, though not by whom
    MAILBOXES = "mailboxes"
    DEVICES = "devices"  # those that the tenant manages, licensed or not
    TERMS = "terms"
    INVOICE = "invoice"  # what the seller is about to bill us


class Unit(StrEnum):
    """What one of a product is."""

    SEAT = "seat"
    DEVICE = "device"
    MAILBOX = "mailbox"
    UNIT = "unit"

    def __call__(self, number: int) -> str:
        plural = "es" if self is Unit.MAILBOX else "s"
        return f"{number} {self}" if number == 1 else f"{number} {self}{plural}"


class MailboxKind(StrEnum):
    USER = "user"
    SHARED = "shared"


class System(StrEnum):
    """What a managed device runs."""

    WINDOWS = "windows"
    MACOS = "macos"
    IOS = "ios"
    ANDROID = "android"
    LINUX = "linux"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Needs:
    """What rows ask of an account beyond its licences, purchases and licensed people; groups by id, lower-cased.

    `terms` are those of its purchases, which only a seller knows.
    """

    groups: frozenset[str] = frozenset()
    mailboxes: bool = False
    terms: bool = False
    devices: bool = False

    def __or__(self, other: Needs) -> Needs:
        either = self.mailboxes or other.mailboxes, self.terms or other.terms, self.devices or other.devices
        return Needs(self.groups | other.groups, *either)


NO_NEEDS = Needs()


class Status(StrEnum):
    """Life of a subscription. Enabled and Warning (grace: people keep working) are billed, the others never."""

    ENABLED = "Enabled"
    WARNING = "Warning"
    SUSPENDED = "Suspended"
    LOCKED_OUT = "LockedOut"
    DELETED = "Deleted"
    PENDING = "Pending"  # ordered, and not delivered yet
    TRIAL = "Trial"
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


_LENGTHS = {1: "monthly", 12: "annual", 24: "two years", 36: "three years"}
_EVERY = {1: "monthly", 12: "annually", 24: "every two years", 36: "in one"}


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

    `commerce` is its id with the seller; `ends` when it is over for good, if that has been ordered. Where the seller is
    the source it also says for how much a unit was bought and what it proposes to bill for it, each for one payment of
    so many months (`paid`).
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
    cost: Money | None = None
    price: Money | None = None
    paid: int | None = None
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Invoiced:
    """What the seller is about to bill us for a product: units in force, and all money of it, prorations included."""

    quantity: int
    cost: Money


@dataclass(frozen=True, slots=True)
class Observation:
    """One product of one account at one time. `sku` is a licence's GUID, or the source's own key of a product.

    `prepaid` is the source's own total of billable units, `subscriptions` the purchases behind it where it lists them;
    None where it sells nothing, as a count of protected devices. `assigned` are those in use: people's, or devices
    that are there; None where it does not know. It may exceed what was purchased (units expired while people kept
    them): a legal state, never clamped.
    """

    sku: str
    part_number: str
    name: str
    prepaid: int | None
    assigned: int | None
    per_user: bool = True
    subscriptions: tuple[Subscription, ...] = ()
    unit: Unit = Unit.SEAT
    invoiced: Invoiced | None = None

    @property
    def purchased(self) -> int | None:
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
        if not self.per_user or self.purchased is None or self.assigned is None:
            return 0
        return max(0, self.purchased - self.assigned)

    @property
    def told(self) -> str:
        """What the source says of it: "12 seats purchased", "9 devices in use"."""
        if self.purchased is not None:
            return f"{self.unit(self.purchased)} purchased"
        return "a number that is not known" if self.assigned is None else f"{self.unit(self.assigned)} in use"

    @property
    def some(self) -> bool:
        """Whether there is anything to bill at all."""
        return bool(self.purchased if self.purchased is not None else self.assigned)


@dataclass(frozen=True, slots=True)
class Member:
    """A person, shared account or device with licences. `attributes` uses our own names: department, extension-1.

    In a group, and as a mailbox, it may hold none; a device of a group has no login, nor has a mailbox whose name is
    concealed. A device that is counted has its host name as login. `assigned` says of licences since when they are
    held, to the second, where the source tells: evidence, on which no number rests.
    """

    id: str
    login: str
    name: str
    enabled: bool
    guest: bool
    licences: frozenset[str]
    attributes: Mapping[str, str]
    assigned: Mapping[str, datetime] = field(default_factory=dict)


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

    `groups`, `mailboxes` and `devices` hold what was asked for and read whole. What was asked for and could not be read
    is in `gaps`, with the reason, under the group's id or the name of its coverage: no number rests on it. A file says
    the same however often it is read (`from_file`), so a second read of it proves nothing.
    """

    account: Account
    taken_at: datetime
    observations: Mapping[str, Observation]
    members: tuple[Member, ...]
    coverage: frozenset[Coverage]
    groups: Mapping[str, Group] = field(default_factory=dict)
    mailboxes: Mapping[MailboxKind, tuple[Member, ...]] = field(default_factory=dict)
    gaps: Mapping[str, Stop] = field(default_factory=dict)
    devices: Mapping[System, tuple[Member, ...]] = field(default_factory=dict)
    from_file: bool = False

    def gap(self, what: str) -> Stop:
        """Why something that a row needs is not there: what the source said, or that nobody asked it."""
        return self.gaps.get(what) or Stop(Code.SOURCE_INCOMPLETE, f"{what} was not read", "wait for the next read")

    def holders(self, sku: str) -> tuple[Member, ...]:
        return tuple(m for m in self.members if sku in m.licences)
