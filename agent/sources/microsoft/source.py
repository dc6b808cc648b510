"""The Microsoft source: tenants, their licences and the people who hold them, over Graph v1.0."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from requests.adapters import BaseAdapter

from agent.domain.counts import NO_NEEDS, Account, Coverage, Group, MailboxKind, Member, Needs, Snapshot, System
from agent.domain.findings import Code, Finding, Severity, Stop
from agent.errors import AccessDenied, CredentialsRejected, ReadFailed
from agent.outgoing import Heard, Outgoing, Rate, Timeouts
from agent.ports import Clock
from agent.sku_table import SkuTable, shipped
from agent.sources.microsoft import clouds
from agent.sources.microsoft.credentials import ClientSecret, Credential, Signer, expiring, last_moment
from agent.sources.microsoft.extras import Devices, GroupMembers, Mailboxes, gap
from agent.sources.microsoft.graph import Graph
from agent.sources.microsoft.partner_center import PER_MINUTE, PartnerCenter
from agent.sources.microsoft.partner_center import scope as sales_scope
from agent.sources.microsoft.reads import (
    CONTRACTS,
    DATED_USERS,
    DEVICES,
    MAILBOXES,
    RELATIONSHIPS,
    SKUS,
    SUBSCRIPTIONS,
    USERS,
    Read,
    group_members,
)
from agent.sources.microsoft.records import Members, WireGroupMember, check_unique, observations
from agent.sources.microsoft.tokens import Tokens

T = TypeVar("T")

NAME = "microsoft"

# A wider permission that holds both of ours. It does the job; it is a finding all the same.
_DIRECTORY = "Directory.Read.All"
_IN_DIRECTORY = frozenset({SKUS.permission, USERS.permission})
_READS_ONLY = re.compile(r"[\w.-]+\.Read(Basic)?(\.[\w-]+)*")
_COVERED = frozenset({Coverage.LICENCES, Coverage.SUBSCRIPTIONS, Coverage.MEMBERS})


@dataclass(slots=True)
class _Extras:
    """What came of the reads that only some rows need."""

    groups: dict[str, Group] = field(default_factory=dict)
    mailboxes: Mapping[MailboxKind, tuple[Member, ...]] = field(default_factory=dict)
    devices: Mapping[System, tuple[Member, ...]] = field(default_factory=dict)
    gaps: dict[str, Stop] = field(default_factory=dict)


class MicrosoftSource:
    """`agent.ports.Source` over Graph.

    `partner` is the tenant whose relationships and contracts list the others. With `members` False, users are neither
    read nor covered, and Organization.Read.All is the only permission needed. With `dates` they come with the days on
    which their licences were assigned, in the same request. `partner_center` is where the partner's
    sales are told, asked once in `sales_every` seconds for each tenant whose rows need terms; None: nobody asks.
    `transport` makes the adapter that carries requests, for tests. All methods are for all threads; each thread has
    its own connections.
    """

    def __init__(
        self,
        *,
        client_id: str,
        credential: Credential,
        clock: Clock,
        login_url: str = clouds.GLOBAL_LOGIN,
        graph_url: str = clouds.GLOBAL_GRAPH,
        partner: str | None = None,
        names: SkuTable | None = None,
        members: bool = True,
        dates: bool = True,
        partner_center: str | None = None,
        sales_every: int = 86_400,
        timeouts: Timeouts | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        transport: Callable[[], BaseAdapter] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        heard: Heard = lambda headers: None,
        log: Any = None,
    ) -> None:
        clouds.check_pair(login_url, graph_url)

        def outgoing(base_url: str, rate: Rate | None = None) -> Outgoing:
            return Outgoing(
                base_url=base_url,
                rate=rate,
                timeouts=timeouts or Timeouts(),
                ca_file=ca_file,
                proxy=proxy,
                transport=transport,
                sleep=sleep,
                heard=heard,
                log=log,
            )

        graph_url = graph_url.rstrip("/")
        urls = (login_url.rstrip("/"), f"{graph_url}/v1.0", f"{graph_url}/beta")
        self._wires: tuple[Outgoing, ...] = tuple(map(outgoing, urls))
        self._tokens = Tokens(client_id, credential, self._wires[0], clouds.scope(graph_url), clock)
        self._graph, self._beta = (Graph(wire, self._tokens, sleep) for wire in self._wires[1:])
        self._clock = clock
        self._partner = partner.lower() if partner else None
        self._secret_ends = credential.ends if isinstance(credential, ClientSecret) else None
        self._names = names or shipped()
        self._members = members
        self._users = DATED_USERS if dates else USERS
        self._sales: PartnerCenter | None = None
        if partner_center and self._partner:
            url = partner_center.rstrip("/")
            sellers = Tokens(client_id, credential, self._wires[0], sales_scope(url), clock)
            rate = Rate(PER_MINUTE, monotonic=clock.monotonic, sleep=sleep)
            self._wires = (*self._wires, outgoing(url, rate))
            self._sales = PartnerCenter(self._wires[-1], sellers, self._partner, clock, sales_every)

    @property
    def name(self) -> str:
        return NAME

    def accounts(self) -> Sequence[Account]:
        """The partner's tenants: delegated admin relationships in force, then contracts, each tenant once.

        One of the two lists may be refused (not every partner is a reseller); raises `AccessDenied` if both are.
        """
        if self._partner is None:
            raise AccessDenied(
                "The partner's own tenant is not named, so nobody can be asked which tenants there are.",
                "Set microsoft.tenant in agent.toml, or map the tenants by their ids.",
            )
        named: dict[str, str] = {}
        refused: list[AccessDenied] = []
        for listing in (self._related, self._contracted):
            try:
                for tenant, name in listing(self._partner):
                    # The names of contracts are as old as the contracts: those of relationships come first and stay.
                    named[tenant] = named.get(tenant) or name
            except AccessDenied as error:
                refused.append(error)
        if len(refused) == 2:
            raise refused[0]
        return [Account(NAME, tenant, name) for tenant, name in sorted(named.items())]

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        """One batch, which carries up to 17 groups along, and one request more for every further 999 rows of a list.

        All of it or `ReadFailed`; of what `needs` names, each in whole or as a gap. Mailboxes take a request of their
        own: Graph's batches do not mix versions. The seller is asked where rows need terms; what it does not tell is a
        gap: the seats are the tenant's own.
        """
        tenant = account.id.lower()
        at = self._clock.now()
        reads = (SKUS, SUBSCRIPTIONS, self._users) if self._members else (SKUS, SUBSCRIPTIONS)
        groups = {group: group_members(group) for group in sorted(needs.groups)}
        extra: list[Read[Any]] = [*groups.values(), *([DEVICES] if needs.devices else [])]
        pages = self._graph.first_pages(tenant, reads, extra)
        skus = self._rows(tenant, SKUS, _page(pages, SKUS))
        check_unique((sku.skuId for sku in skus), "licence")
        bought = self._rows(tenant, SUBSCRIPTIONS, _page(pages, SUBSCRIPTIONS))
        check_unique((one.id for one in bought), "subscription")
        members = self._people(tenant, _page(pages, self._users)) if self._members else ()
        extras = self._extras(tenant, groups, pages, needs)
        seen = observations(skus, bought, self._names)
        seen, terms, gaps = self._sales.tell(tenant, seen) if self._sales and needs.terms else (seen, frozenset(), {})
        return Snapshot(
            account=replace(account, id=tenant),
            taken_at=at,
            observations=seen,
            members=members,
            coverage=self._covered(extras) | terms,
            groups=extras.groups,
            mailboxes=extras.mailboxes,
            gaps={**extras.gaps, **gaps},
            devices=extras.devices,
        )

    def _covered(self, extras: _Extras) -> frozenset[Coverage]:
        covered = _COVERED if self._members else _COVERED - {Coverage.MEMBERS}
        told = {Coverage.MAILBOXES: extras.mailboxes, Coverage.DEVICES: extras.devices}
        return covered | {coverage for coverage, found in told.items() if found}

    def _extras(
        self,
        tenant: str,
        groups: Mapping[str, Read[WireGroupMember]],
        pages: dict[str, bytes | ReadFailed],
        needs: Needs,
    ) -> _Extras:
        found = _Extras()
        for group, read in groups.items():
            try:
                found.groups[group] = self._group(tenant, read, _page(pages, read))
            except CredentialsRejected:
                raise
            except ReadFailed as error:
                found.gaps[group] = gap(error, read)
        if needs.mailboxes:
            try:
                found.mailboxes = self._mailboxes(tenant)
            except CredentialsRejected:
                raise
            except ReadFailed as error:
                found.gaps[Coverage.MAILBOXES] = gap(error, MAILBOXES)
        if needs.devices:
            try:
                found.devices = self._devices(tenant, _page(pages, DEVICES))
            except CredentialsRejected:
                raise
            except ReadFailed as error:
                found.gaps[Coverage.DEVICES] = gap(error, DEVICES)
        return found

    def check(self, account: Account, needs: Needs = NO_NEEDS, elsewhere: Needs = NO_NEEDS) -> Sequence[Finding]:
        """What is wrong though the tenant can be read: permissions missing for what `needs` names, or too many; a
        certificate about to expire.

        Raises `ReadFailed` where it cannot be read: no token, a permission that is missing, a refused read.
        """
        tenant = account.id.lower()
        roles = self._tokens.token(tenant).roles
        needed = self._needed(tenant)
        missing = sorted(needed - roles - (_IN_DIRECTORY if _DIRECTORY in roles else frozenset()))
        if missing:
            raise AccessDenied(
                f"The application lacks {' and '.join(missing)} in this tenant.",
                f"Add it to the app registration, then let an administrator of the tenant open "
                f"{self._tokens.consent_link(tenant)}",
            )
        self._rows(tenant, SKUS)
        used = needed.union(*({read.permission, read.narrower} for read in _extra_reads(needs | elsewhere)))
        lacking = {read.permission: read for read in _extra_reads(needs) if not read.allowed(roles)}
        missed = [self._missing(tenant, read) for read in lacking.values()]
        return [*missed, *_too_wide(tenant, roles - used), *self._expiring(), *self._unsold(tenant, needs)]

    def _missing(self, tenant: str, read: Read[Any]) -> Finding:
        return Finding(
            Code.PERMISSION_MISSING,
            Severity.ERROR,
            None,
            f"{tenant}/{read.permission}",
            f"rows need {read.id}, but the application lacks {read.permission} in tenant {tenant}",
            f"Add {read.permission} to the app registration, then let an administrator of the tenant open "
            f"{self._tokens.consent_link(tenant)}",
        )

    def close(self) -> None:
        for wire in self._wires:
            wire.close()

    def _rows(self, tenant: str, read: Read[T], first: bytes | None = None) -> list[T]:
        rows: list[T] = []
        self._graph.each_page(tenant, read, lambda page: rows.extend(page.value), first)
        return rows

    def _people(self, tenant: str, first: bytes) -> tuple[Member, ...]:
        members = Members()
        self._graph.each_page(tenant, self._users, members.take, first)
        return members.whole()

    def _group(self, tenant: str, read: Read[WireGroupMember], first: bytes) -> Group:
        members = GroupMembers()
        self._graph.each_page(tenant, read, members.take, first)
        return members.whole()

    def _mailboxes(self, tenant: str) -> Mapping[MailboxKind, tuple[Member, ...]]:
        mailboxes = Mailboxes()
        self._beta.each_page(tenant, MAILBOXES, mailboxes.take)
        return mailboxes.whole()

    def _devices(self, tenant: str, first: bytes) -> Mapping[System, tuple[Member, ...]]:
        devices = Devices()
        self._graph.each_page(tenant, DEVICES, devices.take, first)
        return devices.whole()

    def _related(self, partner: str) -> Iterator[tuple[str, str]]:
        rows = self._rows(partner, RELATIONSHIPS)
        return ((row.customer.tenantId.lower(), row.customer.displayName or "") for row in rows)

    def _contracted(self, partner: str) -> Iterator[tuple[str, str]]:
        rows = self._rows(partner, CONTRACTS)
        return ((row.customerId.lower(), row.displayName or "") for row in rows)

    def _needed(self, tenant: str) -> frozenset[str]:
        users = {USERS.permission} if self._members else set()
        lists = {RELATIONSHIPS.permission, CONTRACTS.permission} if tenant == self._partner else set()
        return frozenset({SKUS.permission} | users | lists)

    def _unsold(self, tenant: str, needs: Needs) -> Iterator[Finding]:
        """Why Partner Center tells nothing, if it is to be asked."""
        trouble = self._sales.trouble(tenant) if self._sales and needs.terms else None
        if trouble:
            subject, sentence = f"{tenant}/{Coverage.TERMS}", f"the terms of tenant {tenant} cannot be read: {trouble}"
            yield Finding(Code.SOURCE_INCOMPLETE, Severity.WARNING, None, subject, sentence, trouble.remedy)

    def _expiring(self) -> Iterator[Finding]:
        proof = self._tokens.proof()
        if isinstance(proof, Signer):
            yield from expiring("certificate", proof.expires, self._clock.now())
        elif self._secret_ends:
            # Microsoft shows the end of a secret to those who may read app registrations, which Trueup may not.
            yield from expiring("client secret", last_moment(self._secret_ends), self._clock.now())


def _page(pages: dict[str, bytes | ReadFailed], read: Read[Any]) -> bytes:
    """Taken out, for pages are large; raises where there is an error in its place."""
    page = pages.pop(read.id)
    if isinstance(page, ReadFailed):
        raise page
    return page


def _extra_reads(needs: Needs) -> list[Read[Any]]:
    boxes, devices = [MAILBOXES] if needs.mailboxes else [], [DEVICES] if needs.devices else []
    return [*map(group_members, sorted(needs.groups)), *boxes, *devices]


def _too_wide(tenant: str, roles: Iterable[str]) -> Iterator[Finding]:
    for role in sorted(roles):
        yield Finding(
            Code.PERMISSION_TOO_WIDE,
            Severity.WARNING if _READS_ONLY.fullmatch(role) else Severity.ERROR,
            None,
            f"{tenant}/{role}",
            f"the application may use {role} in tenant {tenant}, which Trueup does not need",
            f"Remove {role} from the app registration and renew the tenant's consent.",
        )
