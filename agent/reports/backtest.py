"""A replay as a billing manager reads it: month by month, by company, the largest differences first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from agent.domain.invoices import Invoice, amount
from agent.domain.money import Money
from agent.domain.ownership import plain
from agent.domain.replayed import Replayed, Written
from agent.reports.text import View, columns, counted, paint, shown, signed, wrapped
from agent.reports.values import Values, of_money


@dataclass(frozen=True, slots=True)
class Backtest:
    """`uncovered` tells for each company that could not be replayed, or not from the first day on, why."""

    first: date
    last: date
    mappings: str
    currency: str
    replays: tuple[Replayed, ...]
    uncovered: Mapping[int, str]

    @property
    def ordered(self) -> list[Replayed]:
        """The largest difference first."""
        return sorted(self.replays, key=lambda one: (-abs(self.difference(one).amount), one.company))

    def difference(self, replayed: Replayed) -> Money:
        billed, instead = replayed.total(self.currency)
        return instead - billed

    @property
    def months(self) -> Mapping[str, tuple[Money, Money]]:
        found: dict[str, tuple[Money, Money]] = {}
        none = Money.zero(self.currency)
        for replayed in self.replays:
            for month, (billed, instead) in replayed.months(self.currency).items():
                before = found.get(month, (none, none))
                found[month] = before[0] + billed, before[1] + instead
        return dict(sorted(found.items()))


def backtest_text(report: Backtest, view: View) -> str:
    lines = [paint(f"{report.first} to {report.last} with the mappings of {report.mappings}", "bold")]
    lines += wrapped(
        f"Invoices in {report.currency}, of the mapped products, worked out from the lines as they were read. What "
        "would have been held counts as approved at once.",
        view.width,
    )
    if report.replays:
        lines += ["", *_table(report.months, "month"), "", *_companies(report, view)]
    for replayed in report.ordered:
        if replayed.written or report.difference(replayed):
            lines += ["", *_company(replayed, report, view)]
    return "\n".join([*lines, *_uncovered(report, view)])


def _table(sums: Mapping[str, tuple[Money, Money]], heading: str) -> list[str]:
    rows = [(_month(name), *_amounts(*both)) for name, both in sums.items()]
    none = [both[0] for both in sums.values()][:1]
    if none and len(sums) > 1:
        currency = none[0].currency
        totals = [Money.total((both[side] for both in sums.values()), currency) for side in (0, 1)]
        rows.append(("together", *_amounts(totals[0], totals[1])))
    header, *rest = columns([(heading, "billed", "replayed", "difference"), *rows], right={1, 2, 3}, indent="  ")
    return [paint(header, "dim"), *rest]


def _month(name: str) -> str:
    return "next invoice" if name == "next" else name


def _amounts(billed: Money, instead: Money) -> tuple[str, str, str]:
    return f"{billed.at_coins().amount:,}", f"{instead.at_coins().amount:,}", signed(instead - billed).split()[0]


def _companies(report: Backtest, view: View) -> Iterator[str]:
    moved = [one for one in report.ordered if report.difference(one)]
    same = len(report.replays) - len(moved)
    if moved:
        yield from _table({view.company(one.company): one.total(report.currency) for one in moved}, "company")
    if same:
        yield f"  {counted(same, 'company')} would have been billed the same."


def _company(replayed: Replayed, report: Backtest, view: View) -> Iterator[str]:
    yield paint(view.company(replayed.company), "bold")
    if report.difference(replayed):
        yield from _table(replayed.months(report.currency), "month")
        products = replayed.products(report.currency).items()
        yield from _table({name: both for name, both in products if both[0] != both[1]}, "product")
    if replayed.written:
        yield f"  {counted(len(replayed.written), 'change')} would have been written"
    for written in replayed.written:
        yield from _written(written, view)
    if replayed.restless:
        yield from wrapped("Its plans followed one another without end; please report that.", view.width, "  ")


def _written(written: Written, view: View) -> Iterator[str]:
    change = written.planned.change
    yield from wrapped(shown(change.sentence), view.width, f"    {view.at(written.at)}  ")
    held = written.planned.holds
    said = f"{shown(change.reason)}; {signed(change.monthly)} a month" + (f"; held: {'; '.join(held)}" if held else "")
    yield from wrapped(said, view.width, " " * 22)


def _uncovered(report: Backtest, view: View) -> Iterator[str]:
    if report.uncovered:
        yield ""
        yield paint("Where what is stored does not reach", "bold")
    for why in dict.fromkeys(report.uncovered.values()):
        names = ", ".join(view.company(company) for company, its in report.uncovered.items() if its == why)
        yield from wrapped(f"{names}: {why}", view.width, "  ", "    ")


def backtest_values(report: Backtest, companies: Mapping[int, str]) -> Values:
    return {
        "from": report.first.isoformat(),
        "to": report.last.isoformat(),
        "mappings": report.mappings,
        "currency": report.currency,
        "months": _sums(report.months, "month"),
        "companies": [_replayed(one, report, companies) for one in report.ordered],
        "uncovered": [{"company": company, "why": why} for company, why in report.uncovered.items()],
    }


def _replayed(one: Replayed, report: Backtest, companies: Mapping[int, str]) -> Values:
    currency = report.currency
    billed, instead = one.total(currency)
    return {
        "company": one.company,
        "name": companies.get(one.company),
        "begins": one.begins.isoformat(),
        "billed": of_money(billed),
        "replayed": of_money(instead),
        "difference": of_money(instead - billed),
        "months": _sums(one.months(currency), "month"),
        "products": _sums(one.products(currency), "product"),
        "written": [_written_values(written) for written in one.written],
        "invoices": {"billed": _invoices(one.billed, currency), "replayed": _invoices(one.replayed, currency)},
        "findings": [{"code": f.code.value, "sentence": f.sentence} for f in one.findings],
    }


def _sums(sums: Mapping[str, tuple[Money, Money]], name: str) -> list[Values]:
    return [
        {
            name: what,
            "billed": of_money(billed),
            "replayed": of_money(instead),
            "difference": of_money(instead - billed),
        }
        for what, (billed, instead) in sums.items()
    ]


def _written_values(written: Written) -> Values:
    change = written.planned.change
    return {
        "at": written.at.isoformat(),
        "verb": change.verb,
        "key": str(change.key),
        "sentence": change.sentence,
        "reason": change.reason,
        "effective": change.effective.isoformat(),
        "monthly": of_money(change.monthly),
        "holds": list(written.planned.holds),
        "writes": [write.sentence for write in written.planned.realisation.writes],
    }


def _invoices(invoices: Sequence[Invoice], currency: str) -> list[Values]:
    return [
        {
            "agreement": invoice.agreement,
            "first_day": invoice.period.start.isoformat(),
            "last_day": invoice.period.last_day.isoformat(),
            "made": invoice.made.value,
            "total": of_money(invoice.total(currency)),
            "items": [
                {
                    "product": item.line.identifier,
                    "units": plain(item.units),
                    "first_day": item.days.start.isoformat(),
                    "last_day": item.days.last_day.isoformat(),
                    "amount": of_money(amount([item], currency)),
                }
                for item in invoice.items
            ],
        }
        for invoice in invoices
    ]
