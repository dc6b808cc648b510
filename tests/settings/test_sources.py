"""The tables [sources.NAME] of agent.toml."""

from pathlib import Path

import pytest

from agent.settings import Settings, SettingsInvalid, load

MINIMAL = (Path(__file__).parent / "minimal.toml").read_text()


def settings(folder: Path, text: str) -> Settings:
    path = folder / "agent.toml"
    path.write_text(f"{MINIMAL}\n{text}")
    return load(path)


def told(folder: Path, text: str) -> str:
    with pytest.raises(SettingsInvalid) as refused:
        settings(folder, text)
    return str(refused.value).replace(str(folder / "agent.toml"), "")


def test_source_has_a_name_of_its_own(tmp_path: Path) -> None:
    """Two of one kind may stand side by side; all but the credential has a default."""
    two = '[sources.pax8]\nkind = "pax8"\nclient-id = "a"\nclient-secret = "env:A"\n'
    found = settings(tmp_path, two + two.replace("sources.pax8", "sources.pax8-west")).sources

    assert list(found) == ["pax8", "pax8-west"]
    assert found["pax8"].url == "https://api.pax8.com"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[sources.pax8]\nkind = "pax9"\n', 'sources.pax8: is of a kind that is not known. Write kind = "pax8"'),
        ('[sources.pax8]\nclient-id = "a"\n', "sources.pax8: has no kind"),
        ('[sources.pax8]\nkind = "pax8"\nclient-secret = "hush"\n', "never be the secret itself"),
        ('[sources.pax8]\nkind = "pax8"\nclientid = "a"\n', 'Did you mean "client-id"?'),
        ('[sources.pax8]\nkind = "pax8"\nurl = "http://api.pax8.com"\n', "would send our keys in the clear"),
        ('[sources.Pax8]\nkind = "pax8"\n', "sources.Pax8: is no name for a source"),
        ('[sources.microsoft]\nkind = "pax8"\n', "microsoft has its own section"),
    ],
)
def test_wrong_source_is_told(text: str, said: str, tmp_path: Path) -> None:
    """With the place in the file, and what to write instead."""
    assert said in told(tmp_path, text)


DECLARED = """
[sources.backup]
kind  = "http-json"
url   = "https://api.backup.example"
basis = "in-use"
[sources.backup.accounts]
path = "/v1/customers"
[sources.backup.counts]
path    = "/v1/customers/{account}/devices"
product = "type"
"""


def test_declared_service_needs_little(tmp_path: Path) -> None:
    """An address, two lists, and where an item says what it is."""
    assert settings(tmp_path, DECLARED).sources["backup"].url == "https://api.backup.example"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DECLARED + '[sources.backup.auth]\nkind = "header"\n', "auth.secret says none"),
        (DECLARED + '[sources.backup.auth]\nkind = "basic"\nsecret = "env:A"\n', "needs auth.user"),
        (
            DECLARED + '[sources.backup.auth]\nkind = "client-credentials"\nsecret = "env:A"\nuser = "a"\n',
            "needs auth.token-url",
        ),
        (DECLARED + '[sources.backup.paging]\nkind = "page"\n', "needs paging.param"),
        (DECLARED + '[sources.backup.paging]\nkind = "next-url"\n', "needs paging.next"),
        (DECLARED.replace('product = "type"', ""), "needs counts.product or counts.fixed-product"),
        (DECLARED.replace("/{account}", ""), "does not say whose the counts are"),
        (DECLARED.replace("/v1/customers/{", "v1/customers/{"), 'Begin it with "/"'),
        (DECLARED + 'account = "customer"\n', "does not say whose the counts are"),
    ],
)
def test_declaration_that_lacks_something_is_told(text: str, said: str, tmp_path: Path) -> None:
    """What is right alone and makes no sense together."""
    assert said in told(tmp_path, text)
