"""The decisions of a person, kept for next month in a file that people may edit."""

from pathlib import Path

import pytest

from agent.audit import Profile, load_profile, save_profile
from agent.audit.profile import ProfileInvalid
from agent.sheets import Choices, DayOrder, Decimals

DECIDED = Profile(
    "EUR",
    {"billed": Choices({"quantity": "Units"}, Decimals.COMMA, DayOrder.DAY, "Additions", "cp1252", ";")},
    {"Contoso = Perth": "Contoso Ltd", "Old": ""},
    {'M365 "BP"': "Microsoft 365 Business Premium"},
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Whatever stands in the names."""
    save_profile(tmp_path / "p.toml", DECIDED)
    assert load_profile(tmp_path / "p.toml") == DECIDED


def test_no_file_is_no_decision(tmp_path: Path) -> None:
    """The first month."""
    assert load_profile(tmp_path / "p.toml") == Profile()


def test_comments_survive(tmp_path: Path) -> None:
    """A new decision is added beside what people wrote."""
    path = tmp_path / "p.toml"
    path.write_text('# ours\ncurrency = "EUR"\n\n[companies]\n"A" = "B"  # asked Jo\n')
    profile = load_profile(path)
    save_profile(path, profile.deciding("billed", "decimals", "comma"))
    assert '"A" = "B"  # asked Jo' in path.read_text()
    assert load_profile(path).choices("billed").decimals is Decimals.COMMA


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('curency = "EUR"', "curency"),
        ('currency = "euro"', "currency"),
        ('[files.billed]\ndecimals = "dot"', "decimals"),
        ("[companies", "p.toml:1: "),
    ],
)
def test_mistake_is_told_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    """As in every other file of ours."""
    path = tmp_path / "p.toml"
    path.write_text(content)
    with pytest.raises(ProfileInvalid) as raised:
        load_profile(path)
    assert "p.toml" in str(raised.value)
    assert said in str(raised.value)
