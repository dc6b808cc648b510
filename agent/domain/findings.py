"""The logged mismatches: what a person should know, with its money and its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.domain.money import Money
from agent.domain.periods import Grid


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Code(StrEnum):
    UNDER_BILLED = "under-billed"
    OVER_BILLED = "over-billed"
    UNMAPPED_LICENCE = "unmapped-licence"
    UNMAPPED_TENANT = "unmapped-tenant"
    UNMAPPED_ACCOUNT = "unmapped-account"
    UNMAPPED_COMPANY = "unmapped-company"
    MISSING_PRODUCT = "missing-product"
    MISSING_AGREEMENT = "missing-agreement"
    UNKNOWN_SKU = "unknown-sku"
    FREE_SKU_BILLED = "free-sku-billed"
    UNASSIGNED_SEATS = "unassigned-seats"
    ASSIGNED_OVER_PURCHASED = "assigned-over-purchased"
    LICENSED_DISABLED_USER = "licensed-disabled-user"
    SUBSCRIPTION_GONE = "subscription-gone"
    GROUP_GONE = "group-gone"
    OVERLAP = "overlap"
    LEFTOVER_SEATS = "leftover-seats"
    DUPLICATE_LINES = "duplicate-lines"
    AMBIGUOUS_LINES = "ambiguous-lines"
    ORPHAN_LINE = "orphan-line"
    STALE_LINE = "stale-line"
    SET_UP = "set-up"
    MISSING_LINE = "missing-line"
    FOREIGN_MARK = "foreign-mark"
    EDITED_BY_PERSON = "edited-by-person"
    KEPT_LINE = "kept-line"
    RELEASED_LINE = "released-line"
    WRONG_COMPANY = "wrong-company"
    AGREEMENT_NOT_BILLABLE = "agreement-not-billable"
    CYCLE_UNSUPPORTED = "cycle-unsupported"
    INVOICE_UNDONE = "invoice-undone"
    INVOICE_DIFFERS = "invoice-differs"
    DATE_REFUSED = "date-refused"
    HELD = "held"
    REFUSED_BY_PSA = "refused-by-psa"
    OUTCOME_UNKNOWN = "outcome-unknown"
    SOURCE_STALE = "source-stale"
    SOURCE_INCOMPLETE = "source-incomplete"
    SOURCE_EMPTY = "source-empty"
    CONSENT_LOST = "consent-lost"
    CREDENTIALS_REJECTED = "credentials-rejected"
    CREDENTIAL_EXPIRING = "credential-expiring"
    PSA_UNREADABLE = "psa-unreadable"
    PERMISSION_TOO_WIDE = "permission-too-wide"
    PERMISSION_MISSING = "permission-missing"
    MAPPING_INVALID = "mapping-invalid"
    SELLER_DISAGREES = "seller-disagrees"
    ORDER_PENDING = "order-pending"
    PURCHASE_ENDS = "purchase-ends"
    PURCHASE_ON_TRIAL = "purchase-on-trial"
    PRORATE_MISMATCH = "prorate-mismatch"
    COMMITMENT_WINDOW = "commitment-window"
    COMMITMENT_RENEWAL = "commitment-renewal"
    TERM_UNKNOWN = "term-unknown"
    TERM_DISAGREES = "term-disagrees"
    RUN_FAILED = "run-failed"
    CYCLE_OVERDUE = "cycle-overdue"
    WRITE_UNSETTLED = "write-unsettled"
    HOLD_FORGOTTEN = "hold-forgotten"
    FLEET_HELD = "fleet-held"
    JOURNAL_BROKEN = "journal-broken"
    DISK_FULL = "disk-full"
    NOTICE_UNDELIVERED = "notice-undelivered"


@dataclass(frozen=True, slots=True)
class Apart:
    """How far what is billed and what is to be billed are apart: so many units, each at `price` a month.

    `price` is None where nobody knows it; `agreement` where no line bills the licence, nor will. `whole` are the
    periods of an agreement that bills only whole ones.
    """

    licence: str
    units: int
    price: Money | None = None
    agreement: int | None = None
    product: str = ""
    whole: Grid | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One mismatch. `subject` identifies it: the same code and subject again is the same finding, still open.

    `subject` is made of ids, `sentence` names people and numbers. `money` is per month: positive when the MSP
    loses it, negative when its client is overcharged, None where it has no price. `apart` is there where the mismatch
    costs more with each day: the ledger of the past is made of it.
    """

    code: Code
    severity: Severity
    company: int | None
    subject: str
    sentence: str
    remedy: str
    money: Money | None = None
    apart: Apart | None = None


class Over(StrEnum):
    """Why a finding was closed, as a sentence goes on after its name."""

    NOT_SEEN = "not found any more"
    WRITTEN = "what it asked for was written"
    FILE_GONE = "its company has no mapping file any more"
    UNMAPPED = "its account is in no mapping file of the company any more"
    SOURCE_GONE = "agent.toml has no such source any more"


@dataclass(frozen=True, slots=True)
class Stop:
    """Why nothing is planned for a line although something may differ."""

    code: Code
    reason: str
    remedy: str
