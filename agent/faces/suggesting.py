"""Reads what suggestions for mapping files are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from agent.domain.counts import MICROSOFT, Account, Snapshot
from agent.domain.mappings import Mappings
from agent.engine.assembly import Engine
from agent.errors import AccessDenied, ReadFailed
from agent.suggest import Catalogue, Suggestions, suggest

_SIDE_BY_SIDE = 8


def suggestions(
    engine: Engine, mappings: Mappings, companies: Sequence[int] | None
) -> tuple[Suggestions, Mapping[str, str]]:
    """Of these companies, or (None) of all of them and of every tenant and account that can be seen; and by name what
    could not be read, with the reason."""
    accounts = _accounts(engine, mappings, companies)
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        read = list(pool.map(partial(_snapshot, engine), accounts))
    snapshots = [snapshot for snapshot in read if isinstance(snapshot, Snapshot)]
    unread = {a.name or a.id: str(s) for a, s in zip(accounts, read, strict=True) if isinstance(s, ReadFailed)}
    domains = {account: _domains(snapshot) for account, snapshot in zip(accounts, read, strict=True)}
    elsewhere, silent = _elsewhere(engine) if companies is None else ([], {})
    found = suggest(mappings, snapshots, domains, _catalogue(engine, mappings, companies), elsewhere)
    return found, {**unread, **silent}


def _elsewhere(engine: Engine) -> tuple[list[Account], Mapping[str, str]]:
    """What other sources list, and by name those that did not answer."""
    listed: list[Account] = []
    silent: dict[str, str] = {}
    for name, source in engine.sources.items():
        if name != MICROSOFT:
            try:
                listed += source.accounts()
            except ReadFailed as error:
                silent[name] = str(error)
    return listed, silent


def _accounts(engine: Engine, mappings: Mappings, companies: Sequence[int] | None) -> list[Account]:
    mapped = [c for c in mappings.companies.values() if companies is None or c.company in companies]
    refs = {ref: c.name for c in mapped for ref in c.accounts}
    tenants = {ref: name for ref, name in refs.items() if Account.parse(ref).source == MICROSOFT}
    found = {tenant: Account(MICROSOFT, tenant, name) for tenant, name in tenants.items()}
    if companies is None:
        found |= {account.id: account for account in _seen(engine)}
    return list(found.values())


def _seen(engine: Engine) -> Iterable[Account]:
    try:
        return engine.sources[MICROSOFT].accounts()
    except AccessDenied:
        return ()  # a partner without that right maps tenants by their ids; licences are suggested all the same


def _snapshot(engine: Engine, account: Account) -> Snapshot | ReadFailed:
    """The one of the last cycle where there is one: suggestions need not be of this minute."""
    known = engine.store.last_snapshot(account)
    if known is not None:
        return known
    try:
        return engine.sources[account.source].observe(account)
    except ReadFailed as error:
        return error


def _domains(snapshot: Snapshot | ReadFailed) -> Collection[str]:
    """Where the tenant's people sign in."""
    if isinstance(snapshot, ReadFailed):
        return ()
    return {member.login.rpartition("@")[2].casefold() for member in snapshot.members if not member.guest}


def _catalogue(engine: Engine, mappings: Mappings, companies: Sequence[int] | None) -> Catalogue:
    known = engine.psa.companies()
    ids = [company.id for company in known] if companies is None else companies
    products = engine.psa.products(sorted({profile.product for profile in mappings.profiles.values()}))
    agreements = engine.psa.agreements_of(ids)
    billable = [agreement.id for agreement in agreements if not agreement.refusal and agreement.months]
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        lines = dict(zip(billable, pool.map(engine.psa.lines, billable), strict=True))
    return Catalogue(known, list(products.values()), agreements, lines)
