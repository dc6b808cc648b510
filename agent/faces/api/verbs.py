"""What people tell the daemon about lines and runs: hold a line, take a run back."""

from __future__ import annotations

from datetime import timedelta

from agent.engine.keeping import NotOurs, told
from agent.engine.service import Service
from agent.engine.undoing import NothingToUndo, carry_out, undoing
from agent.faces.api import shapes
from agent.faces.api.problems import Refused
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
