"""Every test here ends with a search for secrets; this is about the search, and about those who quote them."""

import base64
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

from agent.simulators.wire import Request, Response
from tests.acceptance.conftest import Install
from tests.acceptance.site import COMPANY


def quoting(request: Request) -> str:
    """The whole request as a careless server shows it, with the key decoded."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    decoded = base64.b64decode(given).decode() if kind == "Basic" else ""
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    return f"cannot be served: {request.method} {request.target} {dict(request.headers)} {decoded} {form}"


def loud(status: int, shape: Callable[[str], object], wanted: Callable[[Request], bool], site: object) -> None:
    """Answer what is wanted with an error that quotes the request."""
    served: Callable[[Request], Response] = type(site).handle.__get__(site)  # type: ignore[attr-defined]

    def handle(request: Request) -> Response:
        if not wanted(request):
            return served(request)
        return Response(status, {"content-type": "application/json"}, json.dumps(shape(quoting(request))).encode())

    site.handle = handle  # type: ignore[attr-defined]


def psa_says(text: str) -> object:
    return {"code": "InvalidObject", "message": text, "errors": None}


def graph_says(text: str) -> object:
    return {"error": {"code": "BadRequest", "message": text}}


def login_says(text: str) -> object:
    return {"error": "invalid_client", "error_description": text, "error_codes": [7000215]}


def test_nobody_who_quotes_a_secret_makes_us_keep_it(install: Install) -> None:
    """Writes and reads of the PSA, Graph, login, one after the other: not in the log, the store, or what is told."""
    site = install()
    daemon = site.started()
    site.tenant().buy("SPB", 2)
    loud(400, psa_says, lambda request: request.method in ("POST", "PATCH"), site.psa)
    daemon.sync(COMPANY)
    loud(403, psa_says, lambda request: True, site.psa)
    daemon.sync(COMPANY)
    loud(403, graph_says, lambda request: not request.path.endswith("/token"), site.graph)
    daemon.sync(COMPANY)
    loud(401, login_says, lambda request: True, site.graph)
    site.tenant().revoke_tokens()
    daemon.sync(COMPANY)
    told = [site.trueup(*words) for words in (["journal", "--json"], ["findings", "--json"], ["--debug", "check"])]

    assert any("[secret]" in one.out for one in told), told


def test_no_process_dumps_its_memory(install: Install) -> None:
    """Not by the unit alone: whoever starts the daemon, and whatever limit it was given, the kernel writes no core."""
    daemon = install().start()
    limits = Path("/proc", str(daemon.process.pid), "limits").read_text().splitlines()

    assert [line.split()[4:6] for line in limits if line.startswith("Max core file size")] == [["0", "0"]]


def test_search_looks_into_archives(install: Install) -> None:
    """An exported sheet is a compressed archive: its bytes show nothing."""
    site = install()
    export = site.folder / "export.xlsx"
    with zipfile.ZipFile(export, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet1.xml", f"<c>{site.canaries['PSA key'] * 50}</c>")

    assert site.leaks() == ["PSA key in export.xlsx"]
    export.unlink()


def test_search_sees_a_secret_where_it_should_not_be(install: Install) -> None:
    """In what a command says, in the state folder, and in a process's environment; but not where it belongs."""
    site = install()
    site.start()
    key = site.canaries["PSA key"]
    assert "\0run\0--config\0" in site.told[0]
    assert site.leaks() == []

    site.told[0] += key
    (site.folder / "state" / "notes").write_text(site.token_file.read_text())
    told = site.trueup("status")
    site.printed[0] = replace(told, err=key)

    found = [(leak.partition(" in ")[2]).partition(" --config")[0] for leak in site.leaks()]
    assert sorted(found) == ["notes", "process 0", "trueup status"]
    site.told[0], site.printed[0] = "", told
    (site.folder / "state" / "notes").unlink()
