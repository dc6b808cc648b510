"""A run that is taken back, and lines that people keep or have released."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.domain.changes import Planned
from agent.domain.ownership import Binding, Kept
from agent.domain.undoing import Undo, Undoing
from agent.reports.text import View, paint, shown, signed, wrapped
from agent.reports.values import Values, of_money


def undoing_text(found: Undoing, view: View) -> str:
    """Each line with what it goes back to, the requests, what a guard holds, and what is left to be done by hand."""
    lines = [paint(f"To undo run {found.run}", "bold")]
    for part in found.parts:
        lines.append(view.company(part.company))
        for planned in part.planned:
            lines += _change(planned, view)
        for note in part.notes:
            lines += wrapped(shown(note), view.width, f"  {paint('not:', 'yellow')} ")
    if not found.companies:
        lines.append("Nothing of it can be taken back now.")
    return "\n".join(lines)


def _change(planned: Planned, view: View) -> Iterator[str]:
    change, realisation = planned.change, planned.realisation
    money = f", {signed(change.monthly)} a month" if change.monthly else ""
    if realisation.next_invoice:
        money += f", {signed(realisation.next_invoice)} on the next invoice"
    yield from wrapped(shown(change.sentence) + money, view.width, "  ", "    ")
    for write in realisation.writes:
        yield from wrapped(shown(write.sentence), view.width, "    ")
    why = [*planned.holds, *filter(None, (change.waits, change.queued, realisation.note))]
    for reason in why:
        yield from wrapped(shown(reason), view.width, f"    {paint('note:', 'yellow')} ")


def undoing_values(found: Undoing) -> Values:
    return {"undoes": found.run, "digest": found.digest, "companies": [_part(part) for part in found.parts]}


def _part(part: Undo) -> Values:
    return {
        "company": part.company,
        "lines": [kept_values(part.company, kept) for kept in part.kept],
        "changes": [_planned(planned) for planned in part.planned],
        "notes": list(part.notes),
    }


def _planned(planned: Planned) -> Values:
    change = planned.change
    return {
        "digest": planned.digest,
        "sentence": change.sentence,
        "effective": change.effective.isoformat(),
        "monthly": of_money(change.monthly),
        "next_invoice": of_money(planned.realisation.next_invoice),
        "holds": list(planned.holds),
        "writes": [write.sentence for write in planned.realisation.writes],
        "waits": change.waits or change.queued or planned.realisation.note,
    }


def told_values(company: int, agreement: int, product: str, line: int, verb: str, quantity: int) -> Values:
    where = {"company": company, "agreement": agreement, "product": product, "line": line}
    return {**where, "verb": verb, "quantity": quantity}


def kept_text(kept: Sequence[tuple[int, Kept]], released: Sequence[tuple[int, Binding]], view: View) -> str:
    """Lines about which a person has said something that lasts; empty where there are none."""
    lines: list[str] = []
    for company, one in kept:
        where = f"{view.company(company)}: line {one.line}, {shown(one.key.product)} on agreement {one.key.agreement},"
        lines += wrapped(f"{where} is {shown(one.says)}", view.width, "  ", "    ")
        lines += wrapped(shown(one.note), view.width, "    ") if one.note else []
    for company, binding in released:
        key = binding.key
        where = f"{view.company(company)}: line {binding.line}, {shown(key.product)} on agreement {key.agreement}"
        lines += wrapped(f"{where} is released to people", view.width, "  ", "    ")
    return (
        "\n".join([paint("Kept or released by people (trueup hold take LINE gives back)", "bold"), *lines])
        if lines
        else ""
    )


def kept_values(company: int, one: Kept) -> Values:
    price = None if one.terms.price is None else f"{one.terms.price:f}"
    return {
        "state": "kept",
        "company": company,
        "agreement": one.key.agreement,
        "product": one.key.product,
        "key": str(one.key),
        "line": one.line,
        "quantity": one.terms.quantity,
        "price": price,
        "who": one.who,
        "at": one.at.isoformat(),
        "undoes": one.undoes or None,
        "note": one.note or None,
    }


def released_values(company: int, binding: Binding) -> Values:
    key = binding.key
    where = {
        "company": company,
        "agreement": key.agreement,
        "product": key.product,
        "key": str(key),
        "line": binding.line,
    }
    unknown = dict.fromkeys(("quantity", "price", "who", "at", "undoes", "note"))
    return {"state": "released", **where, **unknown}
