"""The tables [sources.NAME] of agent.toml: where other counts than Microsoft's come from, one model a kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, Field

from agent.credentials import SecretRef
from agent.setting_sections import Section, required, setting
from agent.setting_types import SecretReference, Text, Url
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


SourceName = Annotated[str, AfterValidator(_name)]
SourceSection = Annotated[
    Pax8Section | HuntressSection | DattoRmmSection | NinjaOneSection, Field(discriminator="kind")
]
KINDS: Mapping[str, type[BaseModel]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(get_args(SourceSection)[0])
}
