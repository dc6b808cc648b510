"""Several companies, each with its tenant and its agreement, on the real store and the simulated ConnectWise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from agent.domain.counts import NO_NEEDS, Account, Needs, Snapshot
from agent.domain.findings import Code, Finding
from agent.domain.guards import Limits
from agent.domain.mappings import CompanyMapping, Mappings, Mode, Place
from agent.engine.cycle import Cycle, Result
from agent.engine.planning import Policy
from agent.engine.reading import Catalogue
from agent.engine.turns import Turns
from agent.errors import CredentialsRejected
from agent.ports import Store
from tests.engine.here import AGREEMENT, COMPANY, PRODUCTS, RECHECK, SKUS, UTC_ZONE, Here, Seats
from tests.engine.stacks import BILLS_FROM, INSTALLATION, Deal, FullStack
from tests.engine.trap import Mortal, Trap
from tests.engine.world import Wish


@dataclass
class Tenants:
    """A source of several tenants. `asked` are those that were read, in order; `refused`: our key is, everywhere."""

    by_tenant: dict[str, Seats]
    asked: list[str] = field(default_factory=list)
    refused: CredentialsRejected | None = None
    name: str = "microsoft"

    def accounts(self) -> Sequence[Account]:
        return [Account(self.name, tenant, f"Tenant {tenant[-2:]}") for tenant in self.by_tenant]

    def check(self, account: Account, needs: Needs = NO_NEEDS, elsewhere: Needs = NO_NEEDS) -> Sequence[Finding]:
        return []

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        self.asked.append(account.id)
        if self.refused:
            raise self.refused
        return self.by_tenant[account.id].observe(account)


def tenant(number: int) -> str:
    return f"4f1c0000-0000-0000-0000-{number + 1:012}"


class Fleet:
    """Companies 250, 251, ... with agreements 1021, 1022, ...: each bills ten seats at 22.00, since June 2025."""

    def __init__(self, size: int, limits: Limits) -> None:
        self.stack, self.size, self.trap = FullStack(Deal(prorates=False)), size, Trap()
        self.seats = [Seats(self.stack.clock, {SKUS[0]: 10}) for _ in range(size)]
        self.source = Tenants({tenant(number): seats for number, seats in enumerate(self.seats)})
        self.store: Store = self.stack.open_store()
        for number in range(size):
            self._sign(number)
        psa = Mortal(self.stack.open_psa(), "psa", self.trap)
        clock = self.stack.clock
        self.agent = Cycle(
            source=self.source,
            psa=psa,  # type: ignore[arg-type]
            store=Mortal(self.store, "store", self.trap),  # type: ignore[arg-type]
            clock=clock,
            zone=UTC_ZONE,
            policy=Policy("USD", limits, timedelta(seconds=RECHECK), timedelta(hours=24), INSTALLATION),
            pool=Here(),
            wire=Here(),
            catalogue=Catalogue(psa, clock, timedelta(days=1)),  # type: ignore[arg-type]
            turns=Turns(),
        )

    def _sign(self, number: int) -> None:
        site = self.stack.site
        if number:
            company = site.add_company(f"Company {number}", id=COMPANY + number)
            invoiced = Deal().next_invoice
            site.add_agreement(
                company,
                "Managed",
                id=AGREEMENT + number,
                bills_from=BILLS_FROM,
                next_invoice=invoiced,
                prorates=False,
            )
        site.add_addition(AGREEMENT + number, PRODUCTS[0], 10, effective=BILLS_FROM)

    def mappings(self) -> Mappings:
        return Mappings({COMPANY + n: self._mapping(n) for n in range(self.size)}, (), "digest")

    def _mapping(self, number: int) -> CompanyMapping:
        company, place = COMPANY + number, Place(f"{COMPANY + number}.toml", 1)
        common = Wish(SKUS[0], PRODUCTS[0], adopt=True).row(2)
        row = replace(common, company=company, account=tenant(number), agreement=AGREEMENT + number, place=place)
        return CompanyMapping(company, f"Company {number}", (row.account,), Mode.AUTO, (row,), (), place)

    def run(self, *numbers: int) -> Result:
        """A cycle of these companies, of all if none is named."""
        chosen = [COMPANY + number for number in numbers or range(self.size)]
        return self.agent.run(self.mappings(), chosen, "test")

    def buys(self, *numbers: int, seats: int = 12) -> None:
        for number in numbers:
            self.seats[number].seats[SKUS[0]] = seats

    def billed(self) -> list[int]:
        """The quantity of each company's line."""
        return [int(self.stack.site.additions(AGREEMENT + n)[0]["quantity"]) for n in range(self.size)]

    def codes(self, number: int) -> set[Code]:
        found = {open.finding.code for open in self.store.findings(COMPANY + number)}
        return found - {Code.UNASSIGNED_SEATS}
