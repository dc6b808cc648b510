"""Microsoft's clouds: which login issues tokens for which Graph (Microsoft: reference 5.3)."""

from __future__ import annotations

from urllib.parse import urlsplit

from agent.errors import CredentialsRejected
from agent.loopback import is_loopback

GLOBAL_LOGIN = "https://login.microsoftonline.com"
GLOBAL_GRAPH = "https://graph.microsoft.com"

# Graph's host to the login's host.
CLOUDS = {
    "graph.microsoft.com": "login.microsoftonline.com",
    "graph.microsoft.us": "login.microsoftonline.us",
    "dod-graph.microsoft.us": "login.microsoftonline.us",
    "microsoftgraph.chinacloudapi.cn": "login.partner.microsoftonline.cn",
}


def check_pair(login_url: str, graph_url: str) -> None:
    """Raises `CredentialsRejected` where tokens of that login are worthless at that Graph."""
    login, graph = urlsplit(login_url).hostname, urlsplit(graph_url).hostname or ""
    if graph in CLOUDS and login in CLOUDS.values() and CLOUDS[graph] != login:
        raise CredentialsRejected(
            f"Tokens of {login} are not accepted at {graph}: they belong to different Microsoft clouds.",
            f"Use https://{CLOUDS[graph]} with https://{graph}, or name the cloud instead of both addresses.",
        )


def scope(graph_url: str) -> str:
    """What to ask a token for: everything that was consented to, at the cloud's own Graph."""
    return f"{GLOBAL_GRAPH if is_loopback(urlsplit(graph_url).hostname) else graph_url}/.default"


def authority(login_url: str) -> str:
    """The address that msal is told. It refuses plain http, so a login on this machine passes for the global one."""
    return GLOBAL_LOGIN if login_url.startswith("http://") else login_url
