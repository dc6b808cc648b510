"""App registrations: what an app can prove itself with, and whether a proof holds."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from agent.simulators.microsoft import tokens

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Rejected(Exception):
    """A proof does not hold; `code` is the number behind AADSTS."""

    def __init__(self, code: int) -> None:
        super().__init__(f"AADSTS{code}")
        self.code = code


@dataclass(slots=True)
class Application:
    """`secrets` maps each secret to its expiry. Without `certificates` an assertion's signature is not checked."""

    id: str
    secrets: dict[str, datetime | None] = field(default_factory=dict)
    certificates: dict[str, x509.Certificate] = field(default_factory=dict)

    def add_certificate(self, pem: str) -> None:
        """Known by both thumbprints: x5t is SHA-1 over the DER, x5t#S256 is SHA-256."""
        certificate = x509.load_pem_x509_certificate(pem.encode())
        for digest in (hashes.SHA1(), hashes.SHA256()):  # noqa: S303 - a name, not a protection
            print_ = base64.urlsafe_b64encode(certificate.fingerprint(digest)).decode().rstrip("=")
            self.certificates[print_] = certificate

    def check_secret(self, secret: str, now: datetime) -> None:
        if secret not in self.secrets:
            raise Rejected(7000215)
        expiry = self.secrets[secret]
        if expiry is not None and expiry <= now:
            raise Rejected(7000222)

    def check_assertion(self, assertion: str, audiences: frozenset[str], now: datetime, skew: timedelta) -> None:
        """A JWT by which the app names itself to the token endpoint, fresh, signed by a known certificate."""
        try:
            header, claims, signature = tokens.segments(assertion)
        except ValueError as error:
            raise Rejected(50027) from error
        if claims.get("aud") not in audiences:
            raise Rejected(700023)
        if (claims.get("iss"), claims.get("sub")) != (self.id, self.id):
            raise Rejected(700021)
        _check_times(claims, now, skew)
        # msal leaves the padding on the thumbprint, and writes times with fractions of a second.
        thumbprint = str(header.get("x5t#S256") or header.get("x5t") or "").rstrip("=")
        if not thumbprint or header.get("alg") not in ("RS256", "PS256"):
            raise Rejected(700027)
        if self.certificates:
            self._check_signature(thumbprint, header["alg"], assertion.rpartition(".")[0], signature)

    def _check_signature(self, thumbprint: str, algorithm: str, signed: str, signature: bytes) -> None:
        certificate = self.certificates.get(thumbprint)
        if certificate is None:
            raise Rejected(700027)
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise Rejected(700027)
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        try:
            key.verify(
                signature,
                signed.encode(),
                pss if algorithm == "PS256" else padding.PKCS1v15(),
                hashes.SHA256(),
            )
        except InvalidSignature as error:
            raise Rejected(700027) from error


def _check_times(claims: dict[str, Any], now: datetime, skew: timedelta) -> None:
    moment, leeway = now.timestamp(), skew.total_seconds()
    begins, ends = claims.get("nbf", claims.get("iat", moment)), claims.get("exp")
    if not isinstance(begins, int | float) or not isinstance(ends, int | float):
        raise Rejected(700024)
    if not begins - leeway <= moment <= ends + leeway:
        raise Rejected(700024)
