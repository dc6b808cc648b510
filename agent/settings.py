"""agent.toml as typed settings: `load` gives all of them, or every problem of the file at once.

The models are the one list of settings. `describe` reads it for the documentation, whose completeness a test
proves, and for `trueup init`. Defaults are written as they would stand in the file, and validated like it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

from annotated_types import Ge, Le
from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from agent.config_path import config_path as config_path
from agent.credentials import SecretRef
from agent.errors import TrueupError
from agent.loopback import is_loopback
from agent.setting_sections import Section, required, section, setting
from agent.setting_types import (
    Called,
    ClockTime,
    Cron,
    Currency,
    Day,
    Duration,
    FilePath,
    FindingCode,
    Guid,
    Host,
    Installation,
    Listen,
    MailAddress,
    MarkerField,
    ModelVersion,
    Proxy,
    SecretReference,
    Server,
    SomeDuration,
    StoreUrl,
    Text,
    TokenFile,
    Url,
    Zone,
)
from agent.source_settings import KINDS, SourceName, SourceSection
from agent.toml_places import Document, FileRefused, Problem, read_toml
from agent.toml_problems import fault, problems_of


class SettingsInvalid(TrueupError):
    """agent.toml cannot be used. `problems` holds all that is wrong with it, in the order of its lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class AgentSection(Section):
    # No default for these two: a guessed zone moves a change into another billing period, a guessed currency
    # puts the wrong sign before somebody's money.
    timezone: Zone = required("The PSA's time zone: it decides on which date a change is billed.")
    currency: Currency = required("The currency of amounts for which the PSA names none.")
    # Words and not the domain's enum, whose import alone would take 10 ms of the 150 that `status` has.
    mode: Literal["report", "review", "auto"] = setting(
        "report", "report never writes, review holds every change for approval, auto holds only what guards hold."
    )
    state: FilePath = setting("/var/lib/trueup", "The folder for the store, the lock and what else must last.")
    mappings: FilePath = setting("mappings", "The folder of the mapping files.")
    workers: int = setting(
        16, "How many requests are under way at the same time; half as many companies are worked on.", ge=1, le=64
    )
    installation: Installation | None = setting(
        None,
        "The id in our marks on PSA lines; set it to take over another installation's lines.",
        "made once, kept in the store",
    )


class ScheduleSection(Section):
    every: SomeDuration | None = setting(None, "The time from the start of one cycle to the next.")
    cron: Cron | None = setting(None, "Instead of every: when cycles start, in agent.timezone.")
    jitter: Duration = setting("2m", "Each cycle starts up to this much later, so that sites do not knock together.")
    catalogue: SomeDuration = setting(
        "24h", "How old the PSA's companies and products may grow before they are read again."
    )

    @field_validator("jitter")
    @classmethod
    def _below_every(cls, jitter: Duration, info: ValidationInfo) -> Duration:
        every = info.data.get("every")
        if every is not None and jitter >= every:
            raise fault("must be shorter than schedule.every", 'Write a shorter one, or "0s" for none')
        return jitter


class ApiSection(Section):
    listen: Listen = setting(
        "127.0.0.1:8365", "Where the local HTTP interface answers: a loopback address or a socket."
    )
    token_file: TokenFile | None = setting(
        None, "The file with the bearer token of the local HTTP interface.", "api-token in agent.state"
    )
    # Not strict, because TOML knows lists only.
    hosts: tuple[Host, ...] = setting(
        [], "Further host names that requests may carry, for a proxy in front.", strict=False
    )


# Login and Graph hosts per cloud; an app registration belongs to one cloud.
_CLOUDS = {
    "global": ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
    "us-gov": ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
    "us-dod": ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    "china": ("https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
}


class PartnerCenterSection(Section):
    every: SomeDuration | None = setting(
        None, "How long an answer about a tenant's terms serves; without it Partner Center is not asked."
    )
    url: Url = setting("https://api.partnercenter.microsoft.com", "The address of Partner Center.")


class MicrosoftSection(Section):
    client_id: Guid = required("The application (client) id of the app registration.")
    certificate: SecretReference | None = setting(None, "The PEM file with the app's private key and certificate.")
    certificate_passphrase: SecretReference | None = setting(None, "The passphrase of an encrypted private key.")
    client_secret: SecretReference | None = setting(None, "Instead of certificate: the app's client secret.")
    client_secret_ends: Day | None = setting(None, "The last day of the client secret, which nothing else tells us.")
    tenant: Guid | None = setting(None, "The partner's own tenant id, for the list of tenants in `trueup tenants`.")
    cloud: Literal["global", "us-gov", "us-dod", "china"] = setting("global", "The Microsoft cloud of the tenants.")
    login_url: Url | None = setting(None, "Another login address than the cloud's.", "the cloud's")
    graph_url: Url | None = setting(None, "Another Graph address than the cloud's.", "the cloud's")
    stale_after: SomeDuration = setting("24h", "A tenant that could not be read for this long becomes a finding.")
    assignment_dates: bool = setting(True, "Whether users are read with the days on which licences were assigned.")
    partner_center: PartnerCenterSection = section("What the partner sold: terms, ends, windows.")

    @property
    def login(self) -> str:
        return self.login_url or _CLOUDS[self.cloud][0]

    @property
    def graph(self) -> str:
        return self.graph_url or _CLOUDS[self.cloud][1]


Months = Annotated[int, Field(ge=1, le=120)]
CompanyId = Annotated[int, Field(ge=1, le=2**31 - 1), Called("number")]


class ConnectWiseSection(Section):
    url: Url = required("The address of the ConnectWise site.")
    company: Text = required("The company name typed at the ConnectWise login.")
    # Half of the login name, no secret: ConnectWise itself shows it to every administrator.
    public_key: Text = required("The public key of the API member.")
    private_key: SecretReference = required("The private key of the API member.")
    client_id: Guid = required("The clientId registered for this integration at developer.connectwise.com.")
    member: Text | None = setting(
        None, "The API member's identifier, by which our own edits are told from other people's."
    )
    settle: Duration = setting("300s", "How long a write of unknown outcome rests before reading settles it.")
    marker_field: MarkerField = setting(
        "serialNumber", "Where additions carry our mark: the serial number, or custom: and a text field's caption."
    )
    # Below the 1,000 from which ConnectWise slows down: a site has other integrations as well.
    rate: int = setting(
        900, "Requests a minute; ConnectWise slows down whoever sends more than 1,000.", ge=1, le=60_000
    )
    credits: Literal["off", "negative-quantity", "negative-price"] = setting(
        "off", "How this site takes credits for days already invoiced."
    )
    version: ModelVersion = setting("2026.4", "The version of the API's data model that requests ask for.")
    billing_cycles: dict[str, Months] = setting(
        {}, "Months of billing cycles whose names do not tell: { Yearly = 12 }."
    )


class PsaSection(Section):
    kind: Literal["connectwise"] = required("Which PSA this is.")
    connectwise: ConnectWiseSection = required("How to reach ConnectWise PSA.")


class HttpSection(Section):
    ca_file: FilePath | None = setting(
        None, "A PEM file with the certificate authorities to trust in place of the public ones.", "the public ones"
    )
    proxy: Proxy | None = setting(None, "The proxy on the way to Microsoft and the PSA.", "HTTPS_PROXY, if set")
    connect_timeout: SomeDuration = setting("10s", "How long a connection may take to open.")
    read_timeout: SomeDuration = setting("60s", "How long a server may stay silent while it is read.")
    # Long, because an answer that comes late is still an answer, and giving up makes the outcome unknown.
    write_timeout: SomeDuration = setting(
        "120s", "How long a write may stay without an answer before its outcome is unknown."
    )


class StoreSection(Section):
    url: StoreUrl | None = setting(
        None, "SQLite or PostgreSQL: what was read, written and decided.", "trueup.db in agent.state"
    )
    password: SecretReference | None = setting(None, "The password of a PostgreSQL store.")
    history: SomeDuration = setting(
        "1100d", "How long earlier reads and derivations are kept, for trueup explain --on and trueup backtest."
    )
    thin_after: SomeDuration = setting(
        "400d", "Of days longer ago, only reads are kept that tell what lasted or that something rests on."
    )


class GuardsSection(Section):
    lower_absolute: int = setting(3, "A line lowered by more than this and by more than lower-percent is held.", ge=0)
    lower_percent: int = setting(20, "The share of a line that may go without approval.", ge=0, le=100)
    raise_absolute: int = setting(10, "A line raised by more than this and by more than raise-percent is held.", ge=0)
    raise_percent: int = setting(50, "The share of a line that may be added without approval.", ge=0)
    raise_times: int = setting(10, "A line raised to this many times what it was, or to more, is held.", ge=2)
    company_percent: int = setting(25, "A company whose monthly money changes by more is held.", ge=0)
    new_lines: int = setting(5, "More new lines than this on one agreement within 24 hours are held.", ge=0)
    fleet_companies_percent: int = setting(
        10, "Changes at more companies than this in one cycle stop all writes.", ge=0, le=100
    )
    fleet_companies_minimum: int = setting(
        5, "Fewer changing companies than this never stop the others, whatever their share.", ge=1
    )
    fleet_money_percent: int = setting(
        5, "A change of all monthly money by more than this in one cycle stops all writes.", ge=0
    )
    approval_expires: SomeDuration = setting("24h", "How long an approval stays good.")
    freeze_days: int = setting(
        0, "Changes in the days before an agreement's next invoice are held; 0 for none.", ge=0, le=31
    )
    recheck: Duration = setting("60s", "The least time between the two reads that anything lowered needs.")


class MailSection(Section):
    host: Server = required("The mail server.")
    port: int = setting(587, "Its port; 465 is usual with security tls.", ge=1, le=65_535)
    # The third word only for a relay on this machine itself; `_in_the_clear` sees to it.
    security: Literal["starttls", "tls", "none"] = setting("starttls", "How the connection is made private.")
    user: Text | None = setting(None, "The user name at the mail server, where it asks for one.")
    password: SecretReference | None = setting(None, "The password of that user.")
    sender: MailAddress = required("Whose mail it is.")
    to: tuple[MailAddress, ...] = Field(description="Who gets it.", strict=False, min_length=1)


class RuleSection(Section):
    codes: tuple[FindingCode, ...] = setting([], "Of which findings it speaks; none means all.", strict=False)
    companies: tuple[CompanyId, ...] = setting([], "Of which companies, by number; none means all.", strict=False)
    when: Literal["now", "digest", "never"] = required("When they are told.")


class NotifySection(Section):
    digest: Literal["daily", "weekly", "monthly", "off"] = setting(
        "daily", "How often what is new is told: each day, each Monday or each first of the month."
    )
    digest_at: ClockTime = setting("07:00", "The time of day of the digest, in agent.timezone.")
    quiet: SomeDuration = setting("7d", "A finding that closes and comes back within this time is no news.")
    chat: tuple[SecretReference, ...] = setting(
        [], "Addresses of chats and webhooks, in the form that apprise reads; needs the extra chat.", strict=False
    )
    heartbeat: SecretReference | None = setting(
        None, "An address that is asked for after each good cycle; whoever serves it alarms when we stop."
    )
    mail: MailSection | None = Field(None, description="Notices by mail.")
    rule: tuple[RuleSection, ...] = Field((), description="When which findings are told.", strict=False)


class LetterSection(Section):
    sender: Text | None = setting(None, "Your company's name, as letters about corrections bear it.")
    contact: Text | None = setting(None, "One line below it: an address, a telephone number.")
    tone: Text = setting("plain", "The words of letters: plain, warm, formal, or a template of your own.")
    templates: FilePath | None = setting(
        None, "The folder of your own templates, which stand in place of the shipped ones."
    )


class LogSection(Section):
    level: Literal["debug", "info", "warning", "error"] = setting("info", "The least severity that is logged.")
    format: Literal["json", "console"] = setting("json", "json for machines, console for people.")


class Settings(Section):
    """All of agent.toml, made by `load`. Paths are absolute, secrets are references until they are read."""

    agent: AgentSection = required("Where and how Trueup works.")
    schedule: ScheduleSection = required("When cycles start: every or cron.")
    api: ApiSection = section("The local HTTP interface.")
    microsoft: MicrosoftSection = required("How to read tenants.")
    psa: PsaSection = required("Where lines are written.")
    http: HttpSection = section("Requests to other machines.")
    store: StoreSection = section("Where Trueup remembers.")
    sources: dict[SourceName, SourceSection] = section("Where other counts come from.")
    guards: GuardsSection = section("What is held for a person.")
    notify: NotifySection = section("Who is told what, and when.")
    letter: LetterSection = section("Letters about corrections.")
    log: LogSection = section("What is logged.")

    @property
    def store_url(self) -> str:
        return self.store.url or f"sqlite:///{self.agent.state / 'trueup.db'}"

    @property
    def api_token(self) -> SecretRef:
        return self.api.token_file or SecretRef("file", str(self.agent.state / "api-token"))


def load(path: Path) -> Settings:
    """The settings in a file, or SettingsInvalid with every problem."""
    if not os.path.lexists(path):
        raise SettingsInvalid([Problem(str(path), None, "", "does not exist", "Write one with: trueup init")])
    try:
        document = read_toml(path)
    except FileRefused as error:
        raise SettingsInvalid([error.problem]) from None
    return settings_of(document, path.absolute().parent)


def settings_of(document: Document, folder: Path) -> Settings:
    """The settings in a document whose relative paths start at `folder`."""
    problems = list(_contradictions(document))
    try:
        settings = Settings.model_validate(document.data, context={"folder": folder})
    except ValidationError as error:
        problems += problems_of(error, document, Settings)
    if problems:
        raise SettingsInvalid(sorted(problems, key=lambda problem: problem.line or 0))
    return settings


# Looked for in the raw file, because pydantic compares settings only once each of them is right by itself.
ONE_OF = (("schedule", "every", "cron"), ("microsoft", "certificate", "client-secret"))


def _contradictions(document: Document) -> Iterator[Problem]:
    for name, first, second in ONE_OF:
        table = document.data.get(name)
        if not isinstance(table, dict):
            continue  # its absence is a problem of its own
        if first in table and second in table:
            what = f"cannot stand beside {name}.{first}"
            yield document.problem((name, second), what, "Keep one of the two")
        if first not in table and second not in table:
            yield document.problem((name,), f"has neither {first} nor {second}", "Add one of the two")
    yield from _sellers(document)
    yield from _in_the_clear(document)


def _sellers(document: Document) -> Iterator[Problem]:
    microsoft = document.data.get("microsoft")
    center = microsoft.get("partner-center") if isinstance(microsoft, dict) else None
    if isinstance(microsoft, dict) and isinstance(center, dict) and "every" in center and "tenant" not in microsoft:
        what = "needs microsoft.tenant, the partner whose sales they are"
        yield document.problem(("microsoft", "partner-center", "every"), what, "Add your own tenant id to [microsoft]")


def _in_the_clear(document: Document) -> Iterator[Problem]:
    notify = document.data.get("notify")
    mail = notify.get("mail") if isinstance(notify, dict) else None
    if not isinstance(mail, dict):
        return
    host = mail.get("host")
    if mail.get("security") == "none" and not (isinstance(host, str) and is_loopback(host)):
        what = "would send mail in the clear to another machine"
        yield document.problem(("notify", "mail", "security"), what, 'Write "starttls" or "tls"')
    for one, other in (("user", "password"), ("password", "user")):
        if one in mail and other not in mail:
            yield document.problem(("notify", "mail", one), f"needs notify.mail.{other}", "Add it, or remove both")


class Setting(NamedTuple):
    """`default` is TOML, or words where other settings decide; "required" or "none" where there is none.

    `header` is how its table begins in a file; behind a "#" where the table may be left out as a whole, and then all of
    it stands behind one.
    """

    key: str
    type: str
    default: str
    meaning: str
    header: str


def describe() -> list[Setting]:
    """Every setting, in the order of the sections."""
    return list(_described(Settings, "", ""))


def _described(model: type[BaseModel], prefix: str, header: str) -> Iterator[Setting]:
    inner: list[tuple[type[BaseModel], str, str]] = []
    for field in model.model_fields.values():
        key = f"{prefix}{field.alias}"
        found = _section_in(field)
        if key == "sources":
            # Each kind under its own word, as the example file shows it.
            inner += [(kind_model, f"sources.{kind}.", f"#[sources.{kind}]") for kind, kind_model in KINDS.items()]
        elif found is not None:
            # What belongs to a table that may be left out is left out with it.
            away = "#" if header.startswith("#") and not found[1].startswith("#") else ""
            inner.append((found[0], f"{key}.", away + found[1].format(key)))
        else:
            yield Setting(key, _type_words(field), _default_words(field), field.description or "", header)
    # Tables within a table come last: in a file, what stands below a header belongs to it.
    for below in inner:
        yield from _described(*below)


def _section_in(field: FieldInfo) -> tuple[type[BaseModel], str] | None:
    """The section that a field holds, and how its header is written."""
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
        return field.annotation, "[{}]"
    for part in get_args(field.annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part, "#[[{}]]" if get_args(field.annotation)[1:] == (...,) else "#[{}]"
    return None


def _type_words(field: FieldInfo) -> str:
    called = [mark.words for mark in _marks(field) if isinstance(mark, Called)]
    choices = [f'"{value}"' for value in _literals(field.annotation)]
    if called and isinstance(field.default, dict):
        return "table"
    if called:
        return f"list of {called[0]}{_plural(called[0])}" if get_args(field.annotation)[1:] == (...,) else called[0]
    if field.annotation is bool:
        return "true, false"
    if field.annotation is int:
        return _range(field)
    return "table" if isinstance(field.default, dict) else ", ".join(choices)


def _plural(noun: str) -> str:
    return "es" if noun.endswith("s") else "s"


def _literals(annotation: object) -> tuple[object, ...]:
    """The words of a Literal, also inside `… | None`."""
    parts = get_args(annotation)
    return get_args(parts[0]) if parts[1:] == (type(None),) else parts


def _range(field: FieldInfo) -> str:
    low = next(mark.ge for mark in field.metadata if isinstance(mark, Ge))
    high = next((mark.le for mark in field.metadata if isinstance(mark, Le)), None)
    return f"{low} or more" if high is None else f"{low} to {high}"


def _marks(field: FieldInfo) -> Iterator[object]:
    """The annotations of a field's type, also where they lie inside `… | None` or `tuple[…, ...]`."""
    yield from field.metadata
    for part in get_args(field.annotation):
        yield from getattr(part, "__metadata__", ())


def _default_words(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if isinstance(field.json_schema_extra, dict):
        return str(field.json_schema_extra["shown"])
    if field.default is None:
        return "none"
    if isinstance(field.default, str):
        return f'"{field.default}"'
    return "{}" if field.default == {} else str(field.default).lower()
