"""The sources of agent.toml, put together: the part of the composition root that knows their adapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agent.credentials import SecretRef
from agent.domain.counts import MICROSOFT, Unit
from agent.domain.mappings import Basis, SourceTraits
from agent.outgoing import Outgoing, Rate, Timeouts
from agent.ports import Clock, Source
from agent.settings import Settings
from agent.sheets import Choices, Decimals
from agent.sku_table import shipped
from agent.source_settings import (
    DattoRmmSection,
    HuntressSection,
    NinjaOneSection,
    Pax8Section,
    SheetSection,
    SourceSection,
)
from agent.sources import datto_rmm, huntress, ninjaone, pax8
from agent.sources.kinds import TRAITS
from agent.sources.microsoft import Certificate, ClientSecret, MicrosoftSource
from agent.sources.sheet import Layout, SheetSource

_BASES = {"purchased": Basis.PURCHASED, "in-use": Basis.ASSIGNED}


def sources_of(settings: Settings, clock: Clock) -> Mapping[str, Source]:
    """Microsoft and those of [sources], by name."""
    others = {name: _other(name, section, settings, clock) for name, section in settings.sources.items()}
    return {MICROSOFT: microsoft_of(settings, clock), **others}


def microsoft_of(settings: Settings, clock: Clock) -> MicrosoftSource:
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
        partner_center=sales.url if sales.every else None,
        sales_every=int(sales.every.total_seconds()) if sales.every else 0,
        timeouts=timeouts(settings),
        ca_file=settings.http.ca_file,
        proxy=settings.http.proxy,
    )


def traits_of_source(section: SourceSection) -> SourceTraits:
    """What rows may ask of it, known without asking it."""
    if isinstance(section, SheetSection):
        return SourceTraits(_BASES[section.basis], licences=True)
    return TRAITS[section.kind]


def _other(name: str, section: SourceSection, settings: Settings, clock: Clock) -> Source:
    if isinstance(section, SheetSection):
        return SheetSource(name, _layout(section), clock, shipped())
    wire = outgoing(settings, section.url, Rate(section.rate))
    match section:
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


def outgoing(settings: Settings, base_url: str, rate: Rate, may_write: Callable[[], bool] = lambda: True) -> Outgoing:
    http = settings.http
    return Outgoing(
        base_url=base_url,
        timeouts=timeouts(settings),
        ca_file=http.ca_file,
        proxy=http.proxy,
        rate=rate,
        may_write=may_write,
    )


def timeouts(settings: Settings) -> Timeouts:
    http = settings.http
    return Timeouts(*(t.total_seconds() for t in (http.connect_timeout, http.read_timeout, http.write_timeout)))


def reading(reference: SecretRef) -> Callable[[], str]:
    return lambda: reference.read().reveal()
