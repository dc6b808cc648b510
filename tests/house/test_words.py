"""One word for one thing, vendors' words at their vendor's door, and one door each for time and money."""

import ast
import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.house.source import Module, modules

Check = Callable[[Module], Iterator[str]]

ANYWHERE = ("agent/*",)
BILLING = ("agent/domain/*", "agent/reports/*", "agent/mapping_files*", "agent/ports.py")
EXACT = ("agent/domain/*", "agent/psa/*", "agent/store/*", "agent/engine/*")
SIMULATORS = "agent/simulators/*"
CLOCKS = ("agent/engine/clock.py", SIMULATORS)
CONNECTWISE = ("agent/psa/connectwise*", SIMULATORS)
MICROSOFT = ("agent/sources/microsoft*", SIMULATORS)

# Parts of the names we give (`customer_ids` has the parts customer and ids): what to say instead, where that
# holds, and who is excused. Names that we only use (a framework's, a vendor's) are not ours to choose.
BANNED = [
    ({"customer", "customers"}, "tenant (Microsoft) or company (PSA)", ANYWHERE, CONNECTWISE + MICROSOFT),
    ({"qty"}, "quantity", ANYWHERE, ()),
    ({"license", "licenses", "licensing"}, "licence", ANYWHERE, MICROSOFT),
    ({"addition", "additions"}, "line", ANYWHERE, CONNECTWISE),
    ({"helper", "helpers", "util", "utils", "manager", "orchestrator"}, "what it is about", ANYWHERE, ()),
    # Elsewhere OAuth has its client, and a thread may well be active.
    ({"client", "clients"}, "company", BILLING, ()),
    ({"active", "available", "consumed"}, "purchased, assigned; open, ended", BILLING, ()),
]

# The vendors' own spellings stop at the adapter that translates them: in code, comments and sentences alike.
VENDOR_FIELDS = [
    (
        "agreementStatus|billCustomer|billStartDate|cancelledDate|effectiveDate|invoiceDescription|lessIncluded"
        "|nextInvoiceDate|prorateFlag",
        CONNECTWISE,
    ),
    (
        "accountEnabled|assignedLicenses|capabilityStatus|consumedUnits|nextLifecycleDateTime|prepaidUnits"
        "|skuPartNumber|subscribedSkus|totalLicenses|userPrincipalName",
        MICROSOFT,
    ),
]

SYSTEM_CLOCK = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}

# Files where an error of any kind must not pass further, and why. Elsewhere a broad except hides what nobody
# thought of.
BROAD_EXCEPTS: dict[str, str] = {}


def lies_in(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


def parts(name: str) -> set[str]:
    """`companyIds`, `company_ids` and `COMPANY_IDS` alike have the parts company and ids."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


def given_names(module: Module) -> Iterator[tuple[int, str]]:
    """Every name that this file itself gives: to functions, classes, arguments, variables, imports."""
    for node in module.nodes():
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case ast.Import() | ast.ImportFrom():
                yield from ((node.lineno, alias.asname) for alias in node.names if alias.asname)


def banned_names(module: Module) -> Iterator[str]:
    for words, instead, where, excused in BANNED:
        if lies_in(module.path, where) and not lies_in(module.path, excused):
            for line, name in given_names(module):
                if parts(name) & words:
                    yield f"{module.path}:{line} names {name}: say {instead}"


def foreign_fields(module: Module) -> Iterator[str]:
    for fields, home in VENDOR_FIELDS:
        if not lies_in(module.path, home):
            for found in re.finditer(rf"\b({fields})\b", module.text):
                line = module.text.count("\n", 0, found.start()) + 1
                yield f"{module.path}:{line} says {found[0]}, which is a vendor's word"


def calls(module: Module) -> Iterator[tuple[int, str]]:
    """Every call by its last two names: `datetime.datetime.now()` is a call of `datetime.now`."""
    for node in module.nodes():
        if isinstance(node, ast.Call):
            yield node.lineno, ".".join(ast.unparse(node.func).split(".")[-2:])
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from ((node.lineno, f"time.{alias.name}") for alias in node.names)


def second_clocks(module: Module) -> Iterator[str]:
    if not lies_in(module.path, CLOCKS):
        for line, called in calls(module):
            if called in SYSTEM_CLOCK:
                yield f"{module.path}:{line} asks {called}: ask the Clock that was handed in"


def float_calls(module: Module) -> Iterator[str]:
    if lies_in(module.path, EXACT):
        for line, called in calls(module):
            if called == "float":
                yield f"{module.path}:{line} calls float(): Decimal, int and Fraction are exact"


def float_literals(module: Module) -> Iterator[str]:
    if lies_in(module.path, ("agent/domain/*",)):
        for node in module.nodes():
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                yield f"{module.path}:{node.lineno} says {node.value}: a Decimal or Fraction is exact"


def broad_excepts(module: Module) -> Iterator[str]:
    if module.path not in BROAD_EXCEPTS:
        for node in module.nodes():
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "BaseException"
                if re.search(r"\b(Base)?Exception\b", caught):
                    yield f"{module.path}:{node.lineno} catches {caught}: name the error"


@pytest.mark.parametrize(
    "check", [banned_names, foreign_fields, second_clocks, float_calls, float_literals, broad_excepts]
)
def test_house_keeps_its_words(check: Check) -> None:
    """Drifting names and second doors are found by a machine, before a reader wonders which one is meant."""
    found = [slip for module in modules("agent") for slip in check(module)]

    assert not found, "\n".join(found)


def test_every_excused_broad_except_exists() -> None:
    """An excuse whose except has gone would excuse the next one unseen."""
    with_excepts = {module.path for module in modules("agent") if "except" in module.text}

    assert set(BROAD_EXCEPTS) <= with_excepts


@pytest.mark.parametrize(
    ("check", "path", "text"),
    [
        (banned_names, "agent/domain/plan.py", "def of(customer_id): ..."),
        (banned_names, "agent/store/store.py", "class SyncManager: ..."),
        (banned_names, "agent/engine/cycle.py", "for lineQty in []: ..."),
        (banned_names, "agent/domain/plan.py", "self.client = 1"),
        (banned_names, "agent/faces/cli.py", "from x import y as licenses"),
        (foreign_fields, "agent/psa/autotask.py", "# like cancelledDate elsewhere"),
        (foreign_fields, "agent/psa/connectwise.py", "'consumedUnits'"),
        (second_clocks, "agent/engine/cycle.py", "datetime.datetime.now(UTC)"),
        (second_clocks, "agent/faces/api.py", "from time import time"),
        (float_calls, "agent/store/store.py", "float(row.micros)"),
        (float_literals, "agent/domain/guards.py", "limit = 0.2"),
        (broad_excepts, "agent/psa/connectwise.py", "try: ...\nexcept Exception: ..."),
        (broad_excepts, "agent/psa/connectwise.py", "try: ...\nexcept (KeyError, BaseException) as e: ..."),
        (broad_excepts, "agent/psa/connectwise.py", "try: ...\nexcept: ..."),
    ],
)
def test_slip_is_seen(check: Check, path: str, text: str) -> None:
    """The checks bite: each of these is one slip."""
    assert len(list(check(Module(path, text)))) == 1


@pytest.mark.parametrize(
    ("check", "path", "text"),
    [
        (banned_names, "agent/psa/connectwise.py", "def addition(): ..."),
        (banned_names, "agent/sources/microsoft.py", "client_id = 'OAuth has its own word'"),
        (banned_names, "agent/domain/plan.py", "inactive = quantity_of(licence)"),
        (foreign_fields, "agent/simulators/connectwise/fields.py", "'cancelledDate'"),
        (second_clocks, "agent/engine/clock.py", "datetime.now(UTC)"),
        (float_calls, "agent/outgoing.py", "float(seconds)"),
        (broad_excepts, "agent/psa/connectwise.py", "try: ...\nexcept requests.ConnectionError: ..."),
    ],
)
def test_good_manners_pass(check: Check, path: str, text: str) -> None:
    """The checks leave alone what the house allows."""
    assert list(check(Module(path, text))) == []
