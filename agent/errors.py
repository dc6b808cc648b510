"""What stops work, as a tree.

    TrueupError
    ├── SettingsInvalid          agent.toml cannot be used                         (agent/settings.py)
    ├── MappingsInvalid          the mapping files cannot be used                  (agent/mapping_files/)
    ├── SheetInvalid             a CSV or XLSX file cannot be used                 (agent/sheets/)
    ├── ReadFailed               a read was not whole: nothing may be lowered on its account
    │   ├── Unreachable          network, throttling, 5xx: try again next cycle
    │   ├── Incomplete           a page, a batch item or a count is missing
    │   │   └── Absent           what was asked for by its id does not exist
    │   ├── AccessDenied         consent, permission or role missing: a person must act, one tenant or site
    │   └── CredentialsRejected  our own key is refused everywhere: stop, do not hammer the others
    ├── StoreFailed              the store cannot be trusted to remember: nothing may be sent
    │   ├── AnotherWriter        a second agent holds the lock
    │   ├── LeaseLost            this agent is not the one that writes any more
    │   ├── SchemaTooNew         a newer Trueup wrote this store
    │   └── EntryOpen            the line already has a write whose outcome is open
    ├── NotDelivered             a notice reached nobody: it is tried again
    └── ClockUntrusted           wall time jumped or lies in the past: no dates, no writes

The outcome of a write is never an exception: it is a `Receipt` (agent/domain/changes.py).
"""

from __future__ import annotations


class TrueupError(Exception):
    """Says what happened (`str`) and what to do about it (`remedy`)."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.remedy = remedy


class ReadFailed(TrueupError):
    """A read was not whole. What was known before stays known, and ages."""


class Unreachable(ReadFailed):
    """Nobody answered, or the answer was "later". `retry_after` is in seconds where the other side named it."""

    def __init__(self, what: str, remedy: str = "", retry_after: int | None = None) -> None:
        super().__init__(what, remedy)
        self.retry_after = retry_after


class Incomplete(ReadFailed):
    """The answer came but is not the whole truth: a short page, a failed batch item, a count that disagrees."""


class Absent(Incomplete):
    """There is nothing under the id that was asked for; a mapping file names it wrongly, or it was deleted."""


class AccessDenied(ReadFailed):
    """This tenant or site refuses us; asking again changes nothing until a person grants what is missing."""


class CredentialsRejected(ReadFailed):
    """Our own credential is refused. It is the same for every tenant: stop the cycle."""


class StoreFailed(TrueupError):
    """The store did not commit. A write that needs the commit must not be sent."""


class AnotherWriter(StoreFailed):
    """A second agent holds the lock of this state folder or database."""


class LeaseLost(StoreFailed):
    """Another agent has begun a newer epoch, or this one's lease has run out: its intentions are not committed."""


class SchemaTooNew(StoreFailed):
    """A newer Trueup wrote this store. What it means by its tables is not known here, so nothing is touched."""


class EntryOpen(StoreFailed):
    """The binding already has an entry in INTENT or UNKNOWN (one open write per line)."""


class NotDelivered(TrueupError):
    """A mail server, chat or heartbeat did not take what was sent; its words and addresses are not repeated."""


class ClockUntrusted(TrueupError):
    """The wall clock jumped by more than 300 s or lies before the newest stored instant."""
