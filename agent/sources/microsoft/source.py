"""The Microsoft source: tenants, their licences and the people who hold them, over Graph v1.0."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.json import Decoder
from requests.adapters import BaseAdapter

from agent.domain.counts import Account, Coverage, Member, Snapshot
from agent.domain.findings import Code, Finding, Severity
from agent.errors import AccessDenied, Incomplete
from agent.outgoing import Outgoing, Timeouts
from agent.ports import Clock
from agent.sku_table import SkuTable, shipped
from agent.sources.microsoft import clouds, records
from agent.sources.microsoft.credentials import Credential, Signer
from agent.sources.microsoft.graph import Graph, Read
from agent.sources.microsoft.records import Members, Page, unique
from agent.sources.microsoft.tokens import Tokens

NAME = "microsoft"

# $select leaves out service plans and the like, the bulk of these answers, and makes them cheaper in resource units.
_USER_FIELDS = ",".join(records.WireUser.__struct_fields__)
SKUS = Read(
    "subscribedSkus",
    "/subscribedSkus?$select=" + ",".join(records.WireSku.__struct_fields__),
    "Organization.Read.All",
    Decoder(Page[records.WireSku]),
)
SUBSCRIPTIONS = Read(
    "directory/subscriptions",
    "/directory/subscriptions?$select=" + ",".join(records.WireSubscription.__struct_fields__),
    "Organization.Read.All",
    Decoder(Page[records.WireSubscription]),
)
USERS = Read(
    "users",
    f"/users?$select={_USER_FIELDS}&$filter=assignedLicenses/$count%20ne%200&$count=true&$top=999",
    "User.Read.All",
    Decoder(Page[records.WireUser]),
    eventual=True,
)
RELATIONSHIPS = Read(
    "delegatedAdminRelationships",
    "/tenantRelationships/delegatedAdminRelationships?$filter=status%20eq%20'active'",
    "DelegatedAdminRelationship.Read.All",
    Decoder(Page[records.WireRelationship]),
)
CONTRACTS = Read(
    "contracts",
    "/contracts?$select=customerId,displayName",
    "Directory.Read.All",
    Decoder(Page[records.WireContract]),
)
# A wider permission that holds all of ours. It does the job; it is a finding all the same.
_DIRECTORY = "Directory.Read.All"
_READS_ONLY = re.compile(r"[\w.-]+\.Read(Basic)?(\.[\w-]+)*")
_WARN_DAYS = ((3, Severity.ERROR), (14, Severity.WARNING), (30, Severity.INFO))


class MicrosoftSource:
    """`agent.ports.Source` over Graph.

    `partner` is the tenant whose relationships and contracts list the others. With `members` False, users are neither
    read nor covered, and Organization.Read.All is the only permission needed. `transport` makes the adapter that
    carries requests, for tests. All methods are for all threads; each thread has its own connections.
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
        timeouts: Timeouts | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        transport: Callable[[], BaseAdapter] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        log: Any = None,
    ) -> None:
        clouds.check_pair(login_url, graph_url)

        def outgoing(base_url: str) -> Outgoing:
            return Outgoing(
                base_url=base_url,
                timeouts=timeouts or Timeouts(),
                ca_file=ca_file,
                proxy=proxy,
                transport=transport,
                sleep=sleep,
                log=log,
            )

        self._wires = (outgoing(login_url.rstrip("/")), outgoing(f"{graph_url.rstrip('/')}/v1.0"))
        self._tokens = Tokens(client_id, credential, self._wires[0], clouds.scope(graph_url.rstrip("/")), clock)
        self._graph = Graph(self._wires[1], self._tokens, sleep)
        self._clock = clock
        self._partner = partner.lower() if partner else None
        self._names = names or shipped()
        self._members = members

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
                # The names of contracts are as old as the contracts: those of relationships win.
                named = {**dict(listing(self._partner)), **named}
            except AccessDenied as error:
                refused.append(error)
        if len(refused) == 2:
            raise refused[0]
        return [Account(NAME, tenant, name) for tenant, name in sorted(named.items())]

    def observe(self, account: Account) -> Snapshot:
        """One batch, and one request more for every further 999 licensed users. All of it, or `ReadFailed`."""
        tenant = account.id.lower()
        at = self._clock.now()
        reads = (SKUS, SUBSCRIPTIONS, USERS) if self._members else (SKUS, SUBSCRIPTIONS)
        first = dict(self._graph.first_pages(tenant, reads))
        members = self._people(tenant, first.pop(USERS.id)) if self._members else ()
        skus = [sku for page in self._graph.pages(tenant, SKUS, first.pop(SKUS.id)) for sku in page.value]
        bought = [
            one for page in self._graph.pages(tenant, SUBSCRIPTIONS, first.pop(SUBSCRIPTIONS.id)) for one in page.value
        ]
        unique((sku.skuId for sku in skus), "licence")
        unique((one.id for one in bought), "subscription")
        covered = {Coverage.LICENCES, Coverage.SUBSCRIPTIONS} | ({Coverage.MEMBERS} if self._members else set())
        found = records.observations(skus, bought, self._names)
        return Snapshot(account, at, found, members, frozenset(covered))

    def check(self, account: Account) -> Sequence[Finding]:
        """What is wrong though the tenant can be read: too many permissions, a certificate about to expire.

        Raises `ReadFailed` where it cannot be read: no token, a permission that is missing, a refused read.
        """
        tenant = account.id.lower()
        roles = self._tokens.token(tenant).roles
        needed = self._needed(tenant)
        missing = (
            sorted(needed - roles) if _DIRECTORY not in roles else sorted(needed & {RELATIONSHIPS.permission} - roles)
        )
        if missing:
            raise AccessDenied(
                f"The application lacks {' and '.join(missing)} in this tenant.",
                f"Add it to the app registration, then let an administrator of the tenant open "
                f"{self._tokens.consent_link(tenant)}",
            )
        for _ in self._graph.pages(tenant, SKUS):
            pass
        return [*self._too_wide(tenant, roles - needed), *self._expiring()]

    def close(self) -> None:
        for wire in self._wires:
            wire.close()

    def _people(self, tenant: str, first: bytes) -> tuple[Member, ...]:
        members, expected = Members(), None
        for page in self._graph.pages(tenant, USERS, first):
            expected = page.count if page.count is not None else expected
            members.take(page.value)
        if expected is not None and expected != len(members):
            raise Incomplete(
                f"Graph counts {expected} licensed users but listed {len(members)}.",
                "Nothing to do unless it lasts: users may have changed while they were listed.",
            )
        return members.all()

    def _related(self, partner: str) -> Iterator[tuple[str, str]]:
        for page in self._graph.pages(partner, RELATIONSHIPS):
            for row in page.value:
                yield row.customer.tenantId.lower(), row.customer.displayName or ""

    def _contracted(self, partner: str) -> Iterator[tuple[str, str]]:
        for page in self._graph.pages(partner, CONTRACTS):
            for row in page.value:
                yield row.customerId.lower(), row.displayName or ""

    def _needed(self, tenant: str) -> frozenset[str]:
        reads = [
            SKUS,
            *([USERS] if self._members else []),
            *([RELATIONSHIPS, CONTRACTS] if tenant == self._partner else []),
        ]
        return frozenset(read.permission for read in reads)

    def _too_wide(self, tenant: str, roles: frozenset[str]) -> Iterator[Finding]:
        for role in sorted(roles):
            writes = not _READS_ONLY.fullmatch(role)
            yield Finding(
                Code.PERMISSION_TOO_WIDE,
                Severity.ERROR if writes else Severity.WARNING,
                None,
                f"{tenant}/{role}",
                f"the application may use {role} in tenant {tenant}, which Trueup does not need",
                f"Remove {role} from the app registration and renew the tenant's consent.",
            )

    def _expiring(self) -> Iterator[Finding]:
        proof = self._tokens.proof()
        if isinstance(proof, Signer):
            yield from expiring(proof.expires, self._clock.now())


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
