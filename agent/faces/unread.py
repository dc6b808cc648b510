"""What a run could not read, which leaves lines as they are and would otherwise look as if all were well."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from agent.domain.findings import Code, Finding, Severity
from agent.ports import Store

_CODES = {Code.SOURCE_STALE, Code.SOURCE_INCOMPLETE, Code.CONSENT_LOST, Code.CREDENTIALS_REJECTED}


def unread(store: Store, companies: Collection[int]) -> Sequence[Finding]:
    """Of the companies' last plans, what they lack; with the finding that says why, as far as there is one yet."""
    partly = {plan["company"] for plan in store.plan() if not plan["complete"]}
    lacking = {company for company in companies if company in partly}
    known = [k.finding for k in store.findings() if k.finding.company in lacking and k.finding.code in _CODES]
    told = {finding.company for finding in known}
    return [*known, *(_not_yet_told(company) for company in sorted(lacking - told))]


def _not_yet_told(company: int) -> Finding:
    # Nobody is told of every hiccup: it is a finding once it has lasted for microsoft.stale-after.
    remedy = "the next cycle reads it again; where it lasts, trueup check says why"
    sentence = f"company {company}: a tenant could not be reached just now"
    return Finding(Code.SOURCE_STALE, Severity.WARNING, company, f"company/{company}", sentence, remedy)
