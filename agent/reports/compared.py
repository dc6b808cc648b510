"""What edited mapping files would change, as people read it before they go live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.domain.changes import Planned
from agent.domain.compared import Compared, Difference
from agent.domain.money import Money
from agent.reports.plan import moves, state
from agent.reports.text import View, cells, columns, counted, cut, paint, shown, signed, wrapped
from agent.reports.values import Values, of_money


@dataclass(frozen=True, slots=True)
class Comparison:
    """`unread` are companies that could not be looked at, with the reason."""

    mappings: str
    compared: tuple[Compared, ...]
    unread: Mapping[int, str]
    line_word: str

    @property
    def differing(self) -> tuple[Compared, ...]:
        return tuple(one for one in self.compared if one.differences or one.opens or one.closes)

    @property
    def monthly(self) -> Money | None:
        amounts = [one.monthly for one in self.compared]
        return Money.total(amounts, amounts[0].currency) if amounts else None


def comparison_text(comparison: Comparison, view: View) -> str:
    lines = [f"The plan of {comparison.mappings}, beside that of the files in force. Nothing is written."]
    for one in comparison.differing:
        lines += ["", *_company(one, comparison.line_word, view)]
    for company, why in comparison.unread.items():
        lines += ["", *wrapped(f"{view.company(company)}: {shown(why)}", view.width, f"{paint('!', 'red')} ", "  ")]
    return "\n".join([*lines, "", *_totals(comparison)])


def _company(one: Compared, line_word: str, view: View) -> Iterator[str]:
    name, money = paint(view.company(one.company), "bold"), f"{signed(one.monthly)} a month"
    yield f"{name}{' ' * max(2, view.width - cells(name) - cells(money))}{money}"
    if one.differences:
        header = ("", line_word, "agreement", "in force", "edited", "effective", "a month")
        rows = [header, *(_row(difference) for difference in one.differences)]
        room = max(16, view.width - 14 - sum(max(cells(row[n]) for row in rows) for n in (0, 2, 3, 4, 5, 6)))
        first, *rest = columns([(r[0], cut(r[1], room), *r[2:]) for r in rows], right={2, 6}, indent="  ")
        yield paint(first, "dim")
        for line, difference in zip(rest, one.differences, strict=True):
            yield line
            yield from wrapped(_why(difference), view.width, " " * 5)
    for word, findings in (("opens", one.opens), ("closes", one.closes)):
        for finding in findings:
            yield from wrapped(f"{finding.code}: {shown(finding.sentence)}", view.width, f"  {word} ", "    ")


def _row(difference: Difference) -> tuple[str, ...]:
    now, edited, change = difference.now, difference.edited, difference.planned.change
    sign = paint("~", "yellow") if now and edited else paint("+", "green") if edited else paint("-", "red")
    sides = [moves(planned.change) if planned else "no change" for planned in (now, edited)]
    money = _difference(now, edited)
    return sign, shown(change.label), str(change.key.agreement), *sides, str(change.effective), signed(money).split()[0]


def _difference(now: Planned | None, edited: Planned | None) -> Money | None:
    """Per month; None where a price is not known."""
    was, becomes = (planned.change.monthly if planned else None for planned in (now, edited))
    if now is None:
        return becomes
    if edited is None:
        return None if was is None else -was
    return None if was is None or becomes is None else becomes - was


def _why(difference: Difference) -> str:
    planned = difference.planned
    if difference.edited is None:
        return f"no longer planned: {shown(planned.change.reason)}"
    held = "; ".join((*planned.holds, planned.realisation.note)).strip("; ")
    return f"{shown(planned.change.reason)}; {state(planned)}" + (f": {shown(held)}" if held else "")


def _totals(comparison: Comparison) -> Iterator[str]:
    differing, same = comparison.differing, len(comparison.compared) - len(comparison.differing)
    number = sum(len(one.differences) for one in differing)
    if not differing and comparison.compared:
        yield f"No difference at {counted(len(comparison.compared), 'company')}."
    elif differing:
        others = f", none at {same:,} others" if same else ""
        yield paint(f"{counted(number, 'difference')} at {counted(len(differing), 'company')}{others}", "bold")
        yield f"  {signed(comparison.monthly)} a month"


def comparison_values(comparison: Comparison, companies: Mapping[int, str]) -> Values:
    return {
        "mappings": comparison.mappings,
        "companies": [_values(one, companies) for one in comparison.compared],
        "unread": [{"company": company, "why": why} for company, why in comparison.unread.items()],
        "monthly": of_money(comparison.monthly),
    }


def _values(one: Compared, companies: Mapping[int, str]) -> Values:
    return {
        "company": one.company,
        "name": companies.get(one.company),
        "monthly": of_money(one.monthly),
        "differences": [
            {"in_force": _planned(difference.now), "edited": _planned(difference.edited)}
            for difference in one.differences
        ],
        "opens": [{"code": f.code.value, "sentence": f.sentence, "remedy": f.remedy} for f in one.opens],
        "closes": [{"code": f.code.value, "sentence": f.sentence, "remedy": f.remedy} for f in one.closes],
    }


def _planned(planned: Planned | None) -> Values | None:
    if planned is None:
        return None
    change = planned.change
    return {
        "verb": change.verb,
        "key": str(change.key),
        "agreement": change.key.agreement,
        "label": change.label,
        "sentence": change.sentence,
        "reason": change.reason,
        "effective": change.effective.isoformat(),
        "monthly": of_money(change.monthly),
        "state": state(planned),
        "holds": list(planned.holds),
        "note": planned.realisation.note,
        "writes": _sentences(planned),
    }


def _sentences(planned: Planned) -> Sequence[str]:
    return [write.sentence for write in planned.realisation.writes]
