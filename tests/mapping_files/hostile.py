"""Files that nobody meant: seeded damage to good ones, bombs, and what must hold for whatever is read.

Every input is made from its number alone, so that a failure of the million (`python -m bench.fuzz`) replays here.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agent.domain.mappings import Mode
from agent.mapping_files import MappingFiles, MappingsInvalid
from agent.mapping_files.files import Contents
from agent.settings import SettingsInvalid, settings_of
from agent.sku_table import shipped
from agent.toml_places import FileRefused, Problem, decode
from tests.house.source import REPOSITORY
from tests.mapping_files.folders import EXCLUSIONS, HEAD, PROFILES, ROW

SECONDS, MEBIBYTES = 1, 100  # what one input may cost

# What parsers trip over: ends of lines and texts, names that clash, numbers without end, letters that turn or hide.
FRAGMENTS = [
    *(b"\n", b"\r", b"\r\n", b"\0", b"\t", b" ", b'"', b"'", b'"""', b"'''", b"\\", b"\\u", b"\\uD800", b"\\U00110000"),
    *(b"[", b"]", b"[[", b"]]", b"{", b"}", b",", b".", b"=", b"==", b"#", b"[[row]]\n", b"[row]\n", b"[row.users]\n"),
    *(b"1e400", b"-0", b"0x", b"9" * 400, b"nan", b"inf", b"1_0", b"00", b"1979-05-27", b"2026-02-30", b"25:61:00"),
    *(b"true", b"false", b"[]", b"{}", b'""', b"'auto'", b"company", b"tenant", b"licence", b"users", b"exclude"),
    *("\ufeff".encode(), "\u202e".encode(), "\u2028".encode(), "ＳＰＢ".encode(), "e\u0301".encode(), "𝟏".encode()),
    *(b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", "x=1".encode("utf-16")),
    *(b"a." * 40, b"[" * 40, b"{a=" * 40, b'"' * 7, b"a=" * 40, b"0" * 2000, b"#" * 2000),
]


def _company(rows: bytes) -> bytes:
    return HEAD.encode() + rows


def _many(text: str, times: int) -> bytes:
    return "".join(text % number for number in range(times)).encode()


_ACCENTS = "\u0301\u0323" * 100_000  # out of order: putting them in order takes time by the square of their number
_ENTRY = "[[row]]\nlicence = 'SPB'\nprofile = 'business-premium'\n"

# By what each of them makes dear: depth, numbers of things, lengths, guesses of what was meant, repetitions.
BOMBS: dict[str, bytes] = {
    "brackets": b"x = " + b"[" * 1_000_000,
    "deep": b"x = " + b"[" * 40 + b"]" * 40,
    "deep list": b"x=[[[[[[[[[[[[[[[" + b"1," * 20_000 + b"]]]]]]]]]]]]]]]",
    "dotted": b".".join([b"a"] * 100_000) + b" = 1",
    "many values": b"a = [" + b"1," * 60_000 + b"]",
    "inline tables": b"a={" + _many("k%d={},", 19_900) + b"}",
    "unknown keys": _many("k%d=1\n", 19_900),
    "keys nearly right": _many("compan%d=1\n", 19_900),
    "keys twice": b"a=1\na=2\n" * 9_000,
    "empty rows": b"[[row]]\n" * 19_900,
    "unknown licences": _company(_many(_ENTRY.replace("SPB", "SPX%d") + "agreement=1\n", 4_900)),
    "unknown profiles": _company(_many(_ENTRY.replace("premium", "premiun%d") + "agreement=1\n", 4_900)),
    "one row over and over": _company((_ENTRY + "agreement=1\n").encode() * 4_900),
    "rivals of an adoption": _company(_many(_ENTRY + "agreement=1\nadopt=true\nname='%d'\n", 3_200)),
    "one line replaced": _company(_many(_ENTRY + "agreement=%d\nstart-on=2026-01-01\nreplaces=[1,2]\n", 2_000)),
    "sum of strangers": _company(b"[[row]]\n[row.count]\nlicences=[" + b"'SPX'," * 19_000 + b"]"),
    "tenants": b"company=1\n" + _many("[[tenant]]\nid='11111111-2222-3333-4444-%012d'\n", 9_000),
    "profiles": _many("[p%d]\nproductx='x'\n", 9_900),
    "exclusions": b"[[exclude]]\nlicence='SPB'\nreason='x'\n" * 6_000,
    "accents in a key": f'["e{_ACCENTS}"]\nproduct="x"'.encode(),
    "accents in a name": f'company=1\nname="e{_ACCENTS}"'.encode(),
    "accents in a licence": _company(f'[[row]]\nlicence="e{_ACCENTS}"'.encode()),
    "long number": b"company = " + b"9" * 1_000_000,
    "long integer": b"company = " + b"9" * 999,
    "exponent": b"company = 1e999999999",
    "escapes": b'a="' + b"\\u0041" * 170_000 + b'"',
    "open text": b'a = """' + b'"x' * 500_000,
    "quotes": b'"' * 1_000_000,
    "comment": b"#" * 1_000_000,
    "line ends": b"\n" * 1_000_000,
    "windows line ends": b"\r\n" * 500_000,
    "old line ends": b"a=1\r" * 200_000,
    "byte order marks": b"\xef\xbb\xbf" * 300_000,
    "utf-16": ("company = 1\n" * 40_000).encode("utf-16"),
    "utf-16 without mark": ("company = 1\n" * 40_000).encode("utf-16-le"),
    "utf-32": ("company = 1\n" * 20_000).encode("utf-32"),
    "latin-1": 'name = "é"\n'.encode("latin-1") * 50_000,
    "nul": b"a=1\n" * 100_000 + b"\0",
    "bidirectional": "".join(f'k{number}="\u202e"\n' for number in range(19_900)).encode(),
    "bidirectional name": _company('name = "\u202egnp.exe"'.encode()),
    "cron": b'[schedule]\ncron="' + b"1," * 500_000 + b'1 * * * *"',
    "duration": b'[schedule]\nevery="' + b"9" * 900_000 + b's"',
    "zone": b'[agent]\ntimezone="' + b"A" * 900_000 + b'"',
    "address": b'[psa.connectwise]\nurl="https://' + b"a." * 400_000 + b'"',
    "socket": b'[api]\nlisten="[' + b":" * 500_000 + b']:1"',
    "beyond the limit": b"# " + b"x" * (1024 * 1024),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What was said about one input, and what saying it cost."""

    problems: Sequence[Problem]
    seconds: float


@cache
def seeds() -> Sequence[bytes]:
    """Good files and files with one fault each, of every kind that people write."""
    found = [*(REPOSITORY / "tests" / "fixtures" / "mappings").rglob("*.toml"), REPOSITORY / "agent.toml.example"]
    found += [*(REPOSITORY / "mappings").rglob("*.toml"), *(REPOSITORY / "mappings").rglob("*.sample")]
    found.append(REPOSITORY / "tests" / "settings" / "minimal.toml")
    return [*(path.read_bytes() for path in sorted(found)), (HEAD + ROW).encode(), PROFILES.encode()]


def hostile(number: int) -> bytes:
    """The input of that number: a good file with one to eight pieces cut out, doubled, swapped or put in."""
    rng = random.Random(number)
    text = rng.choice(seeds())
    for _ in range(rng.randint(1, 8)):
        text = rng.choice(_DAMAGES)(rng, text)
    return text


def _cut(rng: random.Random, text: bytes) -> bytes:
    start = rng.randint(0, len(text))
    return text[:start] + text[start + rng.choice((1, 2, 8, 60)) :]


def _put(rng: random.Random, text: bytes) -> bytes:
    start = rng.randint(0, len(text))
    return text[:start] + rng.choice(FRAGMENTS) + text[start:]


def _flip(rng: random.Random, text: bytes) -> bytes:
    if not text:
        return text
    start = rng.randrange(len(text))
    return text[:start] + bytes([text[start] ^ 1 << rng.randrange(8)]) + text[start + 1 :]


def _line(rng: random.Random, text: bytes) -> bytes:
    """A line twice, or one of another file among ours."""
    lines = text.split(b"\n")
    other = rng.choice(seeds()).split(b"\n") if rng.random() < 0.5 else lines
    lines.insert(rng.randint(0, len(lines)), rng.choice(other))
    return b"\n".join(lines)


def _value(rng: random.Random, text: bytes) -> bytes:
    """Another kind of value behind a key."""
    lines = text.split(b"\n")
    at = rng.randrange(len(lines))
    key, equals, _ = lines[at].lstrip(b"#").partition(b"=")
    lines[at] = key + equals + b" " + rng.choice(FRAGMENTS)
    return b"\n".join(lines)


_DAMAGES: list[Callable[[random.Random, bytes], bytes]] = [_cut, _put, _flip, _line, _value, _value]


class Reader:
    """Reads one input as every kind of file that an admin writes."""

    def __init__(self) -> None:
        self._files = MappingFiles(Path("mappings"), Mode.REPORT, shipped())
        self._rest = {"profiles.toml": PROFILES.encode(), "exclusions.toml": EXCLUSIONS.encode()}

    def read(self, content: bytes) -> Iterator[Told]:
        """As a company's file, as the profiles, as the exclusions and as agent.toml; anything but a typed error
        comes through as it is."""
        for name in ("companies/some.toml", "profiles.toml", "exclusions.toml"):
            yield _timed(self._mappings, Contents({**self._rest, name: content}, ()))
        yield _timed(_settings, content)

    def _mappings(self, contents: Contents) -> Sequence[Problem]:
        try:
            self._files.understand(contents)
        except MappingsInvalid as error:
            return error.problems
        return ()


def _settings(content: bytes) -> Sequence[Problem]:
    try:
        settings_of(decode(content, "agent.toml"), Path("/etc/trueup"))
    except SettingsInvalid as error:
        return error.problems
    except FileRefused as error:
        return (error.problem,)
    return ()


def _timed(read: Callable[..., Sequence[Problem]], *given: object) -> Told:
    # Of this process alone, as the machine may be busy.
    began = time.process_time()
    return Told(read(*given), time.process_time() - began)


def faults(content: bytes, told: Told) -> Iterator[str]:
    """What is wrong with an answer: a problem without file, line, sentence or remedy, or one that took too long."""
    if told.seconds > SECONDS:
        yield f"took {told.seconds:.1f} s"
    lines = content.count(b"\n") + 1
    for problem in told.problems:
        if not (problem.file and problem.what and problem.line):
            yield f"lacks file, line or words: {problem!r}"
        elif not 1 <= problem.line <= max(lines, 20):  # 20: of the profiles that a broken company file leaves unused
            yield f"names a line that is not there: {problem}"
        elif not str(problem).isprintable():
            yield f"cannot be printed: {str(problem)!r}"


class Peak:
    """The most memory that this process has had since the last `reset`, in MiB."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")
        self._before = self._now()

    def grown(self) -> float:
        return self._now() - self._before

    def _now(self) -> float:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
