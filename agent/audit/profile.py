"""What a person decided about the files, kept for next month: a small TOML file that may be edited by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agent.errors import TrueupError
from agent.sheets import Choices, DayOrder, Decimals
from agent.toml_places import FileRefused, read_toml
from agent.toml_problems import problems_of

_HEAD = """\
# Decisions for `trueup audit`, used again next month. May be edited.
# [companies] and [licences]: a name in the files = the name that it means; "" leaves it out.

"""


class ProfileInvalid(TrueupError):
    """The profile cannot be used; every problem with its line."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    columns: dict[str, str] = Field(default_factory=dict)
    decimals: Annotated[Decimals | None, Field(strict=False)] = None
    days: Annotated[DayOrder | None, Field(strict=False)] = None
    sheet: str = ""
    encoding: str | None = None
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] | None = None


class _Profile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    files: dict[str, _File] = Field(default_factory=dict)
    companies: dict[str, str] = Field(default_factory=dict)
    licences: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """`files` by leg; `companies` and `licences` from a name as the files say it to the one that it means."""

    currency: str | None = None
    files: Mapping[str, Choices] = field(default_factory=dict)
    companies: Mapping[str, str] = field(default_factory=dict)
    licences: Mapping[str, str] = field(default_factory=dict)

    def choices(self, leg: str) -> Choices:
        return self.files.get(leg, Choices())

    def deciding(self, leg: str, about: str, answer: str) -> Profile:
        """With one more decision about a file, named as `Doubt.about` names it."""
        choices = self.choices(leg)
        match about.partition("."):
            case ("columns", _, column):
                made = replace(choices, columns={**choices.columns, column: answer})
            case ("decimals", _, _):
                made = replace(choices, decimals=Decimals(answer))
            case ("days", _, _):
                made = replace(choices, days=DayOrder(answer))
            case _:
                made = replace(choices, sheet=answer)
        return replace(self, files={**self.files, leg: made})


def load_profile(path: Path) -> Profile:
    """What the file says; nothing where there is none. Raises `ProfileInvalid`."""
    # The first month has none, and a person may move it away to be asked everything again.
    if not path.exists():
        return Profile()
    try:
        document = read_toml(path)
        model = _Profile.model_validate(document.data)
    except FileRefused as refused:
        raise ProfileInvalid(str(refused)) from refused
    except ValidationError as error:
        problems = problems_of(error, document, _Profile)
        raise ProfileInvalid(
            "\n".join(map(str, problems)), f"Correct {path}, or remove it to be asked again"
        ) from error
    files = {leg: Choices(**dict(said)) for leg, said in model.files.items()}
    return Profile(model.currency, files, model.companies, model.licences)


def save_profile(path: Path, profile: Profile) -> None:
    """Writes what is decided, and keeps whatever else stands in the file, comments included."""
    import tomlkit

    # Into the file as it is, and not over it: people write beside a decision who made it.
    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.parse(_HEAD)
    _lay(document, _plain(profile))
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def _plain(profile: Profile) -> dict[str, Any]:
    files = {leg: _said(choices) for leg, choices in profile.files.items()}
    said = {
        "currency": profile.currency,
        "files": {leg: choices for leg, choices in files.items() if choices},
        "companies": dict(profile.companies),
        "licences": dict(profile.licences),
    }
    return {key: value for key, value in said.items() if value}


def _said(choices: Choices) -> dict[str, Any]:
    names = ("decimals", "days", "sheet", "encoding", "delimiter", "columns")
    values = ((name, getattr(choices, name)) for name in names)
    return {name: dict(value) if name == "columns" else str(value) for name, value in values if value}


def _lay(table: Any, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(table.get(key), dict):
            _lay(table[key], value)
        elif key not in table or table[key] != value:
            table[key] = value
