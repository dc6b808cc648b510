"""The tables [sources.NAME] of agent.toml: where other counts than Microsoft's come from, one model a kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, Field, model_validator

from agent.credentials import SecretRef
from agent.setting_sections import Section, required, section, setting
from agent.setting_types import FilePath, SecretReference, SomeDuration, Text, Url
from agent.toml_problems import fault


def _name(name: str) -> str:
    # It stands before the colon in the names of accounts, and in every key of a line.
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", name) or name == "microsoft":
        raise fault("is no name for a source", "Write small letters, digits and dashes; microsoft has its own section")
    return name


class _Source(Section):
    def secrets(self) -> Mapping[str, SecretRef]:
        """By the key, as a file spells it."""
        fields = type(self).model_fields
        return {fields[name].alias or name: value for name, value in self if isinstance(value, SecretRef)}


class Pax8Section(_Source):
    kind: Literal["pax8"] = required("Purchases at Pax8: subscriptions, their terms, prices and costs.")
    client_id: Text = required("The client id of an API credential, from Settings > Integrations.")
    client_secret: SecretReference = required("Its secret.")
    url: Url = setting("https://api.pax8.com", "The address of Pax8's API.")
    # Below the 1,000 that are said to be allowed, because other integrations share them.
    rate: int = setting(600, "Requests a minute.", ge=10, le=1000)
    invoice: bool = setting(True, "Whether what Pax8 is about to bill is read as well.")


class HuntressSection(_Source):
    kind: Literal["huntress"] = required("What Huntress bills: agents, identities, learners and log sources.")
    key: Text = required("The public half of an API key, from Account > API Credentials.")
    secret: SecretReference = required("Its secret half.")
    url: Url = setting("https://api.huntress.io", "The address of Huntress's API.")
    rate: int = setting(50, "Requests a minute; Huntress allows an account 60.", ge=1, le=60)


class DattoRmmSection(_Source):
    kind: Literal["datto-rmm"] = required("The devices of Datto RMM's sites.")
    url: Url = required("The platform's address, as the API user's page shows it.")
    key: Text = required("The API key of that user.")
    secret: SecretReference = required("Its API secret key.")
    rate: int = setting(300, "Requests a minute; Datto RMM allows an account 600.", ge=1, le=600)


class NinjaOneSection(_Source):
    kind: Literal["ninjaone"] = required("The devices of NinjaOne's organisations.")
    client_id: Text = required("The client id of an API application with the scope monitoring.")
    client_secret: SecretReference = required("Its secret.")
    url: Url = setting("https://app.ninjarmm.com", "The region's address: app, eu, oc, ca or us2.")
    rate: int = setting(120, "Requests a minute; NinjaOne names no number.", ge=1, le=1000)


class SheetColumns(Section):
    account: Text | None = setting(None, "The header of the column that names the company.")
    product: Text | None = setting(None, "The header of the column that names the product.")
    quantity: Text | None = setting(None, "The header of the column with the number of units.")
    member: Text | None = setting(None, "The header of the column with the person or device, where each has a row.")


class SheetSection(_Source):
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

    @property
    def chosen(self) -> dict[str, str]:
        """The headers that were named, by column."""
        return {name: header for name, header in self.columns.model_dump().items() if header}


class JsonAuth(Section):
    kind: Literal["none", "basic", "header", "client-credentials"] = setting("none", "How the key is shown.")
    user: Text | None = setting(None, "The user's name, or the client id.")
    secret: SecretReference | None = setting(None, "The password, key or client secret.")
    header: Text = setting("Authorization", "The header that carries it.")
    prefix: Text | None = setting(None, "What stands before the key in a header, such as Bearer or ApiToken.")
    token_url: Url | None = setting(None, "Where a token is given, for client-credentials.")
    scope: Text | None = setting(None, "What the token is asked for.")


class JsonPaging(Section):
    kind: Literal["none", "page", "after", "cursor", "next-url"] = setting("none", "How lists go on.")
    param: Text | None = setting(None, "The parameter with the page's number, the last id or the cursor.")
    start: int = setting(1, "The number of the first page.", ge=0, le=1)
    size_param: Text | None = setting(None, "The parameter with the number of items a page.")
    size: int = setting(100, "How many items a page.", ge=1, le=10_000)
    next: Text | None = setting(None, "Where an answer has the cursor, or the next page's address.")
    pages: Text | None = setting(None, "Where an answer has the number of pages; else the first empty page is the end.")
    key: Text = setting("id", "Where an item has the id that after asks for.")


class JsonCondition(Section):
    path: Text = required("Where an item has the value.")
    # Not strict, because TOML knows lists only.
    is_: tuple[Text, ...] = Field(
        [], validate_default=True, alias="is", strict=False, description="Items with one of these values count."
    )
    is_not: tuple[Text, ...] = setting([], "Items with one of these values do not.", strict=False)


def _path(path: str) -> str:
    if not path.startswith("/"):
        raise fault("is no path behind the address", 'Begin it with "/", as in "/v1/customers"')
    return path


class JsonListing(Section):
    path: Annotated[Text, AfterValidator(_path)] = required(
        "The path behind the address; {account} stands for the company's id."
    )
    params: dict[str, Text] = setting({}, "Constant parameters of the request.")
    items: Text | None = setting(None, "Where an answer has its list; none where it is the list, or one item.")
    total: Text | None = setting(None, "Where an answer has the number of all items.")


class JsonAccounts(JsonListing):
    id: Text = setting("id", "Where an item has the company's id.")
    name: Text | None = setting(None, "Where an item has the company's name.")
    tenant: Text | None = setting(None, "Where an item has the company's Microsoft tenant id, as a hint.")


class JsonCounts(JsonListing):
    account: Text | None = setting(None, "Where an item says whose it is, if the path has no {account}.")
    product: Text | None = setting(None, "Where an item has its product.")
    fixed_product: Text | None = setting(None, "The product of all items, in place of a path.")
    quantity: Text | None = setting(None, "Where an item has a number of units; without it each item is one.")
    member: Text | None = setting(None, "Where an item has the name of the person or device.")
    where: tuple[JsonCondition, ...] = setting([], "Conditions that items must meet to count.", strict=False)


class JsonSection(_Source):
    kind: Literal["http-json"] = required("A service that answers in JSON, by declaration.")
    url: Url = required("The service's address.")
    basis: Literal["purchased", "in-use"] = required("What its numbers are.")
    unit: Literal["seat", "device", "mailbox", "unit"] = setting("unit", "What one of a product is.")
    rate: int = setting(60, "Requests a minute.", ge=1, le=10_000)
    auth: JsonAuth = section("How the service knows us.")
    paging: JsonPaging = section("How its lists go on.")
    accounts: JsonAccounts = required("The list of companies that it knows.")
    counts: JsonCounts = required("The list of what it counts.")

    def secrets(self) -> Mapping[str, SecretRef]:
        return {"auth.secret": self.auth.secret} if self.auth.secret else {}

    @model_validator(mode="after")
    def _whole(self) -> JsonSection:
        """What is right alone and lacks something together, as far as nothing worse is wrong."""
        auth, paging, counts = self.auth, self.paging, self.counts
        if auth.kind != "none" and auth.secret is None:
            raise fault("shows a key, but auth.secret says none", "Add auth.secret, or set auth.kind to none")
        if auth.kind in ("basic", "client-credentials") and auth.user is None:
            raise fault("needs auth.user", f"It is who shows the key by {auth.kind}")
        if auth.kind == "client-credentials" and auth.token_url is None:
            raise fault("needs auth.token-url", "It is the address at which a token is given")
        if paging.kind in ("page", "after", "cursor") and paging.param is None:
            raise fault("needs paging.param", f"It is the parameter by which a list goes on by {paging.kind}")
        if paging.kind in ("cursor", "next-url") and paging.next is None:
            raise fault("needs paging.next", "It is where an answer says how the list goes on")
        if (counts.product is None) == (counts.fixed_product is None):
            raise fault("needs counts.product or counts.fixed-product", "Write one of the two")
        if ("{account}" in f"{counts.path}{counts.params}") == (counts.account is not None):
            raise fault("does not say whose the counts are", "Put {account} into counts.path, or write counts.account")
        return self


SourceName = Annotated[str, AfterValidator(_name)]
SourceSection = Annotated[
    Pax8Section | HuntressSection | DattoRmmSection | NinjaOneSection | SheetSection | JsonSection,
    Field(discriminator="kind"),
]
KINDS: Mapping[str, type[BaseModel]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(get_args(SourceSection)[0])
}
