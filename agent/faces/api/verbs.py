"""What people tell the daemon about lines, runs and the past: hold a line, take a run back, settle a gap."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from agent.domain.ledger import Gap, Verb
from agent.domain.money import Money
from agent.domain.settling import Asked
from agent.engine.keeping import NotOurs, told
from agent.engine.service import Service
from agent.engine.settling import CannotSettle, NoSuchGap, Past
from agent.engine.undoing import NothingToUndo, carry_out, undoing
from agent.faces.api import shapes, views
from agent.faces.api.ledger_shapes import SettleRequest
from agent.faces.api.problems import Refused
from agent.reports.ledger import gap_values, reading_values
from agent.reports.ledger import told as told_gaps
from agent.reports.undoing import kept_values, released_values, told_values, undoing_values
from agent.reports.values import Values


def by(decision: shapes.Decision) -> str:
    """The journal has one text for who decided; the command writes it the same way."""
    return f"{decision.who}: {decision.reason}" if decision.reason else decision.who


def hold_line(service: Service, line: int, verb: str, decision: shapes.Decision) -> Values:
    cycle = service.cycle
    try:
        done = told(cycle.store, cycle.psa, cycle.clock, cycle.zone, line, verb, by(decision))
    except NotOurs as error:
        raise Refused(404, "line-unknown", f"{error}.", f"{error.remedy}.") from error
    return told_values(done.company, done.agreement, done.product, line, verb, done.quantity)


def kept_lines(service: Service, company: int | None) -> list[Values]:
    store = service.cycle.store
    kept = [kept_values(of, one) for of, one in store.kept(company)]
    return [*kept, *(released_values(of, binding) for of, binding in store.released(company))]


def gaps(service: Service, company: int | None, only_open: bool) -> list[Values]:
    past = _past(service, company)
    return [gap_values(gap, past.cut) for gap in told_gaps(past.gaps(), past.cut, only_open)]


def gap(service: Service, number: int) -> Values:
    past = _past(service)
    try:
        return _with_readings(past, past.gap(number))
    except NoSuchGap as error:
        raise Refused(404, "gap-unknown", f"{error}.", "GET /ledger lists them.") from error


def settle(service: Service, number: int, asked: SettleRequest) -> Values:
    past, price = _past(service), None
    if asked.price is not None:
        price = Money(Decimal(asked.price), service.cycle.policy.currency)
    first = date.fromisoformat(asked.first_day) if asked.first_day else None
    words = asked.who, asked.reason or "", asked.approver or ""
    wanted = Asked(Verb(asked.verb), *words, price, first, asked.phases, asked.write)
    try:
        return _with_readings(past, past.settle(number, wanted))
    except NoSuchGap as error:
        raise Refused(404, "gap-unknown", f"{error}.", "GET /ledger lists them.") from error
    except CannotSettle as error:
        raise Refused(409, "gap-not-settled", f"{error}.", f"GET /ledger/{number} shows how it stands.") from error


def _past(service: Service, company: int | None = None) -> Past:
    cycle = service.cycle
    now = cycle.clock.now()
    return Past(cycle.store, cycle.psa.traits.convention, cycle.zone, views.in_force(service), now, company)


def _with_readings(past: Past, gap: Gap) -> Values:
    return gap_values(gap, past.cut) | {"readings": [reading_values(one) for one in past.readings(gap)]}


def undo(service: Service, asked: shapes.UndoRequest, expires: timedelta) -> Values:
    """Shown without a digest; with the digest that was shown, carried out by the run that is named."""
    companies = [asked.company] if asked.company is not None else None
    try:
        found = undoing(service.single, service.in_force(), asked.run, companies, by(asked))
    except NothingToUndo as error:
        raise Refused(404, "nothing-to-undo", f"{error}.", f"{error.remedy}.") from error
    if asked.digest is None:
        return undoing_values(found) | {"run": None}
    if asked.digest != found.digest:
        what = "What would be taken back is no longer what was shown."
        raise Refused(409, "undo-moved", what, "Ask again without a digest, and look at what it shows now.")
    if not found.companies:
        return undoing_values(found) | {"run": None}
    carry_out(service.cycle, found, expires)
    return undoing_values(found) | {"run": service.press(found.companies, f"undo of run {asked.run}")}
