"""What findings speak of that nobody asks for any more: no reading can close them, because none will be made."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote

from agent.domain.counts import Account
from agent.domain.findings import Over

_TENANT = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_KEY = 10  # words of a line's key

# Findings of no company that are told by source, with its name behind a stroke; Microsoft's credentials have none.
PER_SOURCE = ("accounts", "credentials")


def account_of(subject: str) -> Account | None:
    """The account that a finding of a company is about; None where it is about agreements, lines or the company.

    Subjects begin with the account (`huntress:4711/edr`), or with a line's key, which has it as its third word.
    `huntress/credentials` speaks of all accounts of that source, and gives one without an id.
    """
    first, *rest = subject.split("/")
    if rest == ["credentials"]:
        return Account(first, "")
    if len(rest) + 1 >= _KEY and rest[0].isdigit():
        return Account.parse(unquote(rest[1]))
    return Account.parse(first) if ":" in first or _TENANT.fullmatch(first) else None


def nobody_asks(subject: str, accounts: Collection[str], sources: Collection[str]) -> Over | None:
    """Why no reading will be about it; None where one may be. `accounts` are those of its company, by ref."""
    account = account_of(subject)
    if account is None:
        return None
    if account.source not in sources:
        return Over.SOURCE_GONE
    return Over.UNMAPPED if account.id and account.ref not in accounts else None
