"""docs/security.md says what is protected and proven; this holds it against the program and its tests."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.settings import describe
from tests.house.source import REPOSITORY, modules

PAGE = (REPOSITORY / "docs" / "security.md").read_text()
ROWS = re.findall(r"^\| (\d+\.\d+\.\d+) \| (.+?) \| `(\S+?)::(\S+?)` \|$", PAGE, re.M)
# Sections of ASVS 5.0 that hold a requirement of level 2 for a service without accounts and uploads.
SECTIONS = """
1.1 1.2 1.3 1.5 2.1 2.2 2.3 2.4 3.2 3.4 3.5 4.1 4.2 5.1 5.2 5.3 5.4 11.2 11.4 11.5 12.1 12.2 12.3 13.1 13.2 13.3 13.4
14.1 14.2 15.1 15.2 15.3 16.1 16.2 16.3 16.4 16.5
"""


def facts_in(path: str) -> set[str]:
    """`test_x`, and `Class.test_x` for those of a class; also the class itself, for a state machine."""
    found = set()
    for node in ast.parse((REPOSITORY / path).read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return {name for name in found if name.rpartition(".")[2].startswith("test_")}


@pytest.mark.parametrize(("requirement", "path", "name"), [(r, path, name) for r, _, path, name in ROWS])
def test_named_test_exists(requirement: str, path: str, name: str) -> None:
    """A requirement whose test was renamed or removed is proven by nothing."""
    assert name in facts_in(path)


def test_every_section_is_answered_once() -> None:
    """No requirement twice, and no section forgotten; each row of the table has its test."""
    told = [requirement for requirement, *_ in ROWS]

    assert len(set(told)) == len(told) == len(re.findall(r"^\| \d+\.\d+\.\d+ \|", PAGE, re.M))
    assert {requirement.rpartition(".")[0] for requirement in told} == set(SECTIONS.split())


def calls() -> list[tuple[str, str]]:
    """Every call in the program outside the simulators: (path, dotted name)."""
    shipped = [module for module in modules("agent") if not module.path.startswith("agent/simulators/")]
    return [
        (module.path, ast.unparse(node.func))
        for module in shipped
        for node in module.nodes()
        if isinstance(node, ast.Call)
    ]


def test_no_process_is_started() -> None:
    """There is no command line into which a name could slip."""
    started = r"(subprocess|os\.(system|popen|exec\w*|spawn\w*|posix_spawn\w*))\b.*"

    assert [call for call in calls() if re.fullmatch(started, call[1])] == []


def test_nothing_is_evaluated() -> None:
    """No code, object or template is made of what was read: no eval, no pickle, no YAML."""
    evaluated = r"(eval|exec|compile|pickle\..*|marshal\..*|shelve\..*|yaml\..*|.*\.from_string)"

    assert [call for call in calls() if re.fullmatch(evaluated, call[1])] == []


def test_no_weak_hash_is_used() -> None:
    """MD5 and SHA-1 prove nothing any more."""
    assert [call for call in calls() if re.search(r"\b(md5|sha1|SHA1|MD5)\b", call[1])] == []


def test_refusals_are_logged() -> None:
    """Wrong tokens, foreign pages and wrong names are what an attack looks like; without what they sent."""
    [guard] = [module for module in modules("agent/faces/api") if module.path.endswith("/guard.py")]

    assert 'if refused.status in (401, 403, 421):\n                log.warning("api.refused"' in guard.text


def test_every_secret_is_an_asset() -> None:
    """A setting for a new kind of secret belongs into the picture of what is worth protecting."""
    secrets = {one.key for one in describe() if "secret reference" in one.type or one.key == "api.token-file"}
    pictured = {
        *("microsoft.certificate", "microsoft.certificate-passphrase", "microsoft.client-secret"),
        *("psa.connectwise.private-key", "api.token-file", "store.password"),
        *("notify.chat", "notify.heartbeat", "notify.mail.password"),
    }

    assert {key for key in secrets if not key.startswith("sources.")} == pictured


def test_every_setting_that_names_a_server_is_in_the_picture() -> None:
    """Whom Trueup talks to stands in the table of communication; a firewall is set up by it."""
    kinds = {"https address", "server", "store address", "address", "address or socket"}
    servers = {one.key.rpartition(".")[0] for one in describe() if one.type in kinds}
    pictured = {"api", "http", "microsoft", "microsoft.partner-center", "notify.mail", "psa.connectwise", "store"}

    assert {section for section in servers if not section.startswith("sources.")} == pictured
    assert "other sources of counts" in PAGE


def test_report_of_weaknesses_is_described() -> None:
    """Where to, and how soon it is mended."""
    [described] = re.findall(r"^## Telling us of a weakness\n(.*)", PAGE, re.M | re.S)

    assert [word for word in ("privately", "seven days", "thirty") if word not in " ".join(described.split())] == []


def test_bill_of_materials_lists_what_is_locked(tmp_path: Path) -> None:
    """`make sbom`, as the Makefile calls it: each locked package with its version and a hash."""
    recipe = re.search(r"^\t@?\$\(VENV\)/bin/(cyclonedx-py .*)$", (REPOSITORY / "Makefile").read_text(), re.M)
    assert recipe
    command = recipe[1].replace("dist/trueup.cdx.json", str(tmp_path / "sbom.json")).split()
    program = Path(sys.executable).with_name(command[0])
    subprocess.run([program, *command[1:]], cwd=REPOSITORY, check=True, capture_output=True)
    listed = json.loads((tmp_path / "sbom.json").read_text())["components"]
    locked = re.findall(r"^([a-z0-9-]+)==(\S+)", (REPOSITORY / "requirements.lock").read_text(), re.M)

    assert {(one["name"], one["version"]) for one in listed} == set(locked)
    assert all(one["externalReferences"][0]["hashes"] for one in listed)


LISTED = {"name": "requests", "version": "2.32.0"}
WEAK = LISTED | {"vulns": [{"id": "PYSEC-0000-1", "fix_versions": ["2.32.4"]}]}


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        ({"dependencies": [LISTED | {"vulns": []}]}, 0, "1 packages of requirements.lock were looked up"),
        ({"dependencies": [WEAK]}, 1, "requests 2.32.0: PYSEC-0000-1, mended in 2.32.4"),
        ({"dependencies": [WEAK, {"name": "msal", "skip_reason": "not found"}]}, 1, "PYSEC-0000-1"),
        ({"dependencies": [{"name": "msal", "skip_reason": "not found"}]}, 2, "NOT AUDITED: 1 of 1 packages"),
        ({"dependencies": []}, 2, "NOT AUDITED: 0 of 0 packages"),
        (None, 2, "NOT AUDITED: pip-audit gave no result: no route to pypi.org"),
    ],
)
def test_audit_of_what_is_shipped_is_never_green_unlooked(
    tmp_path: Path, said: object, status: int, words: str
) -> None:
    """`make audit-deps`: pip-audit itself calls it well where its service knows none of the packages."""
    fake = tmp_path / "pip-audit"
    answer = "echo no route to pypi.org >&2; exit 1" if said is None else f"cat <<'END'\n{json.dumps(said)}\nEND"
    fake.write_text(f"#!/bin/sh\n{answer}\n")
    fake.chmod(0o755)
    command = [sys.executable, REPOSITORY / ".ci" / "audit-deps"]
    done = subprocess.run(command, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True)

    assert done.returncode == status
    assert words in done.stdout + done.stderr
