"""What an agent runs on: everything in memory, or the real store and adapter over the simulated ConnectWise.

A stack is the PSA behind the agent's back (what truly is there, what people and faults do to it) and the disk under
its store. Time stands still until it is moved, nothing waits, and the same steps give the same history.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from agent.domain.agreements import Agreement, Line, Product
from agent.outgoing import Outgoing
from agent.ports import Psa, Store
from agent.psa.connectwise import ConnectWise
from agent.psa.connectwise.records import Cycles, Marker, agreement, line
from agent.simulators import connectwise as simulated
from agent.simulators.faults import Kind
from agent.simulators.simulator import Exchange
from agent.simulators.wire import Transport
from agent.store import open_store
from tests.engine.here import AGREEMENT, COMPANY, PRODUCTS, SETTLE, StillClock
from tests.engine.memory_psa import Fault, MemoryPsa, ReadFault
from tests.engine.memory_store import Disk, MemoryStore

INSTALLATION = "6f1d2c3b4a5968778695a4b3c2d1e0f0"
OTHERS = "BACKUP-M"  # a product that no row names
PRICE, COST = Decimal("22.00"), Decimal("17.60")
BILLS_FROM = date(2025, 6, 1)


@dataclass(frozen=True, slots=True)
class Deal:
    """Terms of the agreement. `ahead`: how many periods after the last full one are invoiced when the story begins."""

    prorates: bool = True
    months: int = 1
    ahead: int = 1
    credits: str = "off"

    @property
    def next_invoice(self) -> date:
        before = date(2026, 3, 1) if self.months == 1 else date(2025, 6, 1)
        month = before.month - 1 + self.ahead * self.months
        return date(before.year + month // 12, month % 12 + 1, 1)


class Stack(Protocol):
    """`executed` and `pending` speak of the n-th write that reached the PSA."""

    clock: StillClock
    lag: int
    write_faults: Sequence[str]
    read_faults: Sequence[str]

    def open_store(self) -> Store: ...
    def another_store(self) -> Store:
        """The same store once more, as a second process on this host would open it."""
        ...

    def open_psa(self) -> Psa: ...
    def backup(self) -> object: ...
    def restore(self, backup: object | None) -> None:
        """Put an earlier disk back, or an empty one."""
        ...

    def close(self) -> None: ...
    @property
    def agreement(self) -> Agreement: ...
    @property
    def now(self) -> Mapping[int, Line]: ...
    def was(self, since: datetime) -> Sequence[Mapping[int, Line]]:
        """What has been true at some time from `since` on."""
        ...

    @property
    def requests(self) -> int:
        """Writes that reached the PSA, or its door."""
        ...

    def executed(self, number: int) -> int: ...
    def pending(self, number: int) -> bool: ...
    def a_write_goes_wrong(self, fault: Any, seconds: int) -> None: ...
    def a_read_goes_wrong(self, fault: Any, nth: int) -> None: ...
    @property
    def met(self) -> Mapping[str, int]:
        """How many faults of each kind have struck."""
        ...

    def calm(self) -> None: ...
    def moves_invoice(self, day: date) -> None: ...
    def person_adds(self, product: str, quantity: int, start: date, **fields: Any) -> int: ...
    def person_edits(self, id: int, **fields: Any) -> None: ...
    def person_copies(self, id: int) -> int: ...
    def person_deletes(self, id: int) -> None: ...
    def person_restores(self, id: int) -> None: ...


class MemoryStack(MemoryPsa):
    """The PSA in memory is the adapter as well, so nothing of an agent's adapter is lost with the agent."""

    write_faults = tuple(fault for fault in Fault if fault is not Fault.NONE)
    read_faults = tuple(ReadFault)

    def __init__(self, deal: Deal) -> None:
        self.disk = Disk()
        agreed = Agreement(
            AGREEMENT,
            COMPANY,
            "Managed",
            deal.months,
            "Monthly" if deal.months == 1 else "Yearly",
            deal.prorates,
            BILLS_FROM,
            deal.next_invoice,
            currency="USD",
        )
        named = {name: Product(4021 + n, name, name, PRICE, COST) for n, name in enumerate((*PRODUCTS, OTHERS))}
        super().__init__(StillClock(), INSTALLATION, agreed, named, credits=deal.credits)

    def open_store(self) -> Store:
        return MemoryStore(self.disk, self.clock)

    another_store = open_store

    @property
    def requests(self) -> int:
        return len(self.sent)

    def open_psa(self) -> Psa:
        return self

    def backup(self) -> object:
        return self.disk.backup()

    def restore(self, backup: object | None) -> None:
        self.disk = backup.backup() if isinstance(backup, Disk) else Disk()

    def close(self) -> None:
        pass


# The faults of reliability 2.1 that a write can meet; a late effect lands within the settle window, as that promises.
_WRITE_FAULTS = (
    Kind.REFUSED,
    Kind.CONNECT_TIMEOUT,
    Kind.TIMEOUT,
    Kind.TIMEOUT_AFTER,
    Kind.LATE_EFFECT,
    Kind.DROPPED_BEFORE,
    Kind.LOST_ANSWER,
    Kind.CUT_ANSWER,
    Kind.TOO_MANY,
    Kind.TOO_MANY_BARE,
    Kind.SERVER_TIMEOUT,
    Kind.SERVER_TIMEOUT_AFTER,
    Kind.ERROR_BEFORE,
    Kind.ERROR_AFTER,
    Kind.BAD_GATEWAY,
    Kind.REDIRECT,
    Kind.TRUNCATED_JSON,
    Kind.NOT_JSON,
    Kind.WRONG_ID,
    Kind.FALSE_OK,
    Kind.DUPLICATE,
    Kind.FIELD_TRUNCATED,
    Kind.FIELD_ROUNDED,
)
_READ_FAULTS = (
    Kind.TIMEOUT,
    Kind.ERROR_BEFORE,
    Kind.TRUNCATED_JSON,
    Kind.NOT_JSON,
    Kind.PAGE_SHORT,
    Kind.PAGE_SKIPPED,
    Kind.PAGE_REPEATED,
    Kind.EMPTY_LIST,
    Kind.COUNT_WRONG,
)


class FullStack:
    write_faults = _WRITE_FAULTS
    read_faults = _READ_FAULTS

    def __init__(self, deal: Deal) -> None:
        self.clock, self._deal = StillClock(), deal
        self._folder = Path(tempfile.mkdtemp(dir=_fast_folder()))
        shutil.copytree(_empty_store(), self._folder, dirs_exist_ok=True)
        self._store: Store | None = None
        self._lag = 0
        self._bin: dict[int, Mapping[str, Any]] = {}
        self.site = simulated.ConnectWise(self.clock.shared, simulated.Site(), log_size=100_000)
        self.wire: Any = self.site  # what the adapter's requests reach
        self._set_up()

    def _set_up(self) -> None:
        company = self.site.add_company("Contoso", id=COMPANY)
        self.site.add_agreement(
            company,
            "Managed",
            id=AGREEMENT,
            bills_from=BILLS_FROM,
            next_invoice=self._deal.next_invoice,
            prorates=self._deal.prorates,
            cycle="Monthly" if self._deal.months == 1 else "Yearly",
        )
        for product in (*PRODUCTS, OTHERS):
            self.site.add_product(product, price=PRICE, cost=COST)

    def open_store(self) -> Store:
        self._let_go()
        self._store = open_store("", self._folder, self.clock)
        return self._store

    def another_store(self) -> Store:
        return open_store("", self._folder, self.clock)

    @property
    def requests(self) -> int:
        return len(self._writes())

    def open_psa(self) -> Psa:
        return ConnectWise(
            connect=self._connect,
            url="https://psa.example.com",
            company=self.site.site.company,
            public_key=lambda: self.site.site.public_key,
            private_key=lambda: self.site.site.private_key,
            client_id="22222222-2222-2222-2222-222222222222",
            installation=INSTALLATION,
            settle=SETTLE,
            credits=self._deal.credits,
        )

    def backup(self) -> object:
        self._let_go()
        copy = Path(tempfile.mkdtemp(dir=_fast_folder()))
        shutil.copytree(self._folder, copy, dirs_exist_ok=True)
        return copy

    def restore(self, backup: object | None) -> None:
        self._let_go()
        shutil.rmtree(self._folder)
        shutil.copytree(backup if isinstance(backup, Path) else _empty_store(), self._folder)

    def close(self) -> None:
        self._let_go()
        shutil.rmtree(self._folder)

    @property
    def agreement(self) -> Agreement:
        return agreement(self.site.agreement(AGREEMENT), Cycles({}, {"annual": 12}))

    @property
    def now(self) -> Mapping[int, Line]:
        self.site.land_late_effects()
        return _lines(self.site.additions(AGREEMENT))

    def was(self, since: datetime) -> Sequence[Mapping[int, Line]]:
        """At the beginning of the stretch and at its end."""
        then = self.site.tables.as_of(since).listed(f"additions/{AGREEMENT}")
        return [_lines([record.fields for record in then]), self.now]

    def executed(self, number: int) -> int:
        self.site.land_late_effects()
        write = self._writes()[number]
        return 0 if write.fault is Kind.FALSE_OK else write.effects  # agreed to, and nothing of it kept

    def pending(self, number: int) -> bool:
        late = self._writes()[number]
        fresh = (self.clock.now() - late.at).total_seconds() < SETTLE
        return late.fault is Kind.LATE_EFFECT and not late.effects and fresh

    @property
    def lag(self) -> int:
        return self._lag

    @lag.setter
    def lag(self, seconds: int) -> None:
        if seconds:
            self.site.faults.add(Kind.READ_LAG, method="GET", path="additions", times=10_000, seconds=seconds)
        elif self._lag:
            self.site.faults.clear()
        self._lag = seconds

    def a_write_goes_wrong(self, fault: Any, seconds: int) -> None:
        # Cut text keeps half of a mark; rounded numbers keep no cents.
        size = 15 if fault is Kind.FIELD_TRUNCATED else 0
        self.site.faults.add(fault, method="POST|PATCH", seconds=seconds, size=size)

    def a_read_goes_wrong(self, fault: Any, nth: int) -> None:
        # Failed reads are repeated, so one failure is none.
        self.site.faults.add(fault, method="GET", path="additions|agreements", nth=nth, times=20)

    @property
    def met(self) -> Mapping[str, int]:
        return Counter(exchange.fault for exchange in self.site.log if exchange.fault)

    def calm(self) -> None:
        self.site.faults.clear()
        self._lag = 0

    def moves_invoice(self, day: date) -> None:
        if day > (self.agreement.next_invoice or day):
            self.site.invoice(AGREEMENT)
        else:
            self.site.uninvoice(AGREEMENT)

    def person_adds(self, product: str, quantity: int, start: date, **fields: Any) -> int:
        return self.site.add_addition(AGREEMENT, product, quantity, effective=start, **fields)

    def person_edits(self, id: int, **fields: Any) -> None:
        self.site.person_edits(AGREEMENT, id, **fields)

    def person_copies(self, id: int) -> int:
        return self.site.person_copies(AGREEMENT, id)

    def person_deletes(self, id: int) -> None:
        self._bin[id] = self.site.addition(AGREEMENT, id)
        self.site.person_deletes(AGREEMENT, id)

    def person_restores(self, id: int) -> None:
        self.site.store_addition(self.site.terms(AGREEMENT), dict(self._bin.pop(id)), "ana")

    def _connect(self, base_url: str) -> Outgoing:
        return Outgoing(
            base_url=base_url, transport=lambda: Transport({"https://": self.wire}), sleep=lambda seconds: None
        )

    def _writes(self) -> Sequence[Exchange]:
        return [exchange for exchange in self.site.log if exchange.request.method in ("POST", "PATCH")]

    def _let_go(self) -> None:
        if self._store is not None:
            self._store.dispose()
            self._store = None


def _lines(rows: Sequence[Mapping[str, Any]]) -> Mapping[int, Line]:
    return {row["id"]: line(row, AGREEMENT, Marker()) for row in rows}


@cache
def _empty_store() -> Path:
    """A store that has been made once; making one takes longer than an example."""
    folder = Path(tempfile.mkdtemp(dir=_fast_folder()))
    open_store("", folder, StillClock()).dispose()
    return folder


def _fast_folder() -> str | None:
    # What is on trial is the order of commits, not the disk: a memory file system keeps a thousand examples short.
    shared = Path("/dev/shm")  # noqa: S108
    return str(shared) if shared.is_dir() else None
