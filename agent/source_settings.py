"""The tables [sources.NAME] of agent.toml: where other counts than Microsoft's come from, one model a kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, Field

from agent.credentials import SecretRef
from agent.setting_sections import Section, required, section, setting
from agent.setting_types import FilePath, SecretReference, SomeDuration, Text, Url
from agent.toml_problems import fault


def _name(name: str) -> str:
    # It stands before the colon in the names of accounts, and in every key of a line.
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name) or name == "microsoft":
        raise fault("is no name for a source", "Write small letters, digits and dashes; microsoft has its own section")
    return name


class Pax8Section(Section):
    kind: Literal["pax8"] = required("Purchases at Pax8: subscriptions, their terms, prices and costs.")
    client_id: Text = required("The client id of an API credential, from Settings > Integrations.")
    client_secret: SecretReference = required("Its secret.")
    url: Url = setting("https://api.pax8.com", "The address of Pax8's API.")
    # Below the 1,000 that are said to be allowed, because other integrations share them.
    rate: int = setting(600, "Requests a minute.", ge=10, le=1000)
    invoice: bool = setting(True, "Whether what Pax8 is about to bill is read as well.")

    def secrets(self) -> Mapping[str, SecretRef]:
        return {"client-secret": self.client_secret}


class HuntressSection(Section):
    kind: Literal["huntress"] = required("What Huntress bills: agents, identities, learners and log sources.")
    key: Text = required("The public half of an API key, from Account > API Credentials.")
    secret: SecretReference = required("Its secret half.")
    url: Url = setting("https://api.huntress.io", "The address of Huntress's API.")
    rate: int = setting(50, "Requests a minute; Huntress allows an account 60.", ge=1, le=60)

    def secrets(self) -> Mapping[str, SecretRef]:
        return {"secret": self.secret}


class DattoRmmSection(Section):
    kind: Literal["datto-rmm"] = required("The devices of Datto RMM's sites.")
    url: Url = required("The platform's address, as the API user's page shows it.")
    key: Text = required("The API key of that user.")
    secret: SecretReference = required("Its API secret key.")
    rate: int = setting(300, "Requests a minute; Datto RMM allows an account 600.", ge=1, le=600)

    def secrets(self) -> Mapping[str, SecretRef]:
        return {"secret": self.secret}


class NinjaOneSection(Section):
    kind: Literal["ninjaone"] = required("The devices of NinjaOne's organisations.")
    client_id: Text = required("The client id of an API application with the scope monitoring.")
    client_secret: SecretReference = required("Its secret.")
    url: Url = setting("https://app.ninjarmm.com", "The region's address: app, eu, oc, ca or us2.")
    rate: int = setting(120, "Requests a minute; NinjaOne names no number.", ge=1, le=1000)

    def secrets(self) -> Mapping[str, SecretRef]:
        return {"client-secret": self.client_secret}


class SheetColumns(Section):
    account: Text | None = setting(None, "The header of the column that names the company.")
    product: Text | None = setting(None, "The header of the column that names the product.")
    quantity: Text | None = setting(None, "The header of the column with the number of units.")
    member: Text | None = setting(None, "The header of the column with the person or device, where each has a row.")


class SheetSection(Section):
    kind: Literal["csv"] = required("A CSV or XLSX file that another program exports.")
    path: FilePath = required("The file; it is read again when it was written again.")
    basis: Literal["purchased", "in-use"] = required("What its numbers are.")
    unit: Literal["seat", "device", "mailbox", "unit"] = setting("unit", "What one of a product is.")
    complete: bool = setting(False, "Whether it is the full export, so that what it does not list is none.")
    account: Text | None = setting(None, "The company of the whole file, in place of a column.")
    product: Text | None = setting(None, "The product of the whole file, in place of a column.")
    joined: bool = setting(False, "Whether a product's cell holds several names with a plus between them.")
    max_age: SomeDuration = setting("35d", "How old the file may be before it is no longer believed.")
    sheet: Text | None = setting(None, "The worksheet, where several of a workbook fit.")
    delimiter: Literal[",", ";", "tab", "|"] | None = setting(None, "What stands between cells, where it is not plain.")
    encoding: Text | None = setting(None, "The file's encoding, where it is not plain.")
    decimals: Literal["point", "comma"] | None = setting(None, "The decimal mark, where the file proves none.")
    columns: SheetColumns = section("Headers that are not recognised by themselves.")

    def secrets(self) -> Mapping[str, SecretRef]:
        return {}

    @property
    def chosen(self) -> dict[str, str]:
        """The headers that were named, by column."""
        return {name: header for name, header in self.columns.model_dump().items() if header}


SourceName = Annotated[str, AfterValidator(_name)]
SourceSection = Annotated[
    Pax8Section | HuntressSection | DattoRmmSection | NinjaOneSection | SheetSection, Field(discriminator="kind")
]
KINDS: Mapping[str, type[BaseModel]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(get_args(SourceSection)[0])
}
