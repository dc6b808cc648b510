"""What stands in the simulated PSA, read behind the agent's back: the demonstration's own witness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from agent.simulators.companies import STORIES
from agent.simulators.connectwise import ConnectWise


@dataclass(frozen=True, slots=True)
class Seen:
    """One addition. `last` is its last billed day, None while it is open; `amount` is for its first period's days."""

    id: int
    agreement: int
    product: str
    quantity: int
    first: date
    last: date | None
    price: Decimal
    amount: Decimal
    text: str

    @property
    def days(self) -> str:
        return f"{self.first} to {self.last}" if self.last else f"from {self.first}"


@dataclass(frozen=True, slots=True)
class Picture:
    """Every addition of the PSA at one moment."""

    additions: frozenset[Seen]

    @classmethod
    def of(cls, psa: ConnectWise) -> Picture:
        numbers = [contract.id for story in STORIES for contract in story.contracts]
        with psa.lock:
            return cls(frozenset(_seen(number, values) for number in numbers for values in psa.additions(number)))

    def on(self, agreement: int, product: str) -> list[Seen]:
        found = [one for one in self.additions if (one.agreement, one.product) == (agreement, product)]
        return sorted(found, key=lambda one: one.id)

    def seats(self, agreement: int, product: str) -> int:
        """What bills once the present period is over: the open additions, for the dated ones end before."""
        return sum(one.quantity for one in self.on(agreement, product) if one.last is None)

    def changed(self, before: Picture) -> frozenset[Seen]:
        """Additions that are new or other than before."""
        return self.additions - before.additions

    def new(self, before: Picture) -> list[Seen]:
        known = {one.id for one in before.additions}
        return sorted((one for one in self.additions if one.id not in known), key=lambda one: one.id)


def writes(psa: ConnectWise) -> int:
    """How many requests to write have come over the wire so far."""
    with psa.lock:
        return sum(exchange.request.method != "GET" for exchange in psa.log)


def _seen(agreement: int, values: Mapping[str, Any]) -> Seen:
    last = values.get("cancelledDate")
    return Seen(
        id=values["id"],
        agreement=agreement,
        product=values["product"]["identifier"],
        quantity=int(values["quantity"]),
        first=date.fromisoformat(values["effectiveDate"][:10]),
        last=date.fromisoformat(last[:10]) if last else None,
        price=values["unitPrice"],
        # ConnectWise shows no prorated price where a period is billed whole.
        amount=values["extendedProratePrice"] or values["extPrice"],
        text=values["invoiceDescription"],
    )
