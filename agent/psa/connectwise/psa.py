"""The `Psa` port for ConnectWise PSA."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from threading import Lock
from types import MappingProxyType

from agent.domain.agreements import Agreement, Company, Line, Product
from agent.domain.changes import Change, Outcome, Picture, Realisation, Receipt, Seen, Write
from agent.domain.findings import Finding
from agent.domain.keys import MARK_LENGTH
from agent.domain.proration import CONNECTWISE
from agent.errors import AccessDenied, ReadFailed
from agent.outgoing import Answer, Outgoing
from agent.ports import Clock, Traits
from agent.psa.connectwise import records
from agent.psa.connectwise.answers import receipt
from agent.psa.connectwise.checks import Check, custom_field
from agent.psa.connectwise.pen import Manner, seen
from agent.psa.connectwise.records import Cycles, Marker, Record
from agent.psa.connectwise.site import BadRequest, Login, Site, quoted
from agent.psa.connectwise.writes import writes

AGREEMENTS = "/finance/agreements"
TEXT_LIMIT = 6000  # of invoiceDescription
# The name is part of every line's key, so of every mark: it never changes.
TRAITS = Traits("connectwise", "addition", TEXT_LIMIT, 300, CONNECTWISE)


class ConnectWise:
    """`connect` makes the `Outgoing` to an origin: the login page and the API of a cloud site are two.

    `marker_field` is `serialNumber` or `custom:<caption>`; `credits` off, negative-quantity or negative-price;
    `billing_cycles` months by cycle name, where the site's own word for a cycle is missing or wrong; `member` the API
    member's identifier and `clock` ours, for `check` alone. Safe for several threads.
    """

    def __init__(
        self,
        *,
        connect: Callable[[str], Outgoing],
        url: str,
        company: str,
        public_key: Callable[[], str],
        private_key: Callable[[], str],
        client_id: str,
        installation: str,
        settle: int = 300,
        marker_field: str = "serialNumber",
        credits: str = "off",
        version: str = "2026.4",
        billing_cycles: Mapping[str, int] = MappingProxyType({}),
        member: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._site = Site(connect, url, Login(company, public_key, private_key, client_id), version)
        self._manner = Manner(installation, Marker.parse(marker_field), credits)
        self._cycles = Cycles({}, {name.casefold(): months for name, months in billing_cycles.items()})
        self._asking = Lock()
        self._member = member
        self._clock = clock
        self._traits = replace(TRAITS, settle=settle)
        self._seen_lines: dict[int, frozenset[int]] = {}
        self._absent: set[str] = set()  # ids of agreements that the last read did not find

    @property
    def traits(self) -> Traits:
        return self._traits

    def check(self) -> Sequence[Finding]:
        return Check(self._site, self._manner.marker, self._member, self._clock).findings()

    def companies(self) -> Sequence[Company]:
        rows = self._site.whole("/company/companies", _always, fields=records.COMPANY_FIELDS)
        return records.each((row for row in rows if not records.deleted(row)), records.company, "company")

    def products(self, identifiers: Iterable[str]) -> Mapping[str, Product]:
        """By the identifier as it was asked for; ConnectWise itself does not regard its case."""
        asked = dict.fromkeys(identifiers)
        # A name with both kinds of quotes fits no condition, and so stays a missing product.
        literals = [literal for literal in map(quoted, asked) if literal]
        rows = self._named("/procurement/catalog", "identifier", literals, records.PRODUCT_FIELDS, _fewer)
        found = records.each(rows, lambda row: records.product(row, self._manner.marker), "product")
        by_name = {product.identifier.casefold(): product for product in found}
        return {name: by_name[name.casefold()] for name in asked if name.casefold() in by_name}

    def agreements(self, ids: Iterable[int]) -> Mapping[int, Agreement]:
        asked = frozenset(ids)
        rows = self._named(AGREEMENTS, "id", map(str, sorted(asked)), records.AGREEMENT_FIELDS, self._lost)
        found = {agreement.id: agreement for agreement in self._agreements(rows)}
        self._absent.difference_update(map(str, found))
        self._absent.update(map(str, asked - found.keys()))
        return found

    def batches(self, ids: Iterable[int]) -> Sequence[Sequence[int]]:
        literals = [*map(str, sorted(set(ids)))]
        parts = self._site.batches(AGREEMENTS, "id", literals, fields=records.AGREEMENT_FIELDS)
        return [[*map(int, part)] for part in parts]

    def agreements_of(self, companies: Iterable[int]) -> Sequence[Agreement]:
        ids = map(str, sorted(set(companies)))
        return self._agreements(self._named(AGREEMENTS, "company/id", ids, records.AGREEMENT_FIELDS, _always))

    def lines(self, agreement: int) -> Sequence[Line]:
        """One request, and a second for the count where the list may have lost a line."""
        # Lists are not transactions: a page can lose rows while somebody edits. Counting each time would double the
        # requests of a cycle, so it is done where a line that we have seen is missing, and the first time.
        known = self._seen_lines.get(agreement)
        return self._listed(agreement, lambda rows: known is None or not known <= {row["id"] for row in rows})

    def _listed(self, agreement: int, doubtful: Callable[[Sequence[Record]], bool]) -> Sequence[Line]:
        self._find_marker()
        rows = self._site.whole(_additions(agreement), doubtful, fields=records.ADDITION_FIELDS)
        lines = records.each(rows, lambda row: self._line(row, agreement), "addition")
        self._seen_lines[agreement] = frozenset(line.id for line in lines)
        return lines

    def writes(self, change: Change, agreement: Agreement, today: date) -> Realisation:
        return writes(change, agreement, today, self._manner)

    def execute(self, write: Write) -> Receipt:
        # Only the look for the API's address can raise here, and it comes before the request.
        try:
            answer = self._site.write(write.method, write.path, write.body)
        except ReadFailed as failed:
            return Receipt(Outcome.REFUSED, f"{write.method} {write.path} was not sent: {failed}")
        outcome = receipt(answer, write.method, write.path)
        if outcome.line is not None and write.agreement in self._seen_lines:
            # A list that lacks what we have just made is behind, and must not pass for whole.
            self._seen_lines[write.agreement] |= {outcome.line}
        return self._learnt(write, answer, outcome) if isinstance(answer, Answer) else outcome

    def look_for(self, write: Write) -> Seen:
        return self._look_at(write, write.line) if write.line is not None else self._look_for_mark(write)

    def _look_at(self, write: Write, id: int) -> Seen:
        row = self._site.one(f"{_additions(write.agreement)}/{id}", fields=records.ADDITION_FIELDS)
        if row is None:
            return Seen(Picture.OTHER)  # deleted by a person: neither as before nor as wanted
        (line,) = records.each([row], lambda row: self._line(row, write.agreement), "addition")
        return _compared(write, line)

    def _look_for_mark(self, write: Write) -> Seen:
        """Presence is believed from the search; absence only if the whole list, counted, says the same."""
        # That serialNumber can be searched for is nowhere written down; a search that finds nothing proves nothing.
        # Nor does a list in which all lines are that were known before: the one that is looked for is not among those.
        lines = self._marked(write, self._search(write))
        if not lines:
            listed = self._counted(write.agreement)
            lines, cut = self._marked(write, listed), [line for line in listed if _cut(line.mark, write.mark)]
            if cut and not lines:
                return Seen(Picture.OTHER, cut[0], {"mark": cut[0].mark, **seen(cut[0])})
        if not lines:
            return Seen(Picture.BEFORE)
        if len(lines) > 1:
            return Seen(Picture.TWICE, lines[0])
        return _compared(write, lines[0])

    def _counted(self, agreement: int) -> Sequence[Line]:
        return self._listed(agreement, lambda rows: True)

    def _search(self, write: Write) -> Sequence[Line]:
        marker, literal = self._manner.marker, quoted(write.mark)
        where = {"conditions": f"serialNumber={literal}"}
        if marker.custom:
            where = {"customFieldConditions": f"caption={quoted(marker.caption)} and value={literal}"}
        try:
            rows = self._site.rows(_additions(write.agreement), fields=records.ADDITION_FIELDS, **where)
        except BadRequest:
            return ()
        return records.each(rows, lambda row: self._line(row, write.agreement), "addition")

    def _marked(self, write: Write, lines: Sequence[Line]) -> list[Line]:
        """Lines with the write's mark, without those of an earlier life: they ended before this one begins."""
        start = date.fromisoformat(write.after["start"])
        return [line for line in lines if line.mark.strip() == write.mark and (line.end is None or line.end > start)]

    def _line(self, row: Record, agreement: int) -> Line:
        return records.line(row, agreement, self._manner.marker)

    def _agreements(self, rows: Sequence[Record]) -> list[Agreement]:
        with self._asking:
            self._learn_cycles(rows)
        return records.each(rows, lambda row: records.agreement(row, self._cycles), "agreement")

    def _learn_cycles(self, rows: Sequence[Record]) -> None:
        unknown = self._cycles.unknown(rows)
        if unknown:
            cycles = self._site.rows("/finance/billingCycles", fields=records.CYCLE_FIELDS)
            options = dict(records.each(cycles, records.cycle, "billing cycle"))
            # One that the site does not list either is not asked for again in each cycle.
            self._cycles = replace(self._cycles, options={**dict.fromkeys(unknown, ""), **options})

    def _named(
        self,
        path: str,
        field: str,
        literals: Iterable[str],
        fields: str,
        doubtful: Callable[[Sequence[str], Sequence[Record]], bool],
    ) -> list[Record]:
        """Rows that the literals name, in as few requests as the length of a URL allows."""
        found: list[Record] = []
        for batch in self._site.batches(path, field, [*literals], fields=fields):
            conditions = f"{field} in ({','.join(batch)})"
            found += self._site.whole(path, partial(doubtful, batch), fields=fields, conditions=conditions)
        return found

    def _lost(self, batch: Sequence[str], rows: Sequence[Record]) -> bool:
        """Fewer agreements than the last read found of the same ids."""
        return len(rows) < sum(id not in self._absent for id in batch)

    def _find_marker(self) -> None:
        """The id of the custom field that carries marks, which a POST must name; asked for once."""
        marker = self._manner.marker
        if not marker.custom or marker.field is not None:
            return
        field = custom_field(self._site, marker)
        if field is None:
            raise AccessDenied(
                f"ConnectWise has no custom field {marker.caption!r} on additions, so no mark can be read.",
                "Create it (System > Setup Tables > Custom Fields > Additions, type Text), or correct marker-field.",
            )
        self._manner = replace(self._manner, marker=replace(marker, field=int(field["id"])))

    def _learnt(self, write: Write, answer: Answer, outcome: Receipt) -> Receipt:
        """Some versions refuse a PATCH of an object that has custom fields unless it carries them (reference 4.2)."""
        asks = write.method == "PATCH" and answer.status == 400 and b"customfields" in answer.body.lower()
        if not asks or self._manner.custom_fields:
            return outcome
        self._manner = replace(self._manner, custom_fields=True)
        return replace(outcome, detail=f"{outcome.detail} The next cycle sends the line's custom fields along.")


def _cut(shown: str, mark: str) -> bool:
    """Whether a field holds no more than the beginning of the mark, as one that is too short for it would.

    Taken for absence, each cycle would make the line once more.
    """
    kept = shown.strip()
    return MARK_LENGTH // 2 <= len(kept) < len(mark) and mark.startswith(kept)


def _additions(agreement: int) -> str:
    return f"{AGREEMENTS}/{agreement}/additions"


def _fewer(batch: Sequence[str], rows: Sequence[Record]) -> bool:
    return len(rows) < len(batch)


def _always(*_: object) -> bool:
    return True


def _compared(write: Write, line: Line) -> Seen:
    fields = seen(line)
    if _shows(fields, write.after):
        return Seen(Picture.AFTER, line, fields)
    before = bool(write.before) and _shows(fields, write.before)
    return Seen(Picture.BEFORE if before else Picture.OTHER, line, fields)


def _shows(fields: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(fields.get(name) == value for name, value in wanted.items())
