"""The view on a terminal: sums, the largest differences, what nobody mapped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.domain.reconciliation import Confidence, Difference, Effect
from agent.reports.ledger import balance_lines
from agent.reports.month_end.view import EFFECTS, MonthEnd, Origin, State, code_words
from agent.reports.pages import amounts
from agent.reports.text import View, columns, counted, paint, shown, wrapped

_COLOURS = {Effect.LEAK: "red", Effect.REFUND: "yellow", Effect.WASTE: "cyan", Effect.RISK: "yellow"}
_STATES = {State.GREEN: "green", State.YELLOW: "yellow", State.RED: "red"}
_LISTED = 30  # a terminal is for a first look; files have all of it


def month_end_text(report: MonthEnd, view: View) -> str:
    lines = [paint(shown(report.title), "bold"), *wrapped(shown(report.scope), view.width), ""]
    lines += _sums(report)
    for number, one in enumerate(report.differences[:_LISTED], 1):
        lines += ["", *_difference(number, one, report, view)]
    more = len(report.differences) - _LISTED
    if more > 0:
        lines += ["", f"and {counted(more, 'more difference')}; --html and --xlsx show all of them"]
    lines += [*_deeds(report, view), *_past(report, view), *_unmapped(report, view), *_origins(report.origins, view)]
    if report.notes:
        lines += ["", paint("Notes", "bold")]
        lines += [line for note in report.notes for line in wrapped(shown(note), view.width, "  ", "    ")]
    if report.head:
        head = f"Journal head: record {report.head.seq} of {view.at(report.head.at)}, {report.head.hash}"
        lines += ["", *wrapped(head, view.width)]
    return "\n".join(lines)


def _sums(report: MonthEnd) -> list[str]:
    rows = []
    for effect, words in EFFECTS.items():
        if count := report.count(effect):
            total, sure = report.sums(effect), report.sums(effect, Confidence.CALCULATED)
            # The sure part first: a person who doubts the estimate still has a number to act on.
            estimate = "" if total == sure else f"{amounts(sure)} calculated, the rest estimated"
            money = paint(f"{amounts(total)} a month" if total else "no price known", _COLOURS[effect])
            rows.append((words, money, counted(count, "difference"), estimate))
    if not rows:
        return [paint("No difference that costs money.", "green")]
    found = columns(rows, right={1})
    so_far = report.so_far()
    return [*found, f"Leaked since it began, as far as that is known: {amounts(so_far)}"] if so_far else found


def _difference(number: int, one: Difference, report: MonthEnd, view: View) -> Iterator[str]:
    money = f"{one.monthly} a month" if one.monthly else "no price" if one.effect is not Effect.NONE else ""
    said = [part for part in (money, one.confidence.value if one.monthly else "") if part]
    kind = paint(code_words(one.code), _COLOURS.get(one.effect, "dim"))
    yield f"{number:>3}  {paint(shown(one.company), 'bold')}  {kind}  {', '.join(said)}".rstrip()
    yield from wrapped(f"{shown(one.licence)}: {shown(one.sentence)}{_since(one, report)}", view.width, "     ")
    for cause in one.causes:
        yield from wrapped(shown(cause), view.width, "     · ", "       ")
    yield from wrapped(shown(one.remedy), view.width, f"     {paint('→', 'dim')} ", "       ")


def _since(one: Difference, report: MonthEnd) -> str:
    so_far, seats = one.so_far(report.day), one.seat_months(report.day)
    if one.since is None:
        return ""
    counted_so_far = f", {seats.numerator / seats.denominator:.1f} seat-months" if seats else ""
    return f"; since {one.since}{counted_so_far}" + (f", {so_far}" if so_far else "")


def _deeds(report: MonthEnd, view: View) -> Iterator[str]:
    for heading, deeds in (("Corrected", report.corrected), ("Held for a person", report.held)):
        if deeds is None:
            continue
        yield from ("", paint(heading, "bold"))
        for deed in deeds:
            money = f" ({deed.monthly} a month)" if deed.monthly else ""
            said = f"{deed.when}  {shown(deed.company)}: {shown(deed.sentence)}{money}"
            yield from wrapped(said, view.width, "  ", "    ")
            if deed.why:
                yield from wrapped(shown(deed.why), view.width, "    ")
        if not deeds:
            yield "  Nothing."


def _past(report: MonthEnd, view: View) -> Iterator[str]:
    """What months before owe, beside what differs now: the two never meet in one sum."""
    if report.past:
        yield from ("", paint("The past, this month (trueup ledger)", "bold"))
        yield from balance_lines([(shown(one.company), one.balance) for one in report.past], view.width, "  ")


def _unmapped(report: MonthEnd, view: View) -> Iterator[str]:
    if report.unmapped:
        yield from ("", paint("Nobody mapped", "bold"))
    for one in report.unmapped[:_LISTED]:
        perhaps = f"; perhaps {shown(one.perhaps)}" if one.perhaps else ""
        yield from wrapped(f"{one.kind} {shown(one.name)} ({shown(one.where)}){perhaps}", view.width, "  ", "    ")
    if (more := len(report.unmapped) - _LISTED) > 0:
        yield f"  and {more:,} more"


def _origins(origins: Sequence[Origin], view: View) -> Iterator[str]:
    yield from ("", paint("Where the numbers come from", "bold"))
    for origin in origins:
        light = f"{paint(origin.state.value, _STATES[origin.state])}  " if origin.state in _STATES else ""
        yield from wrapped(f"{light}{shown(origin.name)}: {shown(origin.detail)}", view.width, "  ", "    ")
