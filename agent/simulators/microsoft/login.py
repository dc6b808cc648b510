"""login.microsoftonline.com: discovery and the token endpoint for client_credentials."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from agent.simulators.faults import Fault, Kind
from agent.simulators.microsoft import tokens
from agent.simulators.microsoft.applications import ASSERTION_TYPE, Application, Rejected
from agent.simulators.microsoft.catalogue import is_guid
from agent.simulators.microsoft.tenant import Tenant
from agent.simulators.wire import Request, Response, SimClock, json_response

_DISCOVERY = re.compile(r"/([^/]+)/v2\.0/\.well-known/openid-configuration")
_TOKEN = re.compile(r"/([^/]+)/oauth2/v2\.0/token")
_INSTANCE = "/common/discovery/instance"

# number behind AADSTS: status, OAuth error, sentence (Microsoft: reference 6.4). invalid_client comes as 401,
# the others as 400; 90055 and 90033 stand for the transient ones.
REFUSALS: Mapping[int, tuple[int, str, str]] = {
    50027: (400, "invalid_request", "JWT token is invalid or malformed."),
    50196: (400, "invalid_grant", "The server terminated an operation because it encountered a request loop."),
    53003: (400, "access_denied", "Access has been blocked by Conditional Access policies."),
    65001: (400, "invalid_grant", "The administrator has not consented to use the application."),
    70003: (400, "unsupported_grant_type", "The app requested an unsupported grant type."),
    90002: (400, "invalid_request", "Tenant '{tenant}' not found."),
    90033: (400, "temporarily_unavailable", "A transient error has occurred. Please try again."),
    90055: (429, "temporarily_unavailable", "The tenant is throttled: too many incoming requests."),
    500011: (400, "invalid_resource", "The resource principal was not found in the tenant '{tenant}'."),
    650052: (400, "unauthorized_client", "The organization lacks a service principal for the service."),
    700016: (400, "unauthorized_client", "Application '{app}' was not found in the directory '{tenant}'."),
    700021: (401, "invalid_client", "The assertion's application identifier is not the client_id."),
    700023: (401, "invalid_client", "The assertion's audience is not this token endpoint."),
    700024: (401, "invalid_client", "The assertion is not within its valid time range."),
    700027: (401, "invalid_client", "The certificate or the signature of the assertion is not accepted."),
    900023: (400, "invalid_request", "'{tenant}' is neither a tenant id nor a domain name."),
    900144: (400, "invalid_request", "The request body must contain client_id, grant_type and scope."),
    1002012: (400, "invalid_scope", "The scope must be one resource followed by /.default."),
    7000112: (400, "unauthorized_client", "Application '{app}' is disabled."),
    7000215: (401, "invalid_client", "Invalid client secret provided."),
    7000216: (401, "invalid_client", "A client_secret or client_assertion is required."),
    7000222: (401, "invalid_client", "The provided client secret keys for app '{app}' are expired."),
}
_NO_CODE = 90033


@dataclass(slots=True)
class _Standing:
    code: int
    tenant: str | None
    times: int | None
    seconds: int


class Login:
    """Tokens last `expires_in` seconds; `refresh_in` is told only where it is set. The discovery document speaks
    of `url`, whatever address it was read from, because msal insists on https there."""

    def __init__(self, tenants: Mapping[str, Tenant], clock: SimClock, url: str) -> None:
        self.applications: dict[str, Application] = {}
        self.url = url
        self.expires_in = 3599
        self.refresh_in: int | None = None
        self.skew = timedelta(minutes=5)  # how far an assertion's clock may be off
        self._tenants = tenants
        self._clock = clock
        self._standing: list[_Standing] = []
        self._numbers = itertools.count(1)

    def register(
        self,
        app: str,
        *,
        secret: str | None = None,
        secret_expires: datetime | None = None,
        certificate: str | None = None,
    ) -> Application:
        """Make the app known, or give it a further secret or certificate (PEM)."""
        registered = self.applications.setdefault(app, Application(app))
        if secret is not None:
            registered.secrets[secret] = secret_expires
        if certificate is not None:
            registered.add_certificate(certificate)
        return registered

    def refuse(self, code: int, tenant: str | None = None, *, times: int | None = None, seconds: int = 30) -> None:
        """Answer with AADSTS`code`, one tenant or all, `times` or for ever. `seconds` is the Retry-After of 429."""
        if code not in REFUSALS:
            raise LookupError(f"AADSTS{code} is not simulated; there are {sorted(REFUSALS)}")
        self._standing.append(_Standing(code, tenant, times, seconds))

    def relent(self) -> None:
        self._standing.clear()

    def concerns(self, path: str) -> bool:
        return path == _INSTANCE or bool(_DISCOVERY.fullmatch(path) or _TOKEN.fullmatch(path))

    def answer(self, request: Request) -> Response:
        named = request.path.split("/")[1]
        if request.path == _INSTANCE:
            return self._instance()
        try:
            if _DISCOVERY.fullmatch(request.path):
                return self._discovery(named, self._tenant(named))
            return self._token(request, named)
        except Rejected as rejected:
            return self._rejection(rejected.code, request, named)

    def error(self, request: Request, fault: Fault) -> Response:
        """The body of a fault of the wire, as the token endpoint would word it."""
        named = request.path.split("/")[1]
        if fault.kind in (Kind.TOO_MANY, Kind.TOO_MANY_BARE):
            seconds = int(fault.seconds) if fault.kind is Kind.TOO_MANY else None
            return self._rejection(90055, request, named, seconds=seconds)
        timed_out = fault.kind in (Kind.SERVER_TIMEOUT, Kind.SERVER_TIMEOUT_AFTER)
        return self._rejection(_NO_CODE, request, named, status=504 if timed_out else fault.status)

    def _discovery(self, named: str, tenant: Tenant) -> Response:
        base = f"{self.url}/{named}"
        return json_response(
            200,
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "issuer": f"{self.url}/{tenant.id}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "msgraph_host": "graph.microsoft.com",
            },
        )

    def _instance(self) -> Response:
        """The names of this cloud. msal asks for them once a token has been refused, whatever it was told about
        the authority, and raises where nobody answers."""
        host = self.url.removeprefix("https://")
        aliases = [host, "login.windows.net", "login.microsoft.com", "sts.windows.net"]
        cloud = {"preferred_network": host, "preferred_cache": "login.windows.net", "aliases": aliases}
        discovery = f"{self.url}/common/v2.0/.well-known/openid-configuration"
        body = {"tenant_discovery_endpoint": discovery, "api-version": "1.1", "metadata": [cloud]}
        return json_response(200, body)

    def _token(self, request: Request, named: str) -> Response:
        tenant = self._tenant(named)
        if standing := self._due(tenant):
            return self._rejection(standing.code, request, named, seconds=standing.seconds)
        form = _form(request)
        if not {"client_id", "grant_type", "scope"} <= form.keys():
            raise Rejected(900144)
        if form["grant_type"] != "client_credentials":
            raise Rejected(70003)
        app = self._proven(form, request, named)
        return json_response(200, self._issue(app, tenant, _resource(form["scope"], request)))

    def _proven(self, form: Mapping[str, str], request: Request, named: str) -> Application:
        app = self.applications.get(form["client_id"])
        if app is None:
            raise Rejected(700016)
        if "client_secret" in form:
            app.check_secret(form["client_secret"], self._clock.now())
        elif form.get("client_assertion_type") == ASSERTION_TYPE:
            ours = frozenset(f"{base}/{named}/oauth2/v2.0/token" for base in (self.url, request.origin))
            app.check_assertion(form.get("client_assertion", ""), ours, self._clock.now(), self.skew)
        else:
            raise Rejected(7000216)
        return app

    def _issue(self, app: Application, tenant: Tenant, resource: str) -> dict[str, object]:
        roles = tenant.consents.get(app.id)
        if roles is None:
            raise Rejected(700016)
        now = int(self._clock.now().timestamp())
        claims = {
            "aud": resource,
            "iss": f"https://sts.windows.net/{tenant.id}/",
            "iat": now,
            "nbf": now,
            "exp": now + self.expires_in,
            "appid": app.id,
            "idtyp": "app",
            "roles": sorted(roles),
            "tid": tenant.id,
            "uti": f"{next(self._numbers):x}",
            "ver": "1.0",
        }
        times = {"expires_in": self.expires_in, "ext_expires_in": self.expires_in}
        early = {} if self.refresh_in is None else {"refresh_in": self.refresh_in}
        return {"token_type": "Bearer", **times, **early, "access_token": tokens.write(claims)}

    def _tenant(self, named: str) -> Tenant:
        """By id or by one of its domains."""
        if not is_guid(named) and "." not in named:
            raise Rejected(900023)
        wanted = named.lower()
        if wanted in self._tenants:
            return self._tenants[wanted]
        for tenant in self._tenants.values():
            if wanted in tenant.holdings.domains:
                return tenant
        raise Rejected(90002)

    def _due(self, tenant: Tenant) -> _Standing | None:
        for standing in self._standing:
            if standing.tenant in (None, tenant.id):
                if standing.times is not None:
                    standing.times -= 1
                    if standing.times <= 0:
                        self._standing.remove(standing)
                return standing
        return None

    def _rejection(
        self, code: int, request: Request, named: str, *, status: int | None = None, seconds: int | None = None
    ) -> Response:
        """The OAuth error body. Callers may act on `error`; the numbers may change (Microsoft: reference 6.4)."""
        usual, error, sentence = REFUSALS[code]
        sentence = sentence.format(tenant=named, app=_form(request).get("client_id", ""))
        trace = f"5eed0000-0000-4000-8000-{next(self._numbers):012x}"
        correlation = request.headers.get("client-request-id", trace)
        at = f"{self._clock.now():%Y-%m-%d %H:%M:%SZ}"
        body = {
            "error": error,
            "error_description": f"AADSTS{code}: {sentence} Trace ID: {trace} Correlation ID: {correlation} "
            f"Timestamp: {at}",
            "error_codes": [code],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"{self.url}/error?code={code}",
        }
        status = usual if status is None else status
        wait = {"retry_after": str(seconds)} if seconds is not None and status in (429, 503) else {}
        return json_response(status, body, **wait)


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))


def _resource(scope: str, request: Request) -> str:
    """The API that the token is for: Graph of some cloud, Partner Center, or this very server under its own address."""
    resource, default, rest = scope.partition("/.default")
    if not default or rest:
        raise Rejected(1002012)
    if resource not in {*tokens.GRAPHS, tokens.PARTNER_CENTER, request.origin}:
        raise Rejected(500011)
    return resource
