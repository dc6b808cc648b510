"""A person's word about a line: it stays at certain terms, whatever its row asks for, until it is given back.

That is how an edit of theirs is kept, and how a run is undone: without it the next cycle would bring back what was
taken back. The mismatch stays visible, as a finding with its money.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from agent.domain.agreements import Agreement, Billable
from agent.domain.changes import Step
from agent.domain.desired import Desired, DesiredLine
from agent.domain.findings import Code, Finding, Severity
from agent.domain.keys import LineKey
from agent.domain.money import Money
from agent.domain.ownership import Kept


def as_kept(wanted: Desired, kept: Mapping[LineKey, Kept]) -> Desired:
    """What is wanted, with the lines that people keep at the terms that they keep them at."""
    if not kept:
        return wanted
    lines = (_as_kept(line, kept[line.key]) if line.key in kept else line for line in wanted.lines)
    return replace(wanted, lines=tuple(lines))


def _as_kept(line: DesiredLine, kept: Kept) -> DesiredLine:
    terms = replace(kept.terms, text=kept.terms.text or line.terms.text, heading=line.terms.heading)
    told = Step("kept", f"{line.terms.quantity} to bill by the row, but {kept.says}", str(terms.quantity))
    # Nobody's commitments, renewals or purchases move a line that a person keeps.
    free = replace(line, kept=kept, bought=(), owes=None, release=None, asks="")
    return replace(free, terms=terms, steps=(*line.steps, told))


def of_kept(
    wanted: Desired, kept: Mapping[LineKey, Kept], agreements: Mapping[int, Agreement], company: int, currency: str
) -> Iterator[Finding]:
    """What a kept line leaves unbilled, or bills too much; and what an undone run leaves to do by hand."""
    for line in wanted.lines:
        mine = kept.get(line.key)
        if mine is None or (line.terms.billed == mine.terms.billed and not mine.note):
            continue
        agreement = agreements.get(line.key.agreement)
        told = [f"{mine.says}, {line.terms.quantity} to bill by its row", *([mine.note] if mine.note else [])]
        yield Finding(
            Code.KEPT_LINE,
            Severity.WARNING,
            company,
            f"{line.key}#kept",
            f"{line.label} on agreement {line.key.agreement}: {'; '.join(told)}",
            f"give the line back once its row is right: trueup hold take {mine.line}",
            _money(line, mine, (agreement and agreement.months) or 1, currency),
        )


def _money(line: DesiredLine, mine: Kept, months: int, currency: str) -> Money | None:
    price = line.product.price if mine.terms.price is None else mine.terms.price
    if price is None or mine.terms.billable is not Billable.BILLABLE:
        return None
    return Money(price * (line.terms.billed - mine.terms.billed) / months, currency).at_coins()
