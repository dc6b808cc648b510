"""Who may import whom: the picture of docs/architecture.md as a table that fails."""

import ast
import sys
from collections.abc import Iterable, Iterator

import pytest

from tests.house.source import Module, modules

NOUNS = {"agent.domain", "agent.errors", "agent.ports"}
FILES = {"agent.domain", "agent.errors", "agent.toml_places", "agent.toml_problems", "agent.toml_scanner"}
ENGINE = NOUNS | {"agent.reports", "agent.mapping_files", "agent.suggest", "agent.logs"}

# A module belongs to the room with the longest name that fits; it imports from its own room and from those listed.
# A room inside a room (the clock) is what its neighbours must not touch.
MAY_IMPORT = {
    "agent": set(),
    "agent.domain": set(),
    "agent.errors": {"agent.domain"},
    "agent.ports": {"agent.domain", "agent.errors"},
    "agent.reports": NOUNS | {"agent.suggest"},
    "agent.toml_scanner": {"agent.errors"},
    "agent.toml_places": {"agent.errors", "agent.toml_scanner"},
    "agent.toml_problems": {"agent.toml_places", "agent.toml_scanner"},
    "agent.config_path": set(),
    "agent.loopback": set(),
    "agent.durations": set(),
    "agent.credentials": {"agent.errors", "agent.toml_places"},
    "agent.sku_table": set(),
    "agent.suggest": {"agent.domain"},
    "agent.sheets": {"agent.errors"},
    "agent.audit": FILES | {"agent.sheets", "agent.suggest", "agent.sku_table"},
    "agent.mapping_files": FILES | {"agent.sku_table", "agent.suggest"},
    "agent.setting_types": FILES | {"agent.credentials", "agent.durations", "agent.loopback"},
    "agent.setting_sections": set(),
    "agent.source_settings": FILES | {"agent.credentials", "agent.setting_sections", "agent.setting_types"},
    "agent.settings": FILES
    | {"agent.config_path", "agent.credentials", "agent.setting_sections", "agent.setting_types"}
    | {"agent.loopback", "agent.source_settings"},
    "agent.logs": {"agent.domain", "agent.errors"},
    "agent.outgoing": NOUNS | {"agent.loopback"},
    "agent.notices": NOUNS | {"agent.outgoing"},
    "agent.sources": NOUNS | {"agent.outgoing", "agent.loopback", "agent.sku_table", "agent.sheets"},
    "agent.psa": NOUNS | {"agent.outgoing"},
    "agent.store": NOUNS,
    "agent.store.glance": NOUNS | {"agent.store"},
    "agent.engine": ENGINE,
    "agent.engine.clock": NOUNS,
    "agent.engine.source_assembly": NOUNS
    | {"agent.settings", "agent.source_settings", "agent.credentials"}
    | {"agent.sources", "agent.outgoing", "agent.sheets", "agent.sku_table"},
    "agent.engine.assembly": ENGINE
    | {"agent.engine", "agent.engine.clock", "agent.engine.source_assembly", "agent.settings", "agent.credentials"}
    | {"agent.sources", "agent.psa", "agent.store", "agent.outgoing", "agent.notices", "agent.sku_table"},
    "agent.faces": ENGINE
    | {"agent.engine", "agent.engine.assembly", "agent.engine.clock", "agent.store.glance", "agent.suggest"}
    | {"agent.settings", "agent.config_path", "agent.setting_types", "agent.toml_places", "agent.sku_table"}
    | {"agent.audit", "agent.sheets", "agent.durations"},
    "agent.__main__": {"agent.faces"},
    "agent.simulators": {"agent.domain", "agent.errors"},
}
# `trueup demo` and `trueup simulate` load the simulators when they run; nothing else ever does.
ONLY_LAZILY = {("agent.faces", "agent.simulators")}

# The standard library's doors to time, chance, disk, network and other processes.
IMPURE = {
    *("time", "random", "secrets", "logging", "threading", "asyncio", "subprocess"),
    *("os", "io", "pathlib", "shutil", "tempfile", "sqlite3", "socket", "http", "urllib.request"),
}


def within(name: str, rooms: Iterable[str]) -> list[str]:
    return [known for known in rooms if f"{name}.".startswith(f"{known}.")]


def room(name: str) -> str:
    return max(within(name, MAY_IMPORT), key=len)


def is_pure(name: str) -> bool:
    return name.split(".")[0] in sys.stdlib_module_names and not within(name, IMPURE)


def adapter(name: str) -> str | None:
    """The adapter a module belongs to: `agent.psa.connectwise_dates` is a part of `agent.psa.connectwise`."""
    parts = name.split(".")
    inside = room(name) in ("agent.sources", "agent.psa") and len(parts) > 2
    return ".".join([*parts[:2], parts[2].split("_")[0]]) if inside else None


def imports(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """Every import with the name it reaches for: `from agent.engine import clock` reaches for the clock."""
    package = module.name.split(".") if module.path.endswith("__init__.py") else module.name.split(".")[:-1]
    for node in module.nodes():
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else []
            start = [*start, *(node.module or "").split(".")] if node.module else start
            yield from ((node, ".".join([*start, alias.name])) for alias in node.names)


def objection(module: Module, node: ast.stmt, name: str) -> str | None:
    """What the house has against this import, or None."""
    here = room(module.name)
    if name.split(".")[0] != "agent":
        return "the domain is pure" if here == "agent.domain" and not is_pure(name) else None
    there = room(name)
    if here == "agent" and module.name != "agent":
        return "this module has no line in MAY_IMPORT yet"
    if there == here:
        strangers = adapter(module.name) and adapter(name) not in (adapter(module.name), None)
        return "adapters do not know each other" if strangers else None
    if (here, there) in ONLY_LAZILY:
        return "only inside the function that needs it" if node.col_offset == 0 else None
    return None if there in MAY_IMPORT[here] | {"agent"} else f"{here} may not import {there}"


def objections(module: Module) -> list[str]:
    return [
        f"{module.path}:{node.lineno} imports {name}: {reason}"
        for node, name in imports(module)
        if (reason := objection(module, node, name))
    ]


def test_every_import_keeps_to_its_room() -> None:
    """Decisions do not know services, services do not know each other, and nothing knows the faces."""
    found = [line for module in modules("agent") for line in objections(module)]

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("agent/domain/plan.py", "from datetime import datetime\nimport requests"),
        ("agent/domain/plan.py", "import time"),
        ("agent/magic.py", "from agent.domain import money"),
        ("agent/domain/plan.py", "from agent import errors"),
        ("agent/psa/connectwise.py", "from agent.psa.autotask import dates"),
        ("agent/psa/connectwise.py", "from .autotask import dates"),
        ("agent/sources/microsoft.py", "def read():\n    from agent.store import store"),
        ("agent/engine/cycle.py", "from agent.engine import clock"),
        ("agent/engine/cycle.py", "from agent.settings import Settings"),
        ("agent/reports/text.py", "from agent.faces import cli"),
        ("agent/faces/cli.py", "from agent.simulators import world"),
        ("agent/engine/assembly.py", "def build():\n    import agent.simulators.world"),
    ],
)
def test_trespass_is_seen(path: str, text: str) -> None:
    """The table bites: each of these is one import too many."""
    assert len(objections(Module(path, text))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("agent/domain/plan.py", "from fractions import Fraction\nfrom agent.domain.money import Money"),
        ("agent/psa/connectwise.py", "from agent import outgoing\nfrom agent.psa.connectwise_dates import x"),
        ("agent/psa/__init__.py", "from agent.psa import autotask, connectwise"),
        ("agent/engine/assembly.py", "from agent.engine.clock import x\nfrom agent.store import y"),
        ("agent/faces/cli.py", "def demo():\n    from agent.simulators import world"),
    ],
)
def test_lawful_import_passes(path: str, text: str) -> None:
    """The table lets the house's own ways through."""
    assert objections(Module(path, text)) == []
