"""A token goes to one origin and to no other, whatever a vendor's link says."""

from urllib.parse import urlparse

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import Incomplete
from agent.outgoing import Outgoing

GRAPH = Outgoing(base_url="https://graph.microsoft.com/v1.0/")


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.microsoft.com/v1.0/users?$skiptoken=abc",
        "https://graph.microsoft.com:443/v1.0/users",
        "https://GRAPH.microsoft.com/beta/users",
    ],
)
def test_link_to_the_same_origin_is_followed_as_it_is(link: str) -> None:
    """Case and the standard port do not make another origin; the link is not rewritten."""
    assert GRAPH.same_origin(link) == link


def test_path_is_added_to_the_base() -> None:
    """A path begins below the version of the API, and two slashes do not make it a host."""
    assert GRAPH.same_origin("//evil.example") == "https://graph.microsoft.com/v1.0//evil.example"
    assert GRAPH.same_origin("/users") == "https://graph.microsoft.com/v1.0/users"


@pytest.mark.parametrize(
    "link",
    [
        "http://graph.microsoft.com/v1.0/users",
        "https://graph.microsoft.com:8443/users",
        "https://graph.microsoft.com.evil.example/users",
        "https://graph.microsoft.com@evil.example/users",
        "https://user@graph.microsoft.com/users",
        "https://evil.example\\@graph.microsoft.com/users",
        "https://graph.microsoft.com\\.evil.example/users",
        "https://graph.microsoft.com\t.evil.example/users",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "@evil.example",
        ".evil.example/users",
        "users",
        "",
    ],
)
def test_link_elsewhere_is_refused(link: str) -> None:
    """Another scheme, port or host, and every spelling on which parsers might disagree."""
    with pytest.raises(Incomplete, match="not followed"):
        GRAPH.same_origin(link)


@given(st.text(max_size=40))
def test_no_text_leads_elsewhere(text: str) -> None:
    """Whatever follows the scheme: either it is our host by requests' own reading, or it is refused."""
    for link in (f"https://{text}", f"https://graph.microsoft.com{text}"):
        try:
            url = GRAPH.same_origin(link)
        except Incomplete:
            continue
        assert _host_on_the_wire(url) == "graph.microsoft.com"


def _host_on_the_wire(url: str) -> str | None:
    return urlparse(requests.Request("GET", url).prepare().url).hostname


@pytest.mark.parametrize(
    "base", ["http://psa.example", "ftp://psa.example", "https://a@b", "psa.example", "http://10.0.0.1"]
)
def test_only_https_leaves_this_machine(base: str) -> None:
    """Plain http is for loopback addresses alone."""
    with pytest.raises(ValueError, match=r"nor http|parsers"):
        Outgoing(base_url=base)


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:9"])
def test_plain_http_to_loopback(base: str) -> None:
    """The simulators are reached without TLS, and never through a proxy."""
    assert Outgoing(base_url=base, proxy="http://proxy.example").same_origin("/x") == f"{base}/x"
