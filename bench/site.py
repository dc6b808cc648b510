"""A real installation for a simulated fleet: agent.toml, secrets and mapping files in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.simulators import huntress
from bench.fleet import APP, CLIENT, SECRET


def write(folder: Path, fleet: dict[str, Any], workers: int, listen: str = "127.0.0.1:0") -> Path:
    secrets = (("graph-secret", SECRET), ("psa-key", fleet["keys"]["private"]), ("huntress-secret", huntress.SECRET))
    for name, text in secrets:
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    (folder / "state").mkdir(mode=0o700)
    companies = folder / "mappings" / "companies"
    companies.mkdir(parents=True)
    products = sorted({row["product"] for company in fleet["companies"] for row in company["rows"]})
    profiles = "".join(f'[{product.lower()}]\nproduct = "{product}"\n\n' for product in products)
    (folder / "mappings" / "profiles.toml").write_text(profiles)
    (folder / "mappings" / "exclusions.toml").write_text("")
    for company in fleet["companies"]:
        (companies / f"{company['company']:04}.toml").write_text(_company(company))
    config = folder / "agent.toml"
    config.write_text(_settings(fleet, workers, listen))
    return config


def _company(company: dict[str, Any]) -> str:
    head = f'company = {company["company"]}\nname = "{company["name"]}"\ntenant = "{company["tenant"]}"\n'
    if "organization" in company:
        head += f'sources = {{ huntress = "{company["organization"]}" }}\n'
    rows = [
        f'\n[[row]]\nlicence = "{row["licence"]}"\nprofile = "{row["product"].lower()}"\n'
        f"agreement = {row['agreement']}\nadopt = true\n"
        for row in company["rows"]
    ]
    return head + "".join(rows)


def _settings(fleet: dict[str, Any], workers: int, listen: str) -> str:
    keys = fleet["keys"]
    return f"""
[agent]
timezone = "Europe/London"
currency = "USD"
mode = "auto"
state = "state"
workers = {workers}

[schedule]
every = "1h"
jitter = "0s"

[api]
listen = "{listen}"

[microsoft]
client-id = "{APP}"
client-secret = "file:graph-secret"
login-url = "{fleet["graph"]}"
graph-url = "{fleet["graph"]}"

[psa]
kind = "connectwise"

[psa.connectwise]
url = "{fleet["psa"]}"
company = "{keys["company"]}"
public-key = "{keys["public"]}"
private-key = "file:psa-key"
client-id = "{CLIENT}"
rate = 60000

[log]
level = "error"
{_huntress(fleet)}"""


def _huntress(fleet: dict[str, Any]) -> str:
    if "huntress" not in fleet:
        return ""
    return f"""
[sources.huntress]
kind = "huntress"
key = "{huntress.KEY}"
secret = "file:huntress-secret"
url = "{fleet["huntress"]}"
rate = {fleet["rate"]}
"""
