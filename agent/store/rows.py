"""Domain values to rows and back. What comes out of a row is parsed into domain values here, or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from agent.domain.agreements import Line
from agent.domain.changes import Change, Picture, Planned, Step, Terms, Write
from agent.domain.counts import Deal, Term
from agent.domain.findings import Apart, Code, Finding, Over, Severity
from agent.domain.keys import LineKey, quoted
from agent.domain.money import Money, rounded
from agent.domain.ownership import Binding, BindingState, Charge, Sighting
from agent.domain.periods import Grid, Period
from agent.ports import (
    ClosedFinding,
    Derivation,
    Entry,
    EntryState,
    Hold,
    JournalRecord,
    Learnt,
    OpenFinding,
    RunSummary,
)
from agent.store.canonical import canonical, parsed
from agent.store.tables import instant_text

Values = dict[str, Any]
Read = Row[Any]


# A key's text is needed many times within one company, and quoting its fields costs as much as a small query.
@lru_cache(maxsize=4096)
def key_text(key: LineKey) -> str:
    return str(key)


@lru_cache(maxsize=4096)
def key_of(text: str) -> LineKey:
    return LineKey.parse(text)


def keyed(key: LineKey, company: int) -> Values:
    return {"key": key_text(key), "psa": key.psa, "agreement": key.agreement, "company": company}


def money_values(money: Money | None) -> Values:
    """Millionths of the currency's unit, finer than any price list; anything finer still is rounded half up."""
    if money is None:
        return {"micros": None, "currency": None}
    return {"micros": int(rounded(Fraction(money.amount), 6).scaleb(6)), "currency": money.currency}


def money_of(row: Read) -> Money | None:
    return _money(row.micros, row.currency)


def _money(micros: int | None, currency: str) -> Money | None:
    return None if micros is None else Money(Decimal(micros).scaleb(-6), currency)


def money_plain(money: Money | None) -> object:
    return None if money is None else {"amount": f"{money.amount:f}", "currency": money.currency}


def binding_values(binding: Binding, company: int) -> Values:
    return keyed(binding.key, company) | {
        "account": quoted(binding.key.account),
        "line": binding.line,
        "mark": binding.mark,
        "state": binding.state.value,
        "adopted": binding.adopted,
        "confirmed": dict(binding.confirmed),
        "boundary": binding.boundary,
        "locked": binding.locked,
    }


def binding_of(row: Read) -> Binding:
    state, adopted = BindingState(row.state), bool(row.adopted)
    return Binding(key_of(row.key), row.line, row.mark, state, adopted, row.confirmed, row.boundary, row.locked)


def binding_plain(binding: Binding) -> Values:
    return {
        "key": key_text(binding.key),
        "line": binding.line,
        "mark": binding.mark,
        "state": binding.state.value,
        "adopted": binding.adopted,
        "confirmed": dict(binding.confirmed),
        "boundary": _day_plain(binding.boundary),
        "locked": _day_plain(binding.locked),
    }


def _day_plain(day: date | None) -> str | None:
    return day.isoformat() if day else None


def sighting_values(seen: Sighting, company: int) -> Values:
    return keyed(seen.key, company) | {
        "quantity": seen.quantity,
        "since": seen.since,
        "first_at": seen.first_at,
        "last_at": seen.last_at,
        "asked": [[day.isoformat(), seats] for day, seats in seen.asked],
    }


def sighting_of(row: Read) -> Sighting:
    asked = tuple((date.fromisoformat(day), seats) for day, seats in row.asked)
    return Sighting(key_of(row.key), row.quantity, row.since, row.first_at, row.last_at, asked)


def charge_values(charge: Charge, company: int) -> Values:
    period = charge.period
    return keyed(charge.key, company) | {
        "starts": period.start,
        "ends": period.end,
        "quantity": charge.quantity,
        "price": "" if charge.price is None else f"{charge.price:f}",
    }


def charge_of(row: Read) -> Charge:
    return Charge(
        key_of(row.key), Period(row.starts, row.ends), row.quantity, Decimal(row.price) if row.price else None
    )


def deal_plain(deal: Deal | None) -> list[object] | None:
    if deal is None:
        return None
    instants = [instant_plain(moment) for moment in (deal.ends, deal.cancel_until)]
    return [deal.term.months, deal.term.paid, deal.quantity, *instants, deal.renews, deal.next_quantity, deal.by]


def deal_of(plain: Sequence[Any] | None) -> Deal | None:
    if plain is None:
        return None
    months, paid, quantity, ends, cancel_until, *rest = plain
    return Deal(Term(months, paid), quantity, instant_of(ends), instant_of(cancel_until), *rest)


def instant_plain(moment: datetime | None) -> str | None:
    return instant_text(moment) if moment else None


def instant_of(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def write_plain(write: Write) -> Values:
    return {
        "key": key_text(write.key),
        "agreement": write.agreement,
        "company": write.company,
        "method": write.method,
        "path": write.path,
        "body": write.body,
        "sentence": write.sentence,
        "before": dict(write.before),
        "after": dict(write.after),
        "line": write.line,
        "mark": write.mark,
        "boundary": _day_plain(write.boundary),
        "next_invoice": _day_plain(write.next_invoice),
        "locked": _day_plain(write.locked),
    }


_DAYS = ("boundary", "next_invoice", "locked")


def write_of(plain: Mapping[str, Any]) -> Write:
    days = {name: date.fromisoformat(plain[name]) if plain[name] else None for name in _DAYS}
    return Write(**{**plain, **days, "key": key_of(plain["key"])})


def entry_of(row: Read) -> Entry:
    looked = None if row.picture is None else (Picture(row.picture), row.looked_at)
    state, why = EntryState(row.state), (row.change, row.reason)
    return Entry(
        row.id, row.run, write_of(row.write), state, row.at, row.detail, looked, *why, row.epoch, row.taken_over
    )


def run_of(row: Read) -> RunSummary:
    return RunSummary(
        id=row.id,
        reason=row.reason,
        companies=tuple(row.companies),
        dry=bool(row.dry),
        started=row.started,
        ended=row.ended,
        state=row.state,
        changes=row.changes,
        held=row.held,
        confirmed=row.confirmed,
        refused=row.refused,
        unknown=row.unknown,
        detail=row.detail,
    )


def hold_values(planned: Planned, digest: str) -> Values:
    later = money_values(planned.realisation.next_invoice)
    return money_values(planned.change.monthly) | {
        "next_micros": later["micros"],
        "next_currency": later["currency"],
        "digest": digest,
        "company": planned.change.company,
        "sentence": planned.change.sentence,
        "reasons": list(planned.holds),
        "writes": [write.sentence for write in planned.realisation.writes],
    }


def hold_of(row: Read, state: str) -> Hold:
    reasons, writes = tuple(row.reasons), tuple(row.writes)
    later = _money(row.next_micros, row.next_currency)
    return Hold(row.digest, row.company, row.sentence, reasons, writes, money_of(row), row.since, state, later)


def finding_values(finding: Finding) -> Values:
    return money_values(finding.money) | {
        "company": finding.company,
        "code": finding.code.value,
        "severity": finding.severity.value,
        "subject": finding.subject,
        "sentence": finding.sentence,
        "remedy": finding.remedy,
        "apart": apart_plain(finding.apart),
    }


def finding_of(row: Read) -> OpenFinding:
    code, severity, money = Code(row.code), Severity(row.severity), money_of(row)
    told = row.sentence, row.remedy, money, apart_of(row.apart)
    return OpenFinding(Finding(code, severity, row.company, row.subject, *told), row.first_seen, row.last_seen)


def apart_plain(apart: Apart | None) -> Values | None:
    if apart is None:
        return None
    price = money_plain(apart.price)
    whole = apart.whole and [apart.whole.anchor.isoformat(), apart.whole.months]
    where = {"agreement": apart.agreement, "product": apart.product, "whole": whole}
    return {"licence": apart.licence, "units": apart.units, "price": price, **where}


def apart_of(plain: Mapping[str, Any] | None) -> Apart | None:
    if plain is None:
        return None
    whole = Grid(date.fromisoformat(plain["whole"][0]), plain["whole"][1]) if plain["whole"] else None
    where = plain["agreement"], plain["product"], whole
    return Apart(plain["licence"], plain["units"], money_of_plain(plain["price"]), *where)


def money_of_plain(plain: Mapping[str, str] | None) -> Money | None:
    return None if plain is None else Money(Decimal(plain["amount"]), plain["currency"])


def closed_finding_of(row: Read) -> ClosedFinding:
    known = finding_of(row)
    return ClosedFinding(known.finding, known.first_seen, row.closed_at, Over(row.closed_because))


def journal_of(row: Read) -> JournalRecord:
    at = datetime.fromisoformat(row.at)
    return JournalRecord(row.seq, at, row.kind, row.entry, row.payload, row.previous, row.hash)


def steps_text(steps: Sequence[Step]) -> str:
    return canonical([[step.rule, step.says, step.value] for step in steps])


def derivation_of(row: Read) -> Derivation:
    steps = tuple(Step(*fields) for fields in parsed(row.body))
    return Derivation(key_of(row.key), steps, row.since, row.until, row.run)


def plan_text(learnt: Learnt, digests: Sequence[str]) -> str:
    """What faces print of a plan; `digests` are those of its changes, which cost a hash each."""
    changes = [_planned_plain(planned, digest) for planned, digest in zip(learnt.planned, digests, strict=True)]
    return canonical(
        {
            "company": learnt.company,
            "complete": learnt.complete,
            "monthly": money_plain(learnt.monthly),
            "changes": changes,
        }
    )


def _planned_plain(planned: Planned, digest: str) -> Values:
    realisation = planned.realisation
    return _change_plain(planned.change) | {
        "digest": digest,
        "holds": list(planned.holds),
        "approved": planned.approved,
        "note": realisation.note,
        "refused": realisation.refused,
        "next_invoice": money_plain(realisation.next_invoice),
        "writes": [write_plain(write) | {"digest": write.digest} for write in realisation.writes],
    }


def _change_plain(change: Change) -> Values:
    base = change.holding.base if change.holding else None
    return {
        "verb": change.verb,
        "key": key_text(change.key),
        "agreement": change.key.agreement,
        "label": change.label,
        "product": change.product,
        "sentence": change.sentence,
        "reason": change.reason,
        "waits": change.waits,
        "queued": change.queued,
        "effective": change.begins.isoformat(),
        "line": _line_plain(base),
        "before": terms_plain(change.before),
        "after": terms_plain(change.after),
        "monthly": money_plain(change.monthly),
    }


def _line_plain(line: Line | None) -> object:
    return None if line is None else {"id": line.id, "identifier": line.identifier}


def terms_plain(terms: Terms | None) -> object:
    if terms is None:
        return None
    return {
        "quantity": terms.quantity,
        "included": terms.included,
        "price": None if terms.price is None else f"{terms.price:f}",
        "billable": terms.billable.value,
        "text": terms.text,
    }
