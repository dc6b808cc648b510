"""The tables of mapping files, as people write them. What they mean together is decided in `reading`."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    RootModel,
    WithJsonSchema,
)

from agent.domain.agreements import Billable
from agent.domain.counts import MailboxKind
from agent.domain.mappings import (
    DOMAIN_FIELD,
    GROUP_FIELD,
    AtZero,
    Basis,
    Commitment,
    Decrease,
    GroupMembers,
    Increase,
    Mode,
    PricePolicy,
    Usernames,
)
from agent.toml_problems import did_you_mean, fault

# What a source tells of people, in our own words (Member.attributes), and what follows from their login and groups.
USER_FIELDS = ["department", "office", "city", "state", "country", "company", "job-title", GROUP_FIELD, DOMAIN_FIELD]
USER_FIELDS += [f"extension-{number}" for number in range(1, 16)]

GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_DOMAIN = re.compile(r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z][a-zA-Z0-9-]{1,62}")
# Six decimals, because money is stored in millionths.
_PRICE = re.compile(r"psa(?:(?P<percent>[+-]\d{1,4}(?:\.\d{1,4})?)%)?|(?P<fixed>\d{1,9}(?:\.\d{1,6})?)", re.ASCII)

Given = TypeVar("Given", list[str], list[int], dict[str, list[str]])


def _guid(text: str) -> str:
    if not GUID.fullmatch(text):
        raise fault("is not an id of Microsoft's", "Write it as 11111111-2222-3333-4444-555555555555, in quotes")
    return text.lower()


def _domain(text: str) -> str:
    if not _DOMAIN.fullmatch(text):
        raise fault("is not a domain", 'Write it as "contoso.com"')
    return text.lower()


def _text(text: str) -> str:
    if not text.strip():
        raise fault("is empty", "Write something, or remove the key")
    return text.strip()


def _name(text: str) -> str:
    # Names become parts of keys: one with an unseen character would be another name that looks the same.
    return unicodedata.normalize("NFC", _line(text))


def _line(text: str) -> str:
    """Problems and reports repeat it: it may not hide, turn round or break what stands beside it."""
    kinds = {unicodedata.category(character) for character in text}
    if any(kind[0] == "C" or kind in ("Zl", "Zp") for kind in kinds):
        raise fault("has an invisible character", "Type it anew")
    return _text(text)


def _list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _some(values: Given) -> Given:
    if not values:
        raise fault("is empty", "Name at least one, or remove the key")
    return values


def _user_field(name: str) -> str:
    if name not in USER_FIELDS:
        raise fault("is not known here", did_you_mean(name, USER_FIELDS))
    return name


def _user_fields(users: dict[str, list[str]]) -> dict[str, list[str]]:
    if not all(map(GUID.fullmatch, users.get(GROUP_FIELD, ()))):
        raise fault("names a group otherwise than by its id", "Write its object id, as Entra shows it")
    if not all(map(_DOMAIN.fullmatch, users.get(DOMAIN_FIELD, ()))):
        raise fault("names a domain that is none", 'Write it as "contoso.com"')
    return users


def _account_ids(value: object) -> object:
    return {name: _list(ids) for name, ids in value.items()} if isinstance(value, dict) else value


def _tenants(value: object) -> object:
    return [{"id": value}] if isinstance(value, str) else value


def _price(value: object) -> PricePolicy:
    found = _PRICE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        # Unquoted, 22.10 would be a binary fraction, and 22.099999 on somebody's invoice.
        raise fault("is not a price", 'Write "psa", "psa+10%", "psa-2.5%" or an amount such as "22.00", in quotes')
    fixed, percent = found["fixed"], found["percent"]
    if percent and Decimal(percent) < -100:
        raise fault("takes off more than the price", 'Write at most "psa-100%"')
    return PricePolicy(Decimal(fixed) if fixed else None, Decimal(percent) if percent else None)


def _pattern(pattern: re.Pattern[str]) -> Any:
    return Field(json_schema_extra={"pattern": f"^(?:{re.sub('[?]P<[a-z]+>', '', pattern.pattern)})$"})


Id = Annotated[int, Field(ge=1, le=2**31 - 1)]
Units = Annotated[int, Field(ge=0, le=1_000_000)]
Percent = Annotated[int, Field(ge=0, le=10_000)]
Guid = Annotated[str, AfterValidator(_guid), _pattern(GUID)]
Domain = Annotated[str, AfterValidator(_domain), _pattern(_DOMAIN)]
# The length is judged first: the other checks look at each character.
Text = Annotated[str, Field(max_length=6000), AfterValidator(_text)]
Reason = Annotated[str, Field(max_length=6000), AfterValidator(_line)]
Name = Annotated[str, Field(max_length=100), AfterValidator(_name)]
Licence = Annotated[str, Field(max_length=200), AfterValidator(_name)]  # display names reach 105 characters
Licences = Annotated[list[Licence], Field(max_length=100), AfterValidator(_some)]
Names = Annotated[list[Name], Field(max_length=100), BeforeValidator(_list), AfterValidator(_some)]
AccountIds = Annotated[dict[str, Names], Field(max_length=100), BeforeValidator(_account_ids)]
Price = Annotated[PricePolicy, PlainValidator(_price, json_schema_input_type=Annotated[str, _pattern(_PRICE)])]
# "" is a value too: the people who have no department.
Values = Annotated[list[str], BeforeValidator(_list), AfterValidator(_some)]
Users = Annotated[
    dict[Annotated[str, AfterValidator(_user_field)], Values],
    AfterValidator(_some),
    AfterValidator(_user_fields),
    # Editors complete from a list of properties, which pydantic does not make of a dict.
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: {"type": ["string", "array"], "items": {"type": "string"}} for name in USER_FIELDS},
        }
    ),
]
TermWord = Literal[
    "monthly/monthly",
    "annual/monthly",
    "annual/annual",
    "three-years/monthly",
    "three-years/annual",
    "three-years/three-years",
]
_COUNTS = ("licences", "users", "domain", "group", "mailboxes", "devices", "fixed")
DeviceWord = Literal["all", "windows", "macos", "ios", "android", "linux", "other"]
# Strict pydantic would take the enum's member only, and files hold its word.
Word = Field(strict=False)


def required(meaning: str) -> Any:
    return Field(description=meaning)


def key(meaning: str, default: object = None) -> Any:
    return Field(default, validate_default=True, description=meaning)


def kebab(name: str) -> str:
    return name.replace("_", "-")


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=kebab)


class ProfileTable(Table):
    """How a licence is billed: product, price and timing. Rows name it."""

    product: Name = required("The identifier of the PSA product that the line bills.")
    price: Price = key('The unit price: "psa", an amount such as "22.00", or "psa+10%", "psa-2.5%".', "psa")
    price_lock: bool = key("Whether seats keep the price at which they were bought until their term renews.", False)
    billable: Annotated[Billable, Word] = key("How the line stands on the invoice.", "billable")
    increase: Annotated[Increase, Word] = key("From when added seats are billed.", "prorate")
    decrease: Annotated[Decrease, Word] = key("From when removed seats are no longer billed.", "now")
    commitment: Annotated[Commitment, Word] = key(
        "Whether seats that cannot be lowered before their renewal are billed until then, used or not.", "ignore"
    )
    at_zero: Annotated[AtZero, Word] = key("What becomes of a line with nothing left to bill.", "end")
    usernames: Annotated[Usernames, Word] = key("How the invoice names the people who hold the licence.", "none")
    unassigned: bool = key("Whether the invoice says how many seats nobody uses.", False)
    show_included: bool = key("Bill the full quantity and let the invoice show what is included.", False)
    date_from: Literal["observation", "source"] = key(
        "The date of a change: when it was seen, or what Microsoft says where it says something.", "observation"
    )


class CountTable(Table):
    """A count that is not one licence. Exactly one key, and `members` beside `group`."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [name]} for name in _COUNTS],
            "dependentRequired": {"members": ["group"]},
        }
    )

    licences: Licences | None = key("Seats of several licences together.")
    users: Literal["licensed"] | None = key("People who hold any licence.")
    domain: Domain | None = key("People who hold any licence and sign in with this domain.")
    group: Guid | None = key("Members of the Entra group with this object id, and of the groups inside it.")
    members: Annotated[GroupMembers, Word] | None = key("Which members of the group: users unless it says otherwise.")
    mailboxes: Annotated[MailboxKind, Word] | None = key("Mailboxes of people, or shared ones.")
    devices: DeviceWord | None = key("Devices that the tenant manages in Intune, all or by what they run.")
    fixed: Units | None = key("A number that does not come from Microsoft.")


class RowTable(Table):
    """One licence, product or count that becomes one line of one agreement."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": [name]} for name in ("licence", "product", "count")],
            "dependentRequired": {"product": ["source"], "account": ["source"]},
        }
    )

    licence: Licence | None = key("Part number, GUID or display name of the licence.")
    product: Names | None = key("Instead of licence: what the source calls it; several are counted together.")
    count: CountTable | None = key("Instead of licence: what to count.")
    source: Name | None = key("Which source of agent.toml counts it: Microsoft unless it says otherwise.")
    account: Name | None = key("Which of the company's ids at that source, where it has several.")
    subscription: Guid | None = key("Only this subscription of the licence.")
    users: Users | None = key("Only the people with these attributes: all keys match, each by any one of its values.")
    everybody: bool = key("Whether the company's own `users` is not for this row.", False)
    profile: Name = required("The billing profile of profiles.toml.")
    agreement: Id = required("The id of the PSA agreement.")
    tenant: Name | None = key("Which tenant, by name or id, where the company has several.")
    basis: Annotated[Basis, Word] | None = key("Which seats count: those purchased, or those assigned to people.")
    term: TermWord | None = key("What was bought: for how long, and how often it is paid.")
    included: Units = key("Seats that are not billed, because the agreement covers them.", 0)
    minimum: Units = key("The least quantity to bill.", 0)
    spare: Units = key("Seats that nobody has, up to this number, are no finding.", 0)
    start_on: date | None = key("The first day of a new line, if it lies ahead: for a cut-over.")
    replaces: Annotated[list[Id], AfterValidator(_some)] | None = key(
        "The ids of additions that end on the day before start-on, because this row takes their place."
    )
    description: Text | None = key("The text on the invoice instead of the product's.")
    name: Name | None = key("Tells rows apart that bill the same licence on the same agreement.")
    adopt: bool = key("Write without asking to a line that was there before Trueup.", False)
    disabled_users: bool = key("Whether people whose sign-in is blocked count.", True)
    guests: bool = key("Whether guests count.", True)


class ExcludeTable(Table):
    """A licence that nobody is billed for, and why."""

    licence: Licence = required("Part number, GUID or display name of the licence.")
    reason: Reason = required("Why it is not billed; reports repeat it.")


class CompanyExcludeTable(Table):
    """A licence of this company, or a product of one of its sources, that nobody is billed for, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["licence"]}, {"required": ["product", "source"]}],
        }
    )

    licence: Licence | None = key("Part number, GUID or display name of the licence.")
    product: Name | None = key("Instead of licence: what the source calls it.")
    source: Name | None = key("The source of agent.toml that lists the product.")
    reason: Reason = required("Why it is not billed; reports repeat it.")
    tenant: Name | None = key("In one tenant only, by name or id, where the company has several.")


class TenantTable(Table):
    id: Guid = required("The Microsoft tenant id.")
    name: Name | None = key("What rows call it.")


class GuardsTable(Table):
    """Limits of this company in place of those in agent.toml."""

    lower_absolute: Units | None = key("A line lowered by more than this and by more than lower-percent is held.")
    lower_percent: Percent | None = key("The share of a line that may go without approval.")
    raise_absolute: Units | None = key("A line raised by more than this and by more than raise-percent is held.")
    raise_percent: Percent | None = key("The share of a line that may be added without approval.")
    raise_times: Units | None = key("A line raised to this many times what it was, or to more, is held.")
    company_percent: Percent | None = key("A change of the company's monthly money by more than this is held.")
    new_lines: Units | None = key("More new lines than this on one agreement within 24 hours are held.")
    freeze_days: Annotated[int, Field(ge=0, le=31)] | None = key(
        "Changes in the days before an agreement's next invoice are held."
    )


Tenants = Annotated[list[TenantTable], BeforeValidator(_tenants, json_schema_input_type=Guid | list[TenantTable])]


class CompanyTable(Table):
    """What stands above the first [[row]]."""

    company: Id = required("The id of the PSA company.")
    name: Name | None = key("What reports call the company.")
    tenant: Tenants | None = key("The Microsoft tenant id, or [[tenant]] tables for several.")
    sources: AccountIds | None = key("What other sources call the company: its id there, by the source's name.")
    mode: Annotated[Mode, Word] | None = key(
        "report never writes, review holds every change, auto only what guards hold."
    )
    users: Users | None = key("Only these people, in every row that does not say otherwise.")
    guards: GuardsTable | None = key("Limits of this company in place of those in agent.toml.")


class CompanyFile(CompanyTable):
    row: list[RowTable] = key("One licence, or count, that becomes one line of one agreement.", [])
    exclude: list[CompanyExcludeTable] = key("Licences of this company that nobody is billed for.", [])


class ProfilesFile(RootModel[dict[str, ProfileTable]]):
    """Billing profiles by name."""


class ExclusionsFile(Table):
    exclude: list[ExcludeTable] = key("Licences that no company is billed for.", [])


FILES: Mapping[str, type[BaseModel]] = {"company": CompanyFile, "profiles": ProfilesFile, "exclusions": ExclusionsFile}


def json_schema(kind: str) -> str:
    """The JSON Schema of a kind of file, as it stands in mappings/schema/: editors complete and check by it."""
    model = FILES[kind]
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
    return json.dumps(_plainer(schema), indent=2, ensure_ascii=False) + "\n"


def _plainer(node: Any) -> Any:
    """Without nulls, which TOML lacks (a key is there or not), and without titles that repeat a key's name."""
    if isinstance(node, list):
        return [_plainer(part) for part in node]
    if not isinstance(node, dict):
        return node
    dull = {name for name, part in node.items() if (name, part) == ("default", None) or _is_title(name, part)}
    kept = {name: _plainer(part) for name, part in node.items() if name not in dull}
    choices = [choice for choice in kept.pop("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        return {**choices[0], **kept}
    return {**kept, "anyOf": choices} if choices else kept


def _is_title(name: str, part: object) -> bool:
    return name == "title" and isinstance(part, str)
