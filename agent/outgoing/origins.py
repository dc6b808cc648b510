"""Which addresses may be talked to, by which way, and whose certificates count."""

from __future__ import annotations

import os
import re
from urllib.parse import SplitResult, urlsplit

import requests

from agent.errors import Unreachable
from agent.loopback import is_loopback

# What may stand between "//" and the path. Two parsers read an address on its way out (urllib's and urllib3's);
# without user names, backslashes and blanks they cannot disagree about the host.
_AUTHORITY = re.compile(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


def split(url: str) -> SplitResult:
    parts = urlsplit(url)
    if not _AUTHORITY.fullmatch(parts.netloc) or re.search(r"[\s\\\x00-\x1f]", url):
        raise ValueError("not an address that all parsers read alike")
    return parts


def origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def checked_base(url: str) -> SplitResult:
    parts = split(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError(f"{url} is neither https nor http to this machine itself")
    return parts


def proxies(url: str, base: SplitResult, proxy: str | None) -> dict[str, str]:
    if is_loopback(base.hostname):
        return {}
    if proxy:
        return {"https": proxy}
    return {
        scheme: found for scheme, found in requests.utils.get_environ_proxies(url).items() if scheme in ("https", "all")
    }


def trusted(ca_file: str | os.PathLike[str] | None) -> str | bool:
    """The CA file to verify against, or True for the public ones. There is no way to verify nothing."""
    named = ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if not named:
        return True
    if not os.path.exists(named):
        raise Unreachable(f"The CA file {os.fspath(named)} does not exist.", "Correct its path, or leave it out.")
    return os.fspath(named)
