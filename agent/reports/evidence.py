"""The evidence pack of a company and month: who was counted and when, what was changed, and the hashes of it all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from agent.domain.counts import MICROSOFT, Account
from agent.domain.ownership import plain
from agent.ports import JournalRecord
from agent.reports.explanation import Explanation, Written, coins, explanation_values, item_row, made_words
from agent.reports.holders import Holder
from agent.reports.month_end.values import inert
from agent.reports.pages import page
from agent.reports.text import View, columns, counted, paint, shown, wrapped
from agent.reports.values import Values, of_head

_LISTED = 12  # on a terminal, those who came or went first; the files name everybody


@dataclass(frozen=True, slots=True)
class Reading:
    """What one account showed alike from `since` to `last`; `digest` is the SHA-256 of what is stored of it."""

    account: str
    since: datetime
    last: datetime
    digest: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of the days from `first` up to, not including, `end`. `head` is the newest record of the journal."""

    company: int
    first: date
    end: date
    lines: tuple[Explanation, ...]
    readings: tuple[Reading, ...]
    head: JournalRecord | None
    view: View

    @property
    def title(self) -> str:
        return f"Evidence, {self.first:%B %Y}"

    @property
    def scope(self) -> str:
        people = len({holder.login for line in self.lines for holder in self.people(line)})
        told = f"{counted(len(self.lines), 'line')}, {counted(people, 'user')}"
        return f"{self.view.company(self.company)}: {told}; as read by Trueup, put together on {self.at(self.view.now)}"

    @property
    def begins(self) -> datetime:
        return self._instant(self.first)

    def people(self, line: Explanation) -> list[Holder]:
        """Those who were counted on any day of the month."""
        # The PSA's days, in its zone: somebody seen until 23:30 UTC on the 31st may have been there on the 1st.
        begin, end = self.begins, self._instant(self.end)
        return [h for h in line.holders if (h.since is None or h.since < end) and (h.last is None or h.last >= begin)]

    def writes(self, line: Explanation) -> list[Written]:
        """Those of the month."""
        begin, end = self.begins, self._instant(self.end)
        return [written for written in line.writes if begin <= written.entry.at < end]

    def assigned(self, line: Explanation, holder: Holder) -> str:
        """The day in the PSA's zone; nothing where the line counts no licences of people."""
        if holder.assigned:
            return f"{holder.assigned.astimezone(self.view.zone):%Y-%m-%d}"
        return "not known" if self.licensed(line) else ""

    def licensed(self, line: Explanation) -> bool:
        """Whether licences of a tenant are counted: only those have a day on which they were assigned."""
        ours = Account.parse(line.key.account).source == MICROSOFT
        return ours and (":" not in line.key.count or line.key.count.startswith("licences:"))

    def at(self, moment: datetime | None) -> str:
        return self.view.at(moment) if moment else ""

    def _instant(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.view.zone)


def evidence_html(pack: Evidence) -> str:
    return page(
        "evidence",
        report=pack,
        made_words=lambda invoice: made_words(invoice, pack.view),
        item_row=item_row,
        coins=coins,
    )


def evidence_text(pack: Evidence) -> str:
    lines = [paint(f"{pack.title}: {pack.view.company(pack.company)}", "bold"), *wrapped(pack.scope, pack.view.width)]
    for line in pack.lines:
        billed = "not known" if line.billed is None else plain(line.billed)
        head = f"{shown(line.label)} on agreement {line.key.agreement}: {billed} billed on {line.day}"
        lines += ["", paint(head, "bold")]
        people = sorted(pack.people(line), key=lambda h: h.since is None and h.last is None)
        told = [(shown(h.login), *_assigned(h, line, pack), *_seen(h, pack)) for h in people[:_LISTED]]
        lines += columns(told, indent="  ") if told else ["  Nobody is counted by name."]
        lines += [f"  and {counted(more, 'other')}"] if (more := len(people) - _LISTED) > 0 else []
        for written in pack.writes(line):
            lines += wrapped(
                f"{pack.at(written.entry.at)}  {shown(written.entry.write.sentence)}", pack.view.width, "  "
            )
    lines += ["", paint("Readings", "bold")]
    lines += [f"  {shown(r.account)}  {pack.at(r.since)} to {pack.at(r.last)}  {r.digest[:16]}…" for r in pack.readings]
    if pack.head:
        lines += ["", f"Journal head: record {pack.head.seq} of {pack.at(pack.head.at)}, {pack.head.hash}"]
    return "\n".join(lines)


def _assigned(holder: Holder, line: Explanation, pack: Evidence) -> tuple[str, ...]:
    return (f"assigned {pack.assigned(line, holder)}",) if pack.licensed(line) else ()


def _seen(holder: Holder, pack: Evidence) -> tuple[str, str]:
    first = f"from {pack.at(holder.since)}" if holder.since else "from before the oldest reading"
    return first, f"to {pack.at(holder.last)}" if holder.last else "still"


def evidence_values(pack: Evidence) -> Values:
    """Each line as `trueup explain --json` tells it, with the people and writes of the month."""
    return {
        "company": pack.company,
        "name": pack.view.companies.get(pack.company),
        "first_day": pack.first.isoformat(),
        "after": pack.end.isoformat(),
        "lines": [explanation_values(line) for line in pack.lines],
        "readings": [
            {"account": r.account, "since": r.since.isoformat(), "last": r.last.isoformat(), "sha256": r.digest}
            for r in pack.readings
        ],
        "journal_head": of_head(pack.head),
    }


_HEADINGS = ("Record", "Agreement", "Licence", "Who or what", "Name", "From", "To", "Assigned", "Detail", "SHA-256")


def evidence_csv(pack: Evidence) -> str:
    """One row a person, write, invoiced amount and reading; for Excel, and safe in it."""
    held = io.StringIO()
    writer = csv.writer(held, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(_HEADINGS)
    writer.writerows([inert(shown(cell)) for cell in row] for row in _rows(pack))
    return f"\ufeff{held.getvalue()}"


def _rows(pack: Evidence) -> Iterator[tuple[str, ...]]:
    for line in pack.lines:
        about = str(line.key.agreement), line.label
        for holder in pack.people(line):
            seen = pack.at(holder.since), pack.at(holder.last)
            yield "user", *about, holder.login, holder.name, *seen, pack.assigned(line, holder), "", ""
        for written in pack.writes(line):
            entry = written.entry
            by = f"{written.decision.verdict} by {written.decision.who}" if written.decision else "automatically"
            detail = f"{entry.state.value}, {by}: {entry.reason}" if entry.reason else f"{entry.state.value}, {by}"
            yield "change", *about, entry.write.sentence, "", pack.at(entry.at), "", "", detail, ""
        for invoice in line.invoices:
            for item in invoice.items:
                name, sum_, days, money = item_row(item, line)
                yield "invoiced", *about, name, "", days, "", "", f"{sum_} = {money} {line.currency}", ""
    for reading in pack.readings:
        alike = pack.at(reading.since), pack.at(reading.last)
        yield "reading", "", "", reading.account, "", *alike, "", "", reading.digest
    if pack.head:
        yield "journal head", "", "", f"record {pack.head.seq}", "", pack.at(pack.head.at), "", "", "", pack.head.hash
