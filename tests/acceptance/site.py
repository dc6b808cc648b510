"""An invented MSP of one to three companies, served by this process, and Trueup installed for it in a folder."""

from __future__ import annotations

import os
import random
import re
import secrets
import socket
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from agent.simulators.connectwise import Site
from agent.simulators.microsoft import READ_LICENCES, MicrosoftSimulator, Tenant
from agent.simulators.wire import Server, SimClock, serve
from tests.acceptance.process import Daemon, Forking, Printed, run
from tests.acceptance.psa import GatedPsa, Line

APP = "11111111-1111-4111-8111-111111111111"
INTEGRATION = "22222222-2222-4222-8222-222222222222"
COMPANY, AGREEMENT = 250, 1021  # of the first company; the next have the next numbers
PRODUCTS = {"SPB": "M365-BP-M", "SPE_E3": "M365-E3-M"}  # by licence; each company bills both
SEATS = 10  # of each licence, bought and billed when the world begins
BEGAN = date(2025, 1, 1)

SETTINGS = """\
[agent]
timezone = "UTC"
currency = "USD"
mode = "{mode}"
state = "state"

[schedule]
every = "300d"
jitter = "0s"

[api]
listen = "127.0.0.1:{port}"

[microsoft]
client-id = "{app}"
client-secret = "file:secrets/graph"
tenant = "{partner}"
login-url = "{graph}"
graph-url = "{graph}"

[psa]
kind = "connectwise"

[psa.connectwise]
url = "{psa}"
company = "{company}"
public-key = "{public_key}"
private-key = "file:secrets/psa"
client-id = "{integration}"
settle = "1s"
rate = 60000

[guards]
recheck = "1s"
company-percent = 1000
raise-absolute = 1000

[log]
level = "debug"
"""


@dataclass(slots=True)
class Msp:
    """`canaries` are secrets that must stay where they are; `printed` is all that commands said so far."""

    folder: Path
    port: int
    graph: MicrosoftSimulator
    psa: GatedPsa
    graph_server: Server
    psa_server: Server
    canaries: dict[str, str]
    daemons: list[Daemon] = field(default_factory=list)
    printed: list[Printed] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "agent.toml"

    @property
    def token_file(self) -> Path:
        return self.folder / "state" / "api-token"

    @property
    def urls(self) -> dict[str, str]:
        return {"graph": self.graph_server.url, "psa": self.psa_server.url}

    @property
    def today(self) -> date:
        return self.psa.clock.today("UTC")

    def set(self, name: str, value: str) -> None:
        """Give a setting that is in agent.toml already, and has its name alone, another value."""
        text, found = re.subn(rf'^{name} = ".*"$', f'{name} = "{value}"', self.config.read_text(), flags=re.M)
        assert found == 1
        self.config.write_text(text)

    def write_secret(self, name: str, text: str) -> None:
        path = self.folder / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(f"{text}\n")

    def company_file(self, number: int = 0) -> Path:
        return self.folder / "mappings" / "companies" / f"{COMPANY + number}.toml"

    def tenant(self, number: int = 0) -> Tenant:
        return self.graph.tenants[tenant_id(number)]

    def trueup(self, *words: str) -> Printed:
        """Run the command to its end with this installation's configuration."""
        return self.trueup_at(self.config, *words)

    def trueup_at(self, config: Path, *words: str) -> Printed:
        done = run([*words, "--config", str(config)], self._environment(), self.folder)
        self.printed.append(done)
        return done

    def forking(self) -> Forking:
        """For many cycles that are to be killed."""
        return Forking(self.folder, self._environment())

    def start(self) -> Daemon:
        """A daemon that has said that it is ready."""
        daemon = Daemon(self.config, self.port, self.token_file, self._environment(), len(self.daemons))
        self.daemons.append(daemon)
        daemon.wait_ready()
        self.told.append(daemon.told())
        return daemon

    def started(self) -> Daemon:
        """A daemon whose first cycle is over."""
        daemon = self.start()
        daemon.idle()
        return daemon

    def said(self) -> str:
        """All that commands and daemons printed."""
        logs = (path.read_text() for path in self.folder.glob("*.log"))
        return "".join([*(p.out + p.err for p in self.printed), *logs])

    def close(self) -> None:
        """Kill what still runs, and stop serving."""
        for daemon in self.daemons:
            daemon.close()
        self.psa_server.close()

    def leaks(self) -> list[str]:
        """Where a secret lies that does not belong there: said, stored, or in what all users can see of a process."""
        places = {f"trueup {' '.join(p.words)}": p.out + p.err for p in self.printed}
        places |= {f"process {number}": told for number, told in enumerate(self.told)}
        places |= {path.name: _content(path) for path in self._files() if not _is_secret(path)}
        known = {**self.canaries, **self._tokens()}
        found = ((name, place) for place, text in places.items() for name, secret in known.items() if secret in text)
        return [f"{name} in {place}" for name, place in found]

    def _files(self) -> Iterator[Path]:
        return (path for path in self.folder.rglob("*") if path.is_file())

    def _tokens(self) -> dict[str, str]:
        """Of the local interface, and those that Microsoft gave out."""
        given = {e.request.headers.get("authorization", "").removeprefix("Bearer ") for e in self.graph.log}
        found = {f"Graph token {number}": token for number, token in enumerate(given - {""})}
        return found | {str(path): path.read_text().strip() for path in self._files() if path.name == "api-token"}

    def _environment(self) -> dict[str, str]:
        """No proxy and no setting of whoever runs the tests; and the program beside them, whatever is installed."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, "COLUMNS": "100", "PYTHONPATH": str(Path(__file__).parents[2])}


@contextmanager
def msp(folder: Path, companies: int = 1, mode: str = "auto") -> Iterator[Msp]:
    """Serve both sides, write the configuration; whatever was started is dead afterwards."""
    graph, psa, canaries = _world(companies)
    with serve(graph) as graph_server, serve(psa) as psa_server:
        made = Msp(folder, _free_port(), graph, psa, graph_server, psa_server, canaries)
        _write(made, companies, mode)
        try:
            yield made
        finally:
            made.close()


def two_more(day: date) -> list[Line]:
    """A company's lines when Business Premium has grown from 10 to 12 on the day: the base, and a difference up to
    the next invoice, because the month has been invoiced in advance."""
    difference = Line(PRODUCTS["SPB"], 2, day, next_month(day) - timedelta(days=1))
    bases = Line(PRODUCTS["SPB"], SEATS + 2, BEGAN, None), Line(PRODUCTS["SPE_E3"], SEATS, BEGAN, None)
    return sorted([difference, *bases], key=str)


def tenant_id(number: int) -> str:
    return f"4f1c0000-0000-4000-8000-{number + 1:012}"


def next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _world(companies: int) -> tuple[MicrosoftSimulator, GatedPsa, dict[str, str]]:
    """Each company is billed what its tenant bought."""
    now = datetime.now(UTC)
    canaries = {"Microsoft secret": f"canary-{secrets.token_hex(16)}", "PSA key": f"canary-{secrets.token_hex(16)}"}
    graph = MicrosoftSimulator(SimClock(now, time.monotonic))
    psa = GatedPsa(SimClock(now, time.monotonic), Site(client_id=INTEGRATION, private_key=canaries["PSA key"]))
    canaries["PSA login"] = psa.site.authorization.removeprefix("Basic ")
    graph.login.register(APP, secret=canaries["Microsoft secret"])
    for product, price in zip(PRODUCTS.values(), ("22.00", "36.00"), strict=True):
        psa.add_product(product, price=price, cost="17.60")
    for number in range(companies):
        _settle(graph, psa, number)
    partner = graph.add_tenant(tenant_id(99), "The MSP", ["msp.onmicrosoft.com"])
    partner.consent(APP, (*READ_LICENCES, "DelegatedAdminRelationship.Read.All", "Directory.Read.All"))
    for number in range(companies):
        partner.add_relationship(tenant_id(number), f"Company {number}")
    return graph, psa, canaries


def _settle(graph: MicrosoftSimulator, psa: GatedPsa, number: int) -> None:
    tenant = graph.add_tenant(tenant_id(number), f"Company {number}", [f"company{number}.onmicrosoft.com"])
    tenant.consent(APP, READ_LICENCES)
    psa.add_company(f"Company {number}", id=COMPANY + number)
    upcoming, agreement = next_month(psa.clock.today("UTC")), AGREEMENT + number
    psa.add_agreement(COMPANY + number, "Licences", id=agreement, bills_from=BEGAN, next_invoice=upcoming)
    for licence, product in PRODUCTS.items():
        tenant.add_subscription(licence, SEATS)
        psa.add_addition(agreement, product, SEATS, effective=BEGAN)


def _write(made: Msp, companies: int, mode: str) -> None:
    for name in ("secrets", "state", "mappings/companies"):
        (made.folder / name).mkdir(mode=0o700, parents=True)
    for name, canary in (("graph", "Microsoft secret"), ("psa", "PSA key")):
        made.write_secret(name, made.canaries[canary])
    site = {"company": made.psa.site.company, "public_key": made.psa.site.public_key}
    ids = {"app": APP, "integration": INTEGRATION, "partner": tenant_id(99)}
    made.config.write_text(SETTINGS.format(mode=mode, port=made.port, **site, **ids, **made.urls))
    profiles = (f'[{product.lower()}]\nproduct = "{product}"\n' for product in PRODUCTS.values())
    (made.folder / "mappings" / "profiles.toml").write_text("\n".join(profiles))
    (made.folder / "mappings" / "exclusions.toml").touch()
    for number in range(companies):
        made.company_file(number).write_text(_company(number))


def _company(number: int) -> str:
    head = f'company = {COMPANY + number}\nname = "Company {number}"\ntenant = "{tenant_id(number)}"\n'
    return head + "".join(
        f'\n[[row]]\nlicence = "{licence}"\nprofile = "{product.lower()}"\nagreement = {AGREEMENT + number}\n'
        "adopt = true\n"
        for licence, product in PRODUCTS.items()
    )


def _content(path: Path) -> str:
    """The bytes of a file; of an archive, as sheets are, those of what is packed in it."""
    if not zipfile.is_zipfile(path):
        return path.read_bytes().decode("latin-1")
    with zipfile.ZipFile(path) as archive:
        return "".join(archive.read(name).decode("latin-1") for name in archive.namelist())


def _is_secret(path: Path) -> bool:
    """Where secrets do belong."""
    return path.name == "api-token" or path.parent.name == "secrets"


def _free_port() -> int:
    """Below the range from which the kernel takes ports for connections, so that none of those comes in between."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
