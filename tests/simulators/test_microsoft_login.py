"""The simulated token endpoint: what it proves, how it refuses, and that msal itself is content with it."""

import base64
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from agent.simulators.microsoft import MicrosoftSimulator
from agent.simulators.microsoft.applications import ASSERTION_TYPE
from agent.simulators.microsoft.login import REFUSALS
from agent.simulators.wire import serve
from tests.simulators.msp import APP, CONTOSO, GRAPH, LOGIN, MARCH, SCOPE, Caller, simulator

SHA1 = hashes.SHA1()  # noqa: S303 - x5t is a name by definition, no protection
ENDPOINT = f"{LOGIN}/{CONTOSO}/oauth2/v2.0/token"


class Key:
    """A private key with a certificate of its own making, as an administrator uploads it."""

    def __init__(self) -> None:
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "trueup")])
        self.certificate = (
            x509.CertificateBuilder(name, name, self.private.public_key(), x509.random_serial_number())
            .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2028, 1, 1, tzinfo=UTC))
            .sign(self.private, hashes.SHA256())
        )

    @property
    def public_pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def private_pem(self) -> str:
        plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return self.private.private_bytes(serialization.Encoding.PEM, *plain).decode()

    def assertion(self, header: Mapping[str, str] | None = None, **claims: Any) -> str:
        """A good RS256 assertion for the simulator's clock; the arguments spoil it, None removes a claim."""
        thumbprint = base64.urlsafe_b64encode(self.certificate.fingerprint(SHA1))
        named = {"alg": "RS256", "typ": "JWT", "x5t": thumbprint.decode().rstrip("="), **(header or {})}
        now = int(MARCH.timestamp())
        usual = {"aud": ENDPOINT, "iss": APP, "sub": APP, "nbf": now, "exp": now + 600, "jti": secrets.token_hex(8)}
        kept = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        signed = f"{_segment(named)}.{_segment(kept)}"
        signature = self.private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def _segment(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.fixture(scope="module")
def key() -> Key:
    return Key()


@pytest.fixture
def world() -> MicrosoftSimulator:
    return simulator()


@pytest.fixture
def caller(world: MicrosoftSimulator) -> Caller:
    return Caller(world)


def proven(caller: Caller, assertion: str) -> requests.Response:
    return caller.sign_in(client_secret="", client_assertion_type=ASSERTION_TYPE, client_assertion=assertion)


def code(answer: requests.Response) -> int:
    (number,) = answer.json()["error_codes"]
    return int(number)


class TestTokens:
    def test_claims(self, world: MicrosoftSimulator, caller: Caller) -> None:
        """The token says for which tenant, app and roles it is good, and until when."""
        world.login.expires_in, world.login.refresh_in = 7200, 3600
        answer = caller.sign_in().json()
        middle = answer["access_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=="))

        assert (answer["expires_in"], answer["refresh_in"]) == (7200, 3600)
        assert (claims["tid"], claims["appid"]) == (CONTOSO, APP)
        assert claims["roles"] == ["Organization.Read.All", "User.Read.All"]
        assert claims["exp"] == MARCH.timestamp() + 7200

    def test_discovery(self, caller: Caller) -> None:
        """The document speaks of Microsoft's own address whatever it was read from: msal insists on https."""
        document = caller.session.get(f"{LOGIN}/contoso.com/v2.0/.well-known/openid-configuration").json()

        assert document["token_endpoint"] == f"{LOGIN}/contoso.com/oauth2/v2.0/token"
        assert document["issuer"] == f"{LOGIN}/{CONTOSO}/v2.0"

    @pytest.mark.parametrize("tenant", [CONTOSO, CONTOSO.upper(), "contoso.com", "Contoso.onmicrosoft.com"])
    def test_tenant_by_id_or_domain(self, world: MicrosoftSimulator, tenant: str) -> None:
        """A tenant is known by its id and by each of its domains, whatever the case."""
        assert Caller(world, tenant).sign_in().status_code == 200


class TestRefusals:
    @pytest.mark.parametrize(
        ("form", "status", "error", "number"),
        [
            ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
            ({"client_secret": ""}, 401, "invalid_client", 7000216),
            ({"client_id": "99999999-2222-4333-8444-555555555555"}, 400, "unauthorized_client", 700016),
            ({"scope": "User.Read.All"}, 400, "invalid_scope", 1002012),
            ({"scope": "https://vault.example/.default"}, 400, "invalid_resource", 500011),
            ({"scope": ""}, 400, "invalid_request", 900144),
            ({"grant_type": "refresh_token"}, 400, "unsupported_grant_type", 70003),
        ],
    )
    def test_requests(self, caller: Caller, form: dict[str, str], status: int, error: str, number: int) -> None:
        """invalid_client comes as 401, everything else as 400, each with its AADSTS number."""
        answer = caller.sign_in(**form)

        assert (answer.status_code, answer.json()["error"], code(answer)) == (status, error, number)
        assert answer.json()["error_description"].startswith(f"AADSTS{number}: ")

    @pytest.mark.parametrize(
        ("tenant", "number"), [("0a000000-0000-4000-8000-00000000dead", 90002), ("not-a-tenant", 900023)]
    )
    def test_unknown_tenant(self, world: MicrosoftSimulator, tenant: str, number: int) -> None:
        """Discovery refuses a tenant that is not there in the same words as the token endpoint."""
        caller = Caller(world, tenant)
        discovery = caller.session.get(f"{LOGIN}/{tenant}/v2.0/.well-known/openid-configuration")

        assert (discovery.status_code, code(discovery)) == (400, number)
        assert code(caller.sign_in()) == number

    def test_expired_secret(self, world: MicrosoftSimulator, caller: Caller) -> None:
        """A secret is good up to its expiry; a second one may take over before."""
        world.login.register(APP, secret="hush", secret_expires=MARCH + timedelta(days=1))
        world.login.register(APP, secret="new")
        assert caller.sign_in().status_code == 200
        world.clock.advance(days=1)

        assert code(caller.sign_in()) == 7000222
        assert caller.sign_in(client_secret="new").status_code == 200

    def test_no_consent(self, world: MicrosoftSimulator) -> None:
        """A tenant whose administrator never consented looks like 400 unauthorized_client, as if unknown."""
        world.add_tenant("0a000000-0000-4000-8000-000000000002", "Fabrikam", ["fabrikam.com"])

        answer = Caller(world, "fabrikam.com").sign_in()

        assert (answer.status_code, answer.json()["error"], code(answer)) == (400, "unauthorized_client", 700016)

    @pytest.mark.parametrize("number", REFUSALS)
    def test_refusals_on_demand(self, world: MicrosoftSimulator, caller: Caller, number: int) -> None:
        """Every refusal can be called up for a tenant, once; throttling tells how long to wait."""
        world.login.refuse(number, CONTOSO, times=1, seconds=60)
        refused, granted = caller.sign_in(), caller.sign_in()

        assert (refused.status_code, code(refused)) == (REFUSALS[number][0], number)
        assert refused.headers.get("retry-after") == ("60" if refused.status_code in (429, 503) else None)
        assert granted.status_code == 200


class TestAssertions:
    def test_signed_by_a_registered_certificate(self, world: MicrosoftSimulator, caller: Caller, key: Key) -> None:
        """The x5t names the certificate, whose key must have signed."""
        world.login.register(APP, certificate=key.public_pem)

        assert proven(caller, key.assertion()).status_code == 200

    def test_signed_by_another_key(self, world: MicrosoftSimulator, caller: Caller, key: Key) -> None:
        """Naming the registered certificate does not help who lacks its key; an unregistered one is refused."""
        world.login.register(APP, certificate=key.public_pem)
        other = Key()
        mine = base64.urlsafe_b64encode(key.certificate.fingerprint(SHA1)).decode().rstrip("=")

        assert code(proven(caller, other.assertion())) == 700027
        assert code(proven(caller, other.assertion({"x5t": mine}))) == 700027

    @pytest.mark.parametrize(
        ("claims", "number"),
        [
            ({"aud": f"{LOGIN}/fabrikam.com/oauth2/v2.0/token"}, 700023),
            ({"iss": "someone"}, 700021),
            ({"sub": "someone"}, 700021),
            ({"exp": None}, 700024),
            ({"exp": int(MARCH.timestamp()) - 301}, 700024),  # 5 minutes of skew are forgiven
            ({"nbf": int(MARCH.timestamp()) + 301}, 700024),
        ],
    )
    def test_claims(self, caller: Caller, key: Key, claims: dict[str, Any], number: int) -> None:
        """Audience, issuer, subject and times are checked even where no certificate is registered."""
        answer = proven(caller, key.assertion(**claims))

        assert (answer.status_code, code(answer)) == (401, number)

    @pytest.mark.parametrize("header", [{"alg": "none"}, {"x5t": ""}])
    def test_header(self, caller: Caller, key: Key, header: dict[str, str]) -> None:
        """An unsigned assertion, or one that names no certificate, proves nothing."""
        assert code(proven(caller, key.assertion(header))) == 700027

    def test_no_jwt(self, caller: Caller) -> None:
        """Something else than a JWT is a bad request, not a failed proof."""
        assert code(proven(caller, "not.a.jwt")) == 50027


class Rewriting(requests.Session):
    """Leads what msal sends to Microsoft to the simulator; msal accepts https authorities only."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = 5
        return super().request(method, str(url).replace(LOGIN, self.url), *args, **kwargs)


class TestMsal:
    @pytest.mark.parametrize("kind", ["secret", "SHA-256", "SHA-1"])
    def test_msal_gets_a_token(self, world: MicrosoftSimulator, key: Key, kind: str) -> None:
        """With a secret, with PS256 and x5t#S256, with RS256 and x5t: over sockets, against the wall clock."""
        world.clock.set(datetime.now(UTC))
        world.login.register(APP, certificate=key.public_pem)
        thumbprint = key.certificate.fingerprint(SHA1).hex()
        credentials: dict[str, Any] = {
            "secret": "hush",
            "SHA-256": {"private_key": key.private_pem, "public_certificate": key.public_pem},
            "SHA-1": {"private_key": key.private_pem, "thumbprint": thumbprint},
        }
        with serve(world) as server, Rewriting(server.url) as session:
            app = msal.ConfidentialClientApplication(
                APP,
                client_credential=credentials[kind],
                authority=f"{LOGIN}/{CONTOSO}",
                http_client=session,
            )
            result = app.acquire_token_for_client([SCOPE])
            fields = {"Authorization": f"Bearer {result['access_token']}"}
            answer = session.get(f"{server.url}/v1.0/subscribedSkus", headers=fields)

        assert (answer.status_code, len(answer.json()["value"])) == (200, 2)

    def test_msal_reports_refusals_as_values(self, world: MicrosoftSimulator) -> None:
        """A 4xx of the token endpoint is a dict to msal, with the error to act upon."""
        with serve(world) as server, Rewriting(server.url) as session:
            app = msal.ConfidentialClientApplication(
                APP, client_credential="wrong", authority=f"{LOGIN}/{CONTOSO}", http_client=session
            )
            result = app.acquire_token_for_client([f"{GRAPH}/.default"])

        assert (result["error"], result["error_codes"]) == ("invalid_client", [7000215])
