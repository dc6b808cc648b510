"""What the invented MSP has on its disk: agent.toml, secrets and mapping files, commented as people would."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from agent.errors import TrueupError
from agent.simulators.companies import CURRENCY, MSP, MSP_TENANT, ZONE
from agent.simulators.connectwise import Site

MAPPINGS = Path(__file__).parent / "brasswren"
_MARK = ".simulated"  # says that a folder may be thrown away

_SETTINGS = """\
# Trueup at {msp}, which is invented. All services are simulators on this machine; with a real site the three
# addresses of Microsoft go away and psa.connectwise.url names the site. Everything else stays as it is.

[agent]
timezone = "{zone}"
currency = "{currency}"
mode     = "review"                   # every change waits for a person, unless a company's file says otherwise
state    = "state"
mappings = "mappings"

[schedule]
every  = "1h"
jitter = "0s"

[api]
listen = "{listen}"

[microsoft]
client-id   = "{app}"
certificate = "file:secrets/graph-key.pem"
tenant      = "{tenant}"
login-url   = "{microsoft}"
graph-url   = "{microsoft}"

[microsoft.partner-center]            # Brasswren sells directly, so it can be asked for terms
every = "24h"
url   = "{microsoft}"

[psa]
kind = "connectwise"

[psa.connectwise]
url         = "{connectwise}"
company     = "{company}"
public-key  = "{public_key}"
private-key = "file:secrets/psa-private-key"
client-id   = "{integration}"
member      = "{member}"
settle      = "2s"                    # short, so that nobody waits in a demonstration; the default is 300s

[guards]
recheck = "2s"                        # likewise; the default is 60s
"""


class FolderTaken(TrueupError):
    """The folder belongs to somebody, perhaps to a real agent."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the simulators answer (URLs), and where the agent shall (host:port)."""

    microsoft: str
    connectwise: str
    agent: str


def key_pair(now: datetime) -> tuple[str, str]:
    """A private key and a certificate for it, both PEM, good for two years; made as an administrator makes them."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Trueup at {MSP}")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=730))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


def write(folder: Path, addresses: Addresses, site: Site, pem: str, app: str) -> Path:
    """Write everything into `folder`, which must be new, empty or from an earlier time; raises `FolderTaken`.

    Nothing of an earlier time is kept: the world begins anew, so an agent would remember lines that are gone.
    """
    _claim(folder)
    shutil.copytree(MAPPINGS, folder / "mappings")
    for private in ("secrets", "state"):
        (folder / private).mkdir(mode=0o700)
    _secret(folder / "secrets" / "graph-key.pem", pem)
    _secret(folder / "secrets" / "psa-private-key", site.private_key + "\n")
    settings = folder / "agent.toml"
    settings.write_text(_settings(addresses, site, app), encoding="utf-8")
    return settings


def _claim(folder: Path) -> None:
    if (folder / _MARK).exists():
        shutil.rmtree(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = f"{folder} holds something else than a simulated configuration, which would be overwritten"
        raise FolderTaken(what, "Name a new or empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()


def _settings(addresses: Addresses, site: Site, app: str) -> str:
    return _SETTINGS.format(
        msp=MSP,
        zone=ZONE,
        currency=CURRENCY,
        listen=addresses.agent,
        app=app,
        tenant=MSP_TENANT,
        microsoft=addresses.microsoft,
        connectwise=addresses.connectwise,
        company=site.company,
        public_key=site.public_key,
        integration=site.client_id,
        member=site.member,
    )


def _secret(path: Path, text: str) -> None:
    """Private from the first byte on: a mode set afterwards would come too late."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
