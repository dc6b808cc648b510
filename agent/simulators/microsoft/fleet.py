"""Many tenants at once, for measurements: the same seed gives the same fleet."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from agent.simulators.microsoft import catalogue, operations, pages, query
from agent.simulators.microsoft.records import Holdings, Sku, Subscription, User
from agent.simulators.microsoft.simulator import MicrosoftSimulator
from agent.simulators.microsoft.tenant import READ_LICENCES, Tenant

# What small firms have most; a fleet with more kinds goes on with the shipped table.
_COMMON = (
    "SPB",
    "O365_BUSINESS_PREMIUM",
    "O365_BUSINESS_ESSENTIALS",
    "EXCHANGESTANDARD",
    "SPE_E3",
    "AAD_PREMIUM",
    "VISIOCLIENT",
    "PROJECTPROFESSIONAL",
    "POWER_BI_PRO",
    "SPE_E5",
)
_DEPARTMENTS = ("Finance", "Operations", "Sales", "Service")
_OFFICES = ("Perth", "Sydney", "Leeds", "Ghent")
_NAMESPACE = uuid.UUID("7b0d6f3c-0a4b-5e9e-9d53-6c1f3a1f6a10")


def generate(
    simulator: MicrosoftSimulator,
    tenants: int,
    users: int,
    licences: int,
    seed: int,
    *,
    app: str,
    warm: Sequence[str] = (),
) -> list[Tenant]:
    """Add `tenants` that consent to `app`, each with `users` who all hold one or two of `licences` SKUs; every
    SKU has one subscription with up to three seats to spare.

    `warm` names targets ("/v1.0/users?$select=id") whose rows are rendered here and now, so that the first
    reading of a tenant costs the server no more than the later ones. Switch `simulator.logging` off for long
    runs: the log keeps the answers, and here they are large.
    """
    rng = random.Random(seed)
    skus = [catalogue.sku_id(licence) for licence in _kinds(licences)]
    fleet = []
    for number in range(1, tenants + 1):
        id = str(uuid.uuid5(_NAMESPACE, f"{seed}/{number}"))
        domain = f"tenant{number:04}.onmicrosoft.com"
        tenant = simulator.add_tenant(id, f"Tenant {number:04}", [domain])
        fill(tenant, users, skus, rng)
        tenant.consent(app, READ_LICENCES)
        _warm(tenant, warm)
        fleet.append(tenant)
    return fleet


def fill(tenant: Tenant, users: int, skus: Sequence[str], rng: random.Random) -> None:
    """Give the tenant its users and subscriptions in one change."""
    holdings = tenant.holdings
    people = [_user(holdings, number, skus, rng) for number in range(1, users + 1)]
    assigned = Counter(sku for user in people for sku in user.skus)
    bought = [_subscription(holdings, sku, assigned[sku] + rng.randrange(4)) for sku in skus]
    tenant.replace_holdings(
        users={user.id: user for user in people},
        skus={sku: Sku(sku, catalogue.part_number(sku) or sku) for sku in skus},
        subscriptions={held.id: held for held in bought},
    )


def _warm(tenant: Tenant, targets: Sequence[str]) -> None:
    for target in targets:
        path, _, raw = target.partition("?")
        operation, key = operations.find(path)
        pages.warm(operation, key, query.parse(raw), tenant.holdings)


def _kinds(licences: int) -> Sequence[str]:
    if licences > len(_COMMON):
        raise ValueError(f"a fleet has at most {len(_COMMON)} kinds of licence, not {licences}")
    return _COMMON[:licences]


def _user(holdings: Holdings, number: int, skus: Sequence[str], rng: random.Random) -> User:
    upn = f"user{number:04}@{holdings.domains[0]}"
    return User(
        id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        upn=upn,
        name=f"User {number:04}",
        created=holdings.created,
        skus=tuple(rng.sample(skus, min(len(skus), rng.choice((1, 1, 1, 2))))),
        enabled=rng.random() > 0.03,
        attributes={
            "department": rng.choice(_DEPARTMENTS),
            "officeLocation": rng.choice(_OFFICES),
            "mail": upn,
        },
    )


def _subscription(holdings: Holdings, sku: str, quantity: int) -> Subscription:
    key = uuid.UUID(holdings.tenant)
    return Subscription(
        id=str(uuid.uuid5(key, f"subscription/{sku}")),
        sku=sku,
        quantity=quantity,
        status="Enabled",
        created=holdings.created,
        next_lifecycle=holdings.created + timedelta(days=365),
        trial=False,
        commerce_id=str(uuid.uuid5(key, f"commerce/{sku}")),
        owner_tenant=None,
    )
