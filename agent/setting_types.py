"""What a setting may hold: each type turns what stands in agent.toml into a value, or says what it accepts.

Relative paths are resolved against the folder of agent.toml, which validation carries as `context["folder"]`.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, PlainSerializer, PlainValidator, ValidationInfo

from agent.credentials import SecretRef
from agent.domain.findings import Code
from agent.durations import format_duration as format_duration
from agent.durations import parse_duration as parse_duration
from agent.loopback import is_loopback
from agent.toml_problems import did_you_mean, fault


@dataclass(frozen=True, slots=True)
class Called:
    """What the documentation calls a type."""

    words: str


@dataclass(frozen=True, slots=True)
class TcpAddress:
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixSocket:
    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"


_LONGEST = 4_096  # characters, as many as a path may have


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise fault("must be text", "Write it in quotes")
    if len(value) > _LONGEST:  # no address or name is, and the patterns below take their time
        raise fault("is too long", f"Write at most {_LONGEST} characters")
    # isprintable is also false for zero-width and direction characters, which come along with copied ids.
    if not value or not value.isprintable() or value != value.strip():
        raise fault("is empty, or has spaces around it or invisible characters in it", "Write it plainly")
    return value


def _matching(pattern: str, what: str, remedy: str, lower: bool = False) -> PlainValidator:
    """Text that is of the pattern as a whole, and is else refused with these words."""
    whole = re.compile(pattern, re.ASCII)

    def checked(value: object) -> str:
        text = _text(value).lower() if lower else _text(value)
        if not whole.fullmatch(text):
            raise fault(what, remedy)
        return text

    return PlainValidator(checked)


def _duration(value: object) -> timedelta:
    try:
        return parse_duration(_text(value))
    except ValueError:
        raise fault("is not a duration", 'Write a whole number and s, m, h or d: "90s", "15m", "1h", "2d"') from None


def _some(duration: timedelta) -> timedelta:
    if not duration:
        raise fault("must be longer than zero", 'Write a duration such as "1h"')
    return duration


def _zone(value: object) -> ZoneInfo:
    name = _text(value)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Europe" is a folder of the zone database
        close = difflib.get_close_matches(name, available_timezones(), 1, 0.8)
    remedy = f'Did you mean "{close[0]}"?' if close else 'Write an IANA name such as "Europe/London"'
    raise fault("is not a time zone", remedy)


def _path(value: object, info: ValidationInfo) -> Path:
    text = _text(value)
    if text.startswith("~"):
        raise fault('starts with "~", which is not expanded', "Write the whole path")
    return Path((info.context or {})["folder"], text)


def _secret(value: object, info: ValidationInfo) -> SecretRef:
    kind, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    if kind == "file" and name:
        return SecretRef("file", str(_path(name, info)))
    if kind == "env" and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII):
        return SecretRef("env", name)
    # No slash and no leading dot: a name cannot leave the credentials folder.
    if kind == "credential" and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name, re.ASCII):
        return SecretRef("credential", name)
    if kind in ("file", "env", "credential"):
        raise fault(f"has no usable name after {kind}:", 'Write "credential:NAME", "file:PATH" or "env:NAME"')
    what = "must refer to a secret, and never be the secret itself"
    raise fault(what, 'Keep it in a file with mode 0600 and write "file:PATH"; or "credential:NAME", "env:NAME"')


def _token_file(value: object, info: ValidationInfo) -> SecretRef:
    text = _text(value)
    # No env: here: the daemon and the command must both find it.
    if text.startswith(("credential:", "file:")):
        return _secret(text, info)
    return SecretRef("file", str(_path(text, info)))


def _address(value: object, example: str) -> str:
    """An address that goes no further than its path, and holds no credentials."""
    text = _text(value)
    try:
        parts = urlsplit(text)
        plain = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that stays open
        plain = False
    # Parsers disagree on what a backslash in an address means, and a letter that looks like another is a trap.
    if not plain or not text.isascii() or re.search(r"[\s\\]", text):
        raise fault("is not a web address", f'Write it as "{example}"')
    if "@" in parts.netloc:
        raise fault("holds a user name or password", "Remove them: they would stand here in the clear")
    if re.search(r"[?#]", text):
        raise fault('has a "?" or "#"', "End it with the host or the path")
    return text.rstrip("/")


def _url(value: object) -> str:
    text = _address(value, "https://host")
    parts = urlsplit(text)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise fault("is http:// to another machine, which would send our keys in the clear", "Write https://")
    return text


def _proxy(value: object) -> str:
    # http:// to a proxy is the usual form and safe: what passes through it is TLS from end to end.
    return _address(value, "http://proxy.example:3128")


def _store_url(value: object, info: ValidationInfo) -> str:
    text = _text(value)
    if text.startswith("sqlite:///"):
        return f"sqlite:///{_path(text.removeprefix('sqlite:///'), info)}"
    parts = urlsplit(text)
    if parts.scheme != "postgresql":
        raise fault("is not a store", 'Write "sqlite:///PATH" or "postgresql://USER@HOST/DATABASE"')
    # libpq takes the password from the query as well.
    if parts.password is not None or any("password" in name.lower() for name, _ in parse_qsl(parts.query)):
        raise fault("holds a password", 'Move it to store.password, as "credential:NAME" or "file:PATH"')
    return text


def _listen(value: object, info: ValidationInfo) -> TcpAddress | UnixSocket:
    text = _text(value)
    if text.startswith("unix:"):
        return UnixSocket(_path(text.removeprefix("unix:"), info))
    found = re.fullmatch(r"(?:\[([0-9a-f:]+)\]|([a-z0-9.]+)):(\d{1,5})", text, re.ASCII)
    if found is None or int(found[3]) > 65_535:
        raise fault("is not an address to listen on", 'Write "127.0.0.1:8365" or "unix:/run/trueup/api.sock"')
    host = found[1] or found[2]
    if not is_loopback(host):
        what = "would answer to other machines"
        raise fault(what, "Listen on 127.0.0.1, and put a proxy with TLS in front of it if others must reach it")
    return TcpAddress(host, int(found[3]))


def _clock_time(value: object) -> time:
    text = _text(value)
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a time of day has no zone
    except ValueError:
        raise fault("is not a time of day", 'Write hours and minutes: "07:30"') from None


def _finding_code(value: object) -> Code:
    text = _text(value)
    try:
        return Code(text)
    except ValueError:
        raise fault("is no code of a finding", did_you_mean(text, [code.value for code in Code])) from None


def _numbers(low: int, high: int) -> dict[str, int]:
    return {str(number): number for number in range(low, high + 1)}


def _names(text: str) -> dict[str, int]:
    return {name: place for place, name in enumerate(text.split())}


_CRON_FIELDS: dict[str, tuple[dict[str, int], ...]] = {
    "minute": (_numbers(0, 59),),
    "hour": (_numbers(0, 23),),
    "day": (_numbers(1, 31),),
    "month": (_numbers(1, 12), _names("jan feb mar apr may jun jul aug sep oct nov dec")),
    # Names only: cron counts the days of the week from Sunday, APScheduler from Monday.
    "day of week": (_names("mon tue wed thu fri sat sun"),),
}


def _cron(value: object) -> str:
    fields = _text(value).lower().split()
    if len(fields) != len(_CRON_FIELDS):
        raise fault("does not have five fields", 'Write minute, hour, day, month, day of week: "30 2 * * mon-fri"')
    for text, (name, spellings) in zip(fields, _CRON_FIELDS.items(), strict=True):
        if not all(any(_cron_part(part, values) for values in spellings) for part in text.split(",")):
            first, *_, last = spellings[0]
            remedy = f"Write *, {first} to {last}, a range such as {first}-{last}, or several with commas"
            raise fault(f"has a {name} that does not exist", remedy)
    return " ".join(fields)


def _cron_part(part: str, values: dict[str, int]) -> bool:
    """`*`, `5`, `1-5` or `mon-fri`; a step such as `/2` behind a star or a range of numbers."""
    found = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/([1-9]\d?))?", part, re.ASCII)
    if found is None:
        return False
    first, last, step = found.groups()
    low = values.get(_bare(first)) if first else min(values.values())
    high = (values.get(_bare(last)) if last else low) if first else max(values.values())
    if low is None or high is None or low > high:
        return False
    return step is None or (int(step) <= high - low and not (first or "").isalpha())


def _bare(number: str) -> str:
    return number.lstrip("0") or "0"


_AS_TEXT = PlainSerializer(str, return_type=str)

Text = Annotated[str, PlainValidator(_text), Called("text")]
Day = Annotated[date, Called("date")]
Duration = Annotated[
    timedelta, PlainValidator(_duration), PlainSerializer(format_duration, return_type=str), Called("duration")
]
SomeDuration = Annotated[Duration, AfterValidator(_some)]
Zone = Annotated[ZoneInfo, PlainValidator(_zone), _AS_TEXT, Called("time zone")]
Currency = Annotated[
    str,
    _matching(r"[A-Z]{3}", "is not a currency code", 'Write the ISO code in capitals: "USD", "AUD"'),
    Called("currency code"),
]
Guid = Annotated[
    str,
    _matching(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "is not a GUID",
        'Write it as "00000000-0000-0000-0000-000000000000"',
        lower=True,
    ),
    Called("GUID"),
]
FilePath = Annotated[Path, PlainValidator(_path), _AS_TEXT, Called("path")]
SecretReference = Annotated[SecretRef, PlainValidator(_secret), _AS_TEXT, Called("secret reference")]
TokenFile = Annotated[SecretRef, PlainValidator(_token_file), _AS_TEXT, Called("path or credential")]
Url = Annotated[str, PlainValidator(_url), Called("https address")]
Proxy = Annotated[str, PlainValidator(_proxy), Called("address")]
StoreUrl = Annotated[str, PlainValidator(_store_url), Called("store address")]
Listen = Annotated[TcpAddress | UnixSocket, PlainValidator(_listen), _AS_TEXT, Called("address or socket")]
Host = Annotated[
    str,
    _matching(
        r"[a-z0-9.-]+(:\d{1,5})?",
        "is not a host name",
        'Write it as browsers send it: "trueup.example.com" or "host:8443"',
        lower=True,
    ),
    Called("host name"),
]
Cron = Annotated[str, PlainValidator(_cron), Called("cron line")]
ClockTime = Annotated[
    time, PlainValidator(_clock_time), PlainSerializer(lambda at: f"{at:%H:%M}", return_type=str), Called("time")
]
# What the mail library would take apart differently than a person reads it is no address of an office.
MailAddress = Annotated[
    str,
    _matching(
        r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*",
        "is not a mail address",
        'Write it as "billing@example.com"',
    ),
    Called("mail address"),
]
Server = Annotated[
    str,
    _matching(r"[A-Za-z0-9.-]+|[0-9a-f:]+", "is not the name of a server", 'Write it as "smtp.example.com"'),
    Called("server"),
]
FindingCode = Annotated[Code, PlainValidator(_finding_code), _AS_TEXT, Called("finding code")]
MarkerField = Annotated[
    str,
    _matching(
        r"serialNumber|custom:\S.{0,49}",
        "is not a field for our mark",
        'Write "serialNumber", or "custom:" and the caption of a field',
    ),
    Called("field"),
]
ModelVersion = Annotated[
    str, _matching(r"\d{4}\.\d{1,2}", "is not a version of the API", 'Write it as "2026.4"'), Called("version")
]
Installation = Annotated[
    str,
    _matching(
        r"[A-Za-z0-9._-]{4,64}",
        "is not an installation id",
        "Write 4 to 64 letters, digits, points, dashes or underscores",
    ),
    Called("text"),
]
