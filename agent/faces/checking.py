"""What `trueup check` looks at, one thing after the other; a fault in one does not hide the next."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

from agent.domain.counts import MICROSOFT, Account
from agent.domain.mappings import Mappings
from agent.engine.assembly import Engine
from agent.engine.clockwatch import TOLERANCE
from agent.errors import CredentialsRejected, ReadFailed, TrueupError
from agent.faces.desk import Desk
from agent.faces.holding import holder
from agent.faces.local import Local
from agent.mapping_files import MappingsInvalid
from agent.ports import Source
from agent.reports.checks import Check, Grade, of_findings
from agent.reports.text import counted
from agent.settings import Settings

_SIDE_BY_SIDE = 8


def checks(desk: Desk) -> Iterator[Check]:
    """Raises `SettingsInvalid`: without settings there is nothing else to look at."""
    settings = desk.settings
    yield Check("settings", Grade.OK, f"{desk.config}, mode {settings.agent.mode}")
    yield from _credentials(settings)
    mappings = yield from _mappings(desk)
    try:
        with desk.engine() as engine:
            yield from _store(engine)
            yield from _clock(engine)
            yield from _daemon(settings)
            yield from _psa(engine)
            for source in engine.sources:
                yield from _accounts(engine, source, mappings)
    except TrueupError as error:
        yield _failed("store", error)


def _failed(what: str, error: TrueupError) -> Check:
    return Check(what, Grade.FAIL, str(error), error.remedy)


def _credentials(settings: Settings) -> Iterator[Check]:
    microsoft, site = settings.microsoft, settings.psa.connectwise
    references = {
        "microsoft.certificate": microsoft.certificate,
        "microsoft.certificate-passphrase": microsoft.certificate_passphrase,
        "microsoft.client-secret": microsoft.client_secret,
        "psa.connectwise.private-key": site.private_key,
        "store.password": settings.store.password,
        "api.token-file": settings.api.token_file,
    }
    for name, source in settings.sources.items():
        references |= {f"sources.{name}.{key}": secret for key, secret in source.secrets().items()}
    for key, reference in references.items():
        if reference is not None:
            try:
                reference.read()
            except TrueupError as error:
                yield _failed("credential", TrueupError(f"{key}: {error}", error.remedy))
            else:
                yield Check("credential", Grade.OK, f"{key} ({reference})")


def _mappings(desk: Desk) -> Generator[Check, None, Mappings]:
    try:
        mappings = desk.mappings
    except MappingsInvalid as error:
        for problem in error.problems:
            place = f"{problem.file}:{problem.line}" if problem.line else problem.file
            yield Check("mappings", Grade.FAIL, f"{place}: {problem.key} {problem.what}", problem.remedy)
        return Mappings({}, (), "")
    rows = sum(1 for _ in mappings.rows())
    if rows:
        yield Check("mappings", Grade.OK, f"{len(mappings.companies)} companies, {rows} rows")
    else:
        yield Check("mappings", Grade.WARN, "no row yet, so nothing is billed", "See: trueup map suggest")
    return mappings


def _store(engine: Engine) -> Iterator[Check]:
    records, _, fault = engine.store.verify_journal()
    if fault:
        remedy = "Find out who changed it; a backup of the state folder shows what stood there"
        yield Check("store", Grade.FAIL, f"the journal is damaged after {records} records: {fault}", remedy)
    else:
        yield Check("store", Grade.OK, f"installation {engine.store.installation}, journal of {records} sound records")


def _clock(engine: Engine) -> Iterator[Check]:
    newest, now = engine.store.newest(), engine.clock.now()
    if newest is not None and newest - now > timedelta(seconds=TOLERANCE):
        says = f"it is {now:%Y-%m-%d %H:%M} UTC here, but the store has entries from {newest:%Y-%m-%d %H:%M} UTC"
        yield Check("clock", Grade.FAIL, says, "Set the clock: timedatectl set-ntp true")
    else:
        yield Check("clock", Grade.OK, f"{now:%Y-%m-%d %H:%M} UTC, {engine.settings.agent.timezone} decides on dates")


def _daemon(settings: Settings) -> Iterator[Check]:
    running = holder(settings)
    if running == "":
        yield Check("daemon", Grade.OK, "none runs on this store; start one with: trueup run")
        return
    try:
        version = Local(settings).status()["version"]
    except TrueupError as error:
        yield Check("daemon", Grade.WARN, str(error), error.remedy)
    else:
        yield Check("daemon", Grade.OK, f"version {version} answers on {settings.api.listen}")


def _psa(engine: Engine) -> Iterator[Check]:
    site = engine.settings.psa.connectwise
    well = f"{site.url}: keys, rights and clock are as they should be"
    try:
        yield from of_findings("PSA", engine.psa.check(), well)
    except TrueupError as error:
        yield _failed("PSA", error)


def _accounts(engine: Engine, name: str, mappings: Mappings) -> Iterator[Check]:
    source, mapped = engine.sources[name], mappings.companies_by_account.items()
    accounts = [Account.parse(ref) for ref, _ in mapped]
    called = {account: companies[0].name for account, (_, companies) in zip(accounts, mapped, strict=True)}
    mine = [account for account in accounts if account.source == name]
    check = partial(_account, source, mappings, called)
    if name != MICROSOFT:
        yield from _listed(name, source)
    elif engine.settings.microsoft.tenant:
        yield from _partner(source)
    try:
        # A key that is refused, or cannot be read, is so everywhere: one account tells, before all of them are asked.
        for account in mine[:1]:
            yield from check(account)
    except TrueupError as error:
        yield _failed(_word(name), error)
        return
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        for found in pool.map(check, mine[1:]):
            yield from found


def _word(source: str) -> str:
    return "tenant" if source == MICROSOFT else source


def _partner(source: Source) -> Iterator[Check]:
    try:
        yield Check("partner", Grade.OK, f"your own tenant lists {len(source.accounts())} tenants")
    except TrueupError as error:
        yield Check("partner", Grade.WARN, str(error), error.remedy)


def _listed(name: str, source: Source) -> Iterator[Check]:
    try:
        yield Check(name, Grade.OK, f"lists {counted(len(source.accounts()), 'account')}")
    except TrueupError as error:
        yield _failed(name, error)


def _account(source: Source, mappings: Mappings, called: Mapping[Account, str], account: Account) -> list[Check]:
    word, name = _word(account.source), called[account]
    try:
        found = source.check(account, mappings.needs(account.ref), mappings.all_needs)
        return list(of_findings(word, found, f"{name}: can be read, no more"))
    except CredentialsRejected:
        raise
    except ReadFailed as error:
        return [_failed(word, TrueupError(f"{name}: {error}", error.remedy))]
