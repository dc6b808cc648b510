"""How one ConnectWise PSA site is set up: its names, its keys, and the manners in which sites differ."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field

ROUTER = "v4_6_release/"


@dataclass(slots=True)
class Site:
    """`company` is the login name. `client_id` None accepts any. `zone` is where its dates are."""

    company: str = "evergreen"
    public_key: str = "publickey"
    private_key: str = "privatekey"
    client_id: str | None = None
    member: str = "TrueupAPI"
    zone: str = "UTC"
    version: str = "2026.4"
    codebase: str = "v2026_4/"
    routes_old_path: bool = True  # v4_6_release leads to the present codebase
    hides_behind_404: bool = False  # cloud: wrong keys look like a wrong path (reference 2.1)
    info_is_open: bool = True  # /system/info answers without keys
    requests_per_minute: int | None = None
    wants_custom_fields: bool = False  # a PATCH that leaves customFields out is refused (reference 4.2)
    # (method, part of the path) that the member's role lacks; every published minimal role lacks delete.
    forbidden: set[tuple[str, str]] = field(default_factory=lambda: {("DELETE", "/additions/")})

    @property
    def authorization(self) -> str:
        keys = f"{self.company}+{self.public_key}:{self.private_key}"
        return "Basic " + b64encode(keys.encode()).decode()

    @property
    def codebases(self) -> tuple[str, ...]:
        return (self.codebase, ROUTER) if self.routes_old_path else (self.codebase,)

    def forbids(self, method: str, path: str) -> bool:
        return any(method == verb and part in path for verb, part in self.forbidden)
