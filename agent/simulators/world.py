"""The world of an invented MSP: twelve companies, their tenants at Microsoft and their agreements in ConnectWise PSA.

It is built around a given day, so that its story holds on every day of a month: monthly agreements have this month
invoiced (in arrears: the month before), the yearly one stands in its eighth month.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from agent.simulators import configuration
from agent.simulators.companies import (
    CURRENCY,
    MSP,
    MSP_DOMAIN,
    MSP_TENANT,
    NEWCOMER,
    PRODUCTS,
    SHARED_MAILBOXES,
    STORIES,
    ZONE,
    Contract,
    Purchase,
    Story,
    Team,
)
from agent.simulators.connectwise import ConnectWise, Site
from agent.simulators.microsoft import READ_LICENCES, MicrosoftSimulator, Tenant
from agent.simulators.people import Person, crowd
from agent.simulators.wire import Server, SimClock, serve

APP = "50f5d6c4-61e7-4b52-9b57-5f2f6f4f8a11"
INTEGRATION = "c0a4e7de-9c0b-4a5f-8f6e-2f0b1d6c7e93"
# One app for all tenants: what the rows of any of them need is consented to in each.
READS = (*READ_LICENCES, "GroupMember.Read.All", "Reports.Read.All")
SEES_TENANTS = (*READ_LICENCES, "DelegatedAdminRelationship.Read.All", "Directory.Read.All")
SIGNED_MONTHS_AGO = 14
YEAR_BEGAN_MONTHS_AGO = 7
_TERMS = {31: "P1M", 365: "P1Y"}  # by days; what is free has none
_IN_ARREARS = {contract.id for story in STORIES for contract in story.contracts if contract.arrears}


class Tenants(MicrosoftSimulator):
    """Microsoft's side. `hire` is one more thing that people can do over POST /__sim/world."""

    def __init__(self, clock: SimClock) -> None:
        super().__init__(clock)
        self._crowds: dict[str, Iterator[Person]] = {}

    def settle(self, story: Story) -> None:
        """Add the company's tenant, with everybody who works there and all that they bought."""
        domains = [f"{story.domain.partition('.')[0]}.onmicrosoft.com", story.domain]
        tenant = self.add_tenant(story.tenant, story.name, domains, created=self._ago(2_000))
        self._crowds[tenant.id] = crowd(story.domain)
        for purchase in story.purchases:
            self._buy(tenant, purchase)
        hired = {team.department: self._employ(tenant, team, office=story.office) for team in story.teams}
        for circle in story.circles:
            people = [upn for department in circle.departments for upn in hired[department]]
            tenant.add_group(circle.name, [*people, *circle.inside], id=circle.id)
        if story.consents:
            tenant.consent(APP, READS)

    def hire(self, tenant: str, licence: str, people: int = 1, department: str = "New starters") -> list[str]:
        """More people, each with a seat of the licence (bought or not). Returns the names they sign in with."""
        return self._employ(self.tenants[tenant], Team(department, people, (licence,)))

    def actions(self) -> Mapping[str, Callable[..., object]]:
        return {**super().actions(), "hire": self.hire}

    def _buy(self, tenant: Tenant, purchase: Purchase) -> None:
        bought = self._ago(purchase.days_ago)
        tenant.add_subscription(
            purchase.licence,
            purchase.seats,
            id=purchase.id,
            created=bought,
            next_lifecycle=bought + timedelta(days=purchase.term),
            owner_tenant=MSP_TENANT,
            term=_TERMS.get(purchase.term, ""),
        )

    def _employ(self, tenant: Tenant, team: Team, office: str = "Remote") -> list[str]:
        upns = []
        for _ in range(team.people):
            person = next(self._crowds[tenant.id])
            upn = _guest(person, tenant) if team.guests else person.login
            tenant.add_user(
                upn,
                person.name,
                team.licences,
                enabled=team.enabled,
                user_type="Guest" if team.guests else "Member",
                department=team.department,
                office=office,
                created=self._ago(400),
            )
            if not team.guests:
                tenant.add_mailbox(upn, person.name, "Shared" if team.department == SHARED_MAILBOXES else "User")
            upns.append(upn)
        return upns

    def _ago(self, days: int) -> datetime:
        return self.clock.now() - timedelta(days=days)


class BackOffice(ConnectWise):
    """The MSP's PSA. `invoice_run` is one more thing that people can do over POST /__sim/world."""

    def sign(self, story: Story) -> None:
        """Add the company with its agreements and the lines that somebody typed into them."""
        self.add_company(story.name, id=story.company)
        for contract in story.contracts:
            self._agree(story.company, contract)

    def invoice_run(self) -> list[Mapping[str, object]]:
        """What is done at the end of a month: the next one is invoiced, in arrears the one that ends.

        The clock stays: the agent goes by the real one, and Microsoft takes no proof of identity from the past.
        """
        return [
            invoice.told() for number in self._agreements() if self._is_due(number) for invoice in self.invoice(number)
        ]

    def actions(self) -> Mapping[str, Callable[..., object]]:
        return {**super().actions(), "invoice_run": self.invoice_run}

    def _agree(self, company: int, contract: Contract) -> None:
        today = self.clock.today(self.site.zone)
        signed, invoiced_to = _dates(contract, today)
        self.add_agreement(
            company,
            contract.name,
            id=contract.id,
            type="Cloud services",
            bills_from=signed,
            next_invoice=invoiced_to,
            cycle=contract.cycle,
            prorates=contract.prorates,
            currency=CURRENCY,
            end=today - timedelta(days=20) if contract.expired else None,
            status="Expired" if contract.expired else "Active",
        )
        for line in contract.lines:
            self.add_addition(contract.id, line.product, line.quantity, effective=signed)

    def _agreements(self) -> list[int]:
        return [record.fields["id"] for record in self.tables.listed("agreements")]

    def _is_due(self, agreement: int) -> bool:
        boundary = self.terms(agreement).next_invoice
        month = _first(self.clock.today(self.site.zone), 0 if agreement in _IN_ARREARS else 1)
        return boundary is not None and boundary <= month


@dataclass(frozen=True, slots=True)
class Served:
    """Both simulators behind loopback ports."""

    microsoft: Server
    connectwise: Server


@dataclass(frozen=True, slots=True)
class World:
    microsoft: Tenants
    connectwise: BackOffice

    @classmethod
    def build(cls, start: datetime, monotonic: Callable[[], float] = time.monotonic) -> World:
        """The world as it is at `start`; from then on its clocks run with `monotonic` (seconds)."""
        site = Site(company="brasswren", client_id=INTEGRATION, zone=ZONE)
        world = cls(Tenants(SimClock(start, monotonic)), BackOffice(SimClock(start, monotonic), site))
        for product in PRODUCTS:
            world.connectwise.add_product(
                product.identifier, description=product.description, price=product.price, cost=product.cost
            )
        for story in STORIES:
            world.microsoft.settle(story)
            world.connectwise.sign(story)
        world._partner()
        return world

    @contextmanager
    def serve(self, microsoft: int = 0, connectwise: int = 0) -> Iterator[Served]:
        """Serve on these loopback ports (0 takes a free one) as long as the context lasts."""
        with ExitStack() as stack:
            yield Served(
                stack.enter_context(serve(self.microsoft, port=microsoft)),
                stack.enter_context(serve(self.connectwise, port=connectwise)),
            )

    def write_configuration(self, folder: Path, served: Served, listen: str) -> Path:
        """Write agent.toml, secrets and mapping files into `folder`, as the MSP would. Returns agent.toml's path.

        `listen` is where the agent's own interface shall answer. Raises `FolderTaken` for a folder with other files.
        """
        key, certificate = configuration.key_pair(self.microsoft.clock.now())
        self.microsoft.login.register(APP, certificate=certificate)
        addresses = configuration.Addresses(served.microsoft.url, served.connectwise.url, listen)
        return configuration.write(folder, addresses, self.connectwise.site, key + certificate, APP)

    def _partner(self) -> None:
        """The MSP's own tenant, which lists those that it looks after: one more than are mapped."""
        partner = self.microsoft.add_tenant(MSP_TENANT, MSP, ["brasswren.onmicrosoft.com", MSP_DOMAIN])
        partner.consent(APP, SEES_TENANTS)
        self.microsoft.partner_center.partners.add(partner.id)
        id, name, domain = NEWCOMER
        self.microsoft.settle(Story(0, name, "", id, domain, "Racine", (), (), ()))
        for tenant, called in (*((story.tenant, story.name) for story in STORIES), (id, name)):
            partner.add_relationship(tenant, called)


def _dates(contract: Contract, today: date) -> tuple[date, date]:
    """From when an agreement bills, and up to when it has been invoiced."""
    if contract.cycle == "Yearly":
        return _first(today, -YEAR_BEGAN_MONTHS_AGO), _first(today, 12 - YEAR_BEGAN_MONTHS_AGO)
    return _first(today, -SIGNED_MONTHS_AGO), _first(today, 0 if contract.arrears else 1)


def _first(day: date, months: int) -> date:
    """The first of the month so many months from the one of `day`."""
    month = day.year * 12 + day.month - 1 + months
    return date(month // 12, month % 12 + 1, 1)


def _guest(person: Person, tenant: Tenant) -> str:
    """Guests sign in with an address of elsewhere, which Microsoft writes into a name of the tenant's own."""
    name, _, _ = person.login.partition("@")
    return f"{name}_auditor.example#EXT#@{tenant.holdings.domains[0]}"
