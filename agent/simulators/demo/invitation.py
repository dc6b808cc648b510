"""What to try while the simulated services are up."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from agent.simulators.demo.scene import ALDER, HALCYON
from agent.simulators.demo.stage import Stage
from agent.simulators.world import APP, Served


def invite(stage: Stage, config: Path, served: Served, trueup: str) -> None:
    """`trueup` says where its own interface answers, or what it takes to start it."""
    addresses = (("Trueup", trueup), ("Microsoft", served.microsoft.url), ("ConnectWise", served.connectwise.url))
    stage.table(("", ""), addresses)
    stage.says("In another terminal:")
    stage.command(f"export TRUEUP_CONFIG={config} PATH={Path(sys.executable).parent}:$PATH")
    stage.table(("", ""), [(f"$ {line}", f"# {what}") for line, what in _LOOK.items()])
    stage.says("Let something happen, then: trueup sync")
    for what, line in _acts(served).items():
        stage.command(f"{line}  # {what}")


_LOOK = {
    "trueup status": "how it stands",
    "trueup plan": "what would be written now, and why",
    "trueup holds": "what waits for you",
    "trueup tenants": "one of them is mapped by nobody",
    "trueup map suggest": "rows for licences that no file names",
}


def _acts(served: Served) -> Mapping[str, str]:
    microsoft, connectwise = served.microsoft.url, served.connectwise.url
    hire = {"action": "hire", "tenant": ALDER.tenant, "licence": "SPB"}
    buy = {"action": "buy", "tenant": ALDER.tenant, "licence": "SPB", "seats": 1}
    consent = {"action": "consent", "tenant": HALCYON.tenant, "app": APP}
    lost = {"add": {"kind": "lost-answer", "method": "POST"}}
    return {
        f"{ALDER.name} buys a seat": _post(f"{microsoft}/__sim/world", buy),
        "somebody starts there, too": _post(f"{microsoft}/__sim/world", hire),
        f"{HALCYON.name} consents": _post(f"{microsoft}/__sim/world", consent),
        "the month is invoiced": _post(f"{connectwise}/__sim/world", {"action": "invoice_run"}),
        "the PSA takes the next new addition, and its answer is lost": _post(f"{connectwise}/__sim/faults", lost),
    }


def _post(url: str, body: object) -> str:
    return f"curl -s {url} -d {shlex.quote(json.dumps(body))}"
