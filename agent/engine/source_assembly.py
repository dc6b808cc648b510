"""The sources of agent.toml, put together: the part of the composition root that knows their adapters."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping

from agent.credentials import SecretRef
from agent.domain.counts import MICROSOFT, Unit
from agent.domain.mappings import Basis, SourceTraits, folded
from agent.outgoing import Heard, Offsets, Outgoing, Rate, Timeouts
from agent.outgoing.vendor import Bearer, Vendor, fixed
from agent.ports import Clock, Source
from agent.settings import Settings
from agent.sheets import Choices, Decimals
from agent.sku_table import shipped
from agent.source_settings import (
    DattoRmmSection,
    HuntressSection,
    JsonAuth,
    JsonCondition,
    JsonListing,
    JsonSection,
    NinjaOneSection,
    Pax8Section,
    SheetSection,
    SourceSection,
)
from agent.sources import datto_rmm, huntress, ninjaone, pax8
from agent.sources.http_json import Accounts, Condition, Counts, JsonSource, Listing, Paging, Turn
from agent.sources.kinds import TRAITS
from agent.sources.microsoft import Certificate, ClientSecret, MicrosoftSource
from agent.sources.sheet import Layout, SheetSource

_BASES = {"purchased": Basis.PURCHASED, "in-use": Basis.ASSIGNED}


def sources_of(settings: Settings, clock: Clock, offsets: Offsets) -> Mapping[str, Source]:
    """Microsoft and those of [sources], by name."""
    others = {name: _other(name, section, settings, clock) for name, section in settings.sources.items()}
    return {MICROSOFT: microsoft_of(settings, clock, offsets.of(MICROSOFT)), **others}


def microsoft_of(settings: Settings, clock: Clock, heard: Heard) -> MicrosoftSource:
    microsoft = settings.microsoft
    if microsoft.certificate is not None:
        passphrase = microsoft.certificate_passphrase
        credential: Certificate | ClientSecret = Certificate(
            reading(microsoft.certificate), reading(passphrase) if passphrase else None
        )
    elif microsoft.client_secret is not None:
        credential = ClientSecret(reading(microsoft.client_secret), microsoft.client_secret_ends)
    else:
        raise AssertionError("settings without a credential are refused when they are loaded")
    sales = microsoft.partner_center
    return MicrosoftSource(
        client_id=microsoft.client_id,
        credential=credential,
        clock=clock,
        login_url=microsoft.login,
        graph_url=microsoft.graph,
        partner=microsoft.tenant,
        names=shipped(),
        dates=microsoft.assignment_dates,
        partner_center=sales.url if sales.every else None,
        sales_every=int(sales.every.total_seconds()) if sales.every else 0,
        timeouts=timeouts(settings),
        ca_file=settings.http.ca_file,
        proxy=settings.http.proxy,
        heard=heard,
    )


def traits_of_source(section: SourceSection) -> SourceTraits:
    """What rows may ask of it, known without asking it."""
    if isinstance(section, SheetSection | JsonSection):
        return SourceTraits(_BASES[section.basis], licences=True)
    return TRAITS[section.kind]


def _other(name: str, section: SourceSection, settings: Settings, clock: Clock) -> Source:
    if isinstance(section, SheetSection):
        return SheetSource(name, _layout(section), clock, shipped())
    wire = outgoing(settings, section.url, Rate(section.rate))
    match section:
        case JsonSection():
            return _declared(name, section, wire, settings, clock)
        case Pax8Section():
            credential = pax8.Credential(section.client_id, reading(section.client_secret))
            return pax8.Pax8Source(name, wire, credential, clock, shipped(), section.invoice)
        case HuntressSection():
            key = huntress.ApiKey(section.key, reading(section.secret))
            return huntress.HuntressSource(name, wire, key, clock, traits_of_source(section).products)
        case DattoRmmSection():
            return datto_rmm.DattoRmmSource(name, wire, datto_rmm.ApiKey(section.key, reading(section.secret)), clock)
        case NinjaOneSection():
            client = ninjaone.ClientKey(section.client_id, reading(section.client_secret))
            return ninjaone.NinjaOneSource(name, wire, client, clock)


def _declared(name: str, section: JsonSection, wire: Outgoing, settings: Settings, clock: Clock) -> Source:
    auth, paging = section.auth, section.paging
    vendor = Vendor(name, wire, _credential(name, auth, settings, clock), auth.header)
    counts, accounts = section.counts, section.accounts
    where = tuple(condition for one in counts.where for condition in _conditions(one))
    return JsonSource(
        name,
        vendor,
        Accounts(_listing(accounts), accounts.id, accounts.name or "", accounts.tenant or ""),
        Counts(
            listing=_listing(counts, where),
            basis=_BASES[section.basis],
            unit=Unit(section.unit),
            product=counts.product or "",
            fixed=counts.fixed_product or "",
            quantity=counts.quantity or "",
            member=counts.member or "",
            account=counts.account or "",
        ),
        Paging(
            turn=Turn(paging.kind),
            param=paging.param or "",
            start=paging.start,
            size_param=paging.size_param or "",
            size=paging.size,
            next=paging.next or "",
            pages=paging.pages or "",
            key=paging.key,
        ),
        clock,
    )


def _listing(section: JsonListing, where: tuple[Condition, ...] = ()) -> Listing:
    return Listing(section.path, section.params, section.items or "", section.total or "", where)


def _conditions(section: JsonCondition) -> Iterator[Condition]:
    for words, unless in ((section.is_, False), (section.is_not, True)):
        if words:
            yield Condition(section.path, frozenset(map(folded, words)), unless)


def _credential(name: str, auth: JsonAuth, settings: Settings, clock: Clock) -> Callable[[str], str]:
    if auth.secret is None or auth.kind == "none":
        return fixed(lambda: "")
    secret, user = reading(auth.secret), auth.user or ""
    if auth.kind == "basic":
        return fixed(lambda: f"Basic {b64encode(f'{user}:{secret()}'.encode()).decode()}")
    if auth.kind == "client-credentials" and auth.token_url:
        wire = outgoing(settings, auth.token_url, Rate(60))
        form = {"grant_type": "client_credentials", "client_id": user, **({"scope": auth.scope} if auth.scope else {})}
        return Bearer(lambda: wire.read("POST", wire.base_url, data={**form, "client_secret": secret()}), clock, name)
    return fixed(lambda: f"{auth.prefix} {secret()}" if auth.prefix else secret())


def _layout(section: SheetSection) -> Layout:
    delimiter = "\t" if section.delimiter == "tab" else section.delimiter
    decimals = Decimals(section.decimals) if section.decimals else None
    return Layout(
        path=section.path,
        basis=_BASES[section.basis],
        unit=Unit(section.unit),
        choices=Choices(section.chosen, decimals, None, section.sheet or "", section.encoding, delimiter),
        complete=section.complete,
        account=section.account or "",
        product=section.product or "",
        joined=section.joined,
        max_age=section.max_age,
    )


def outgoing(
    settings: Settings,
    base_url: str,
    rate: Rate,
    may_write: Callable[[], bool] = lambda: True,
    heard: Heard = lambda headers: None,
) -> Outgoing:
    http = settings.http
    return Outgoing(
        base_url=base_url,
        timeouts=timeouts(settings),
        ca_file=http.ca_file,
        proxy=http.proxy,
        rate=rate,
        may_write=may_write,
        heard=heard,
    )


def timeouts(settings: Settings) -> Timeouts:
    http = settings.http
    return Timeouts(*(t.total_seconds() for t in (http.connect_timeout, http.read_timeout, http.write_timeout)))


def reading(reference: SecretRef) -> Callable[[], str]:
    return lambda: reference.read().reveal()
