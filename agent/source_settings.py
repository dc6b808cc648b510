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


SourceName = Annotated[str, AfterValidator(_name)]
SourceSection = Annotated[Pax8Section, Field()]
KINDS: Mapping[str, type[BaseModel]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in (Pax8Section,)
}
