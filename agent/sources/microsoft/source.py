"""The Microsoft source: tenants, their licences and the people who hold them, over Graph v1.0."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from requests.adapters import BaseAdapter

from agent.domain.counts import Account, Coverage, Member, Snapshot
from agent.domain.findings import Code, Finding, Severity
from agent.errors import AccessDenied
from agent.outgoing import Outgoing, Rate, Timeouts
from agent.ports import Clock
from agent.sku_table import SkuTable, shipped
from agent.sources.microsoft import clouds
from agent.sources.microsoft.credentials import Credential, Signer
from agent.sources.microsoft.graph import Graph
from agent.sources.microsoft.partner_center import PER_MINUTE, PartnerCenter
from agent.sources.microsoft.partner_center import scope as sales_scope
from agent.sources.microsoft.reads import CONTRACTS, RELATIONSHIPS, SKUS, SUBSCRIPTIONS, USERS, Read
from agent.sources.microsoft.records import Members, check_unique, observations
from agent.sources.microsoft.tokens import Tokens

T = TypeVar("T")

NAME = "microsoft"

# A wider permission that holds both of ours. It does the job; it is a finding all the same.
_DIRECTORY = "Directory.Read.All"
_IN_DIRECTORY = frozenset({SKUS.permission, USERS.permission})
_READS_ONLY = re.compile(r"[\w.-]+\.Read(Basic)?(\.[\w-]+)*")
_COVERED = frozenset({Coverage.LICENCES, Coverage.SUBSCRIPTIONS, Coverage.MEMBERS})
_WARN_DAYS = ((3, Severity.ERROR), (14, Severity.WARNING), (30, Severity.INFO))


class MicrosoftSource:
    """`agent.ports.Source` over Graph.

    `partner` is the tenant whose relationships and contracts list the others. With `members` False, users are neither
    read nor covered, and Organization.Read.All is the only permission needed. `partner_center` is where the partner's
    sales are told, asked once in `sales_every` seconds for each tenant; None: nobody asks. `transport` makes the
    adapter that carries requests, for tests. All methods are for all threads; each thread has its own connections.
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
        partner_center: str | None = None,
        sales_every: int = 86_400,
        timeouts: Timeouts | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        transport: Callable[[], BaseAdapter] | None = None,
        sleep: Callable[[float], None] = time.sleep,
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
                log=log,
            )

        self._wires: tuple[Outgoing, ...] = (outgoing(login_url.rstrip("/")), outgoing(f"{graph_url.rstrip('/')}/v1.0"))
        self._tokens = Tokens(client_id, credential, self._wires[0], clouds.scope(graph_url.rstrip("/")), clock)
        self._graph = Graph(self._wires[1], self._tokens, sleep)
        self._clock = clock
        self._partner = partner.lower() if partner else None
        self._names = names or shipped()
        self._members = members
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

    def observe(self, account: Account) -> Snapshot:
        """One batch, and one request more for every further 999 licensed users. All of it, or `ReadFailed`.

        Terms that the seller does not tell are a gap: the seats are the tenant's own.
        """
        tenant = account.id.lower()
        at = self._clock.now()
        reads = (SKUS, SUBSCRIPTIONS, USERS) if self._members else (SKUS, SUBSCRIPTIONS)
        first = self._graph.first_pages(tenant, reads)
        skus = self._rows(tenant, SKUS, first.pop(SKUS.id))
        check_unique((sku.skuId for sku in skus), "licence")
        bought = self._rows(tenant, SUBSCRIPTIONS, first.pop(SUBSCRIPTIONS.id))
        check_unique((one.id for one in bought), "subscription")
        members = self._people(tenant, first.pop(USERS.id)) if self._members else ()
        covered = _COVERED if self._members else _COVERED - {Coverage.MEMBERS}
        seen = observations(skus, bought, self._names)
        seen, terms, gaps = self._sales.tell(tenant, seen) if self._sales else (seen, frozenset(), {})
        return Snapshot(
            account=replace(account, id=tenant),
            taken_at=at,
            observations=seen,
            members=members,
            coverage=covered | terms,
            gaps=gaps,
        )

    def check(self, account: Account) -> Sequence[Finding]:
        """What is wrong though the tenant can be read: too many permissions, a certificate about to expire.

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
        return [*_too_wide(tenant, roles - needed), *self._expiring(), *self._unsold(tenant)]

    def close(self) -> None:
        for wire in self._wires:
            wire.close()

    def _rows(self, tenant: str, read: Read[T], first: bytes | None = None) -> list[T]:
        rows: list[T] = []
        self._graph.each_page(tenant, read, lambda page: rows.extend(page.value), first)
        return rows

    def _people(self, tenant: str, first: bytes) -> tuple[Member, ...]:
        members = Members()
        self._graph.each_page(tenant, USERS, members.take, first)
        return members.whole()

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

    def _unsold(self, tenant: str) -> Iterator[Finding]:
        """Why Partner Center tells nothing, if it was to be asked."""
        trouble = self._sales.trouble(tenant) if self._sales else None
        if trouble:
            subject, sentence = f"{tenant}/{Coverage.TERMS}", f"the terms of tenant {tenant} cannot be read: {trouble}"
            yield Finding(Code.SOURCE_INCOMPLETE, Severity.WARNING, None, subject, sentence, trouble.remedy)

    def _expiring(self) -> Iterator[Finding]:
        proof = self._tokens.proof()
        if isinstance(proof, Signer):
            yield from expiring(proof.expires, self._clock.now())


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


def expiring(expires: datetime, now: datetime) -> Iterator[Finding]:
    """A finding in the last 30, 14 and 3 days of a certificate, ever more severe."""
    left = (expires - now).days
    severity = next((severity for days, severity in _WARN_DAYS if left < days), None)
    if severity:
        yield Finding(
            Code.CREDENTIAL_EXPIRING,
            severity,
            None,
            "microsoft/certificate",
            f"the certificate for Microsoft {'expired' if left < 0 else 'expires'} on {expires:%d %B %Y}, "
            "and without it no tenant can be read",
            "Make a new certificate, upload it to the app registration, and store it where agent.toml says.",
        )
