"""What the app registration proves itself with: a certificate, or a secret.

Microsoft's token library would load and check the key of a certificate anew for every tenant, 29 ms of CPU each
(libraries and performance, finding 6). Here it is loaded once and signs the proofs for all tenants.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from agent.domain.findings import Code, Finding, Severity
from agent.errors import CredentialsRejected

LIFETIME = 600  # seconds that an assertion is good for
_WARN_DAYS = ((3, Severity.ERROR), (14, Severity.WARNING), (30, Severity.INFO))

_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
_REMEDY = "Store one PEM text with the RSA private key and its certificate, the one uploaded to the app registration."


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """`ends` is its last day, as far as somebody told us."""

    text: Callable[[], str]
    ends: date | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """`pem` gives the RSA key and its certificate in one text; `passphrase` where the key is encrypted."""

    pem: Callable[[], str]
    passphrase: Callable[[], str] | None = None


Credential = Certificate | ClientSecret


class Signer:
    """A key and its certificate, loaded; raises `CredentialsRejected` for what Microsoft could not accept."""

    def __init__(self, client_id: str, credential: Certificate) -> None:
        pem = credential.pem().encode()
        passphrase = credential.passphrase().encode() if credential.passphrase else None
        self._client_id = client_id
        self._key = _private_key(pem, passphrase)
        certificate = _certificate(pem, self._key)
        self.expires: datetime = certificate.not_valid_after_utc
        thumbprint = _base64url(certificate.fingerprint(hashes.SHA256()))
        self._header = _segment({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint})

    def assertion(self, audience: str, now: datetime) -> str:
        """A signed statement to the token endpoint `audience` that the app is who it says it is."""
        seconds = int(now.timestamp())
        claims = {
            "aud": audience,
            "iss": self._client_id,
            "sub": self._client_id,
            "jti": str(uuid.uuid4()),
            "nbf": seconds,
            "exp": seconds + LIFETIME,
        }
        signed = f"{self._header}.{_segment(claims)}"
        return f"{signed}.{_base64url(self._key.sign(signed.encode(), _PSS, hashes.SHA256()))}"


def expiring(credential: str, expires: datetime, now: datetime) -> Iterator[Finding]:
    """A finding in the last 30, 14 and 3 days of a certificate or client secret, ever more severe."""
    left = (expires - now).days
    severity = next((severity for days, severity in _WARN_DAYS if left < days), None)
    if severity:
        yield Finding(
            Code.CREDENTIAL_EXPIRING,
            severity,
            None,
            f"microsoft/{credential.replace(' ', '-')}",
            f"the {credential} for Microsoft {'expired' if left < 0 else 'expires'} on {expires:%d %B %Y}, "
            "and without it no tenant can be read",
            f"Make a new {credential} in the app registration, and store it where agent.toml says.",
        )


def last_moment(day: date) -> datetime:
    return datetime.combine(day, time.max, UTC)


def _private_key(pem: bytes, passphrase: bytes | None) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, passphrase)
    except TypeError:
        state = (
            "encrypted, but no passphrase is set" if passphrase is None else "not encrypted, but a passphrase is set"
        )
        raise CredentialsRejected(f"The private key of the certificate is {state}.", _REMEDY) from None
    except ValueError:
        raise CredentialsRejected("The private key of the certificate cannot be read.", _REMEDY) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CredentialsRejected("The private key of the certificate is no RSA key.", _REMEDY)
    return key


def _certificate(pem: bytes, key: rsa.RSAPrivateKey) -> x509.Certificate:
    """The certificate of this very key; the text may hold its chain as well."""
    try:
        held = x509.load_pem_x509_certificates(pem)
    except ValueError:
        held = []
    own = next((certificate for certificate in held if certificate.public_key() == key.public_key()), None)
    if own is None:
        raise CredentialsRejected("There is no certificate beside the private key that belongs to it.", _REMEDY)
    return own


def _segment(values: Mapping[str, object]) -> str:
    return _base64url(json.dumps(values, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
