"""Finds what a company's agreements bill already, proves a cut-over, and writes it into the mapping file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from agent.domain.agreements import Line
from agent.domain.cutover import Answer, Search, clean_day, wrong_choices
from agent.domain.keys import Mark, Role, installation_tag
from agent.domain.mappings import CompanyMapping, Mappings, Row
from agent.domain.ownership import BindingState
from agent.engine.cutting_over import CutOver
from agent.engine.cycle import Cycle
from agent.engine.reading import Agreements, Reads, Sweep, reading
from agent.errors import TrueupError
from agent.mapping_files.writing import Draft
from agent.ports import Memory, Psa
from agent.reports.cutover import CutOverReport
from agent.sku_table import shipped


class NotPossible(TrueupError):
    """The cut-over that was asked for cannot be had."""


def cut_over(
    cycle: Cycle,
    paper: Psa,
    mappings: Mappings,
    company: int,
    on: date,
    serials: Collection[str],
    chosen: Mapping[int, Answer],
) -> tuple[CutOverReport, tuple[Row, ...]]:
    """The report, and the company's rows as they have to be. Reads both sides; raises `NotPossible`, `ReadFailed`.

    `cycle` lends its ports and is not run; `paper` only says which requests a change needs.
    """
    mapping = mappings.companies[company]
    reads, others = _reads(cycle, mapping)
    memory = cycle.store.memory(paper.traits.name, company, reads.agreements.keys(), cycle.clock.now())
    proposals = _search(cycle, mapping, {**others, **reads.lines}, memory, on, serials).proposals(chosen)
    wrong = list(wrong_choices(proposals, chosen))
    if wrong:
        raise NotPossible("; ".join(wrong), "Without choices the command lists what there is")
    histories, now = cycle.histories(mapping), cycle.clock.now()
    cutting = CutOver(mapping, mappings, reads, memory, histories, paper, cycle.policy, cycle.zone, now)
    rehearsal = cutting.rehearse(proposals, on)
    report = CutOverReport(
        company=company,
        on=on,
        currency=cycle.policy.currency,
        line_word=paper.traits.line_word,
        proposals=tuple(proposals),
        proofs=rehearsal.proofs,
        invoices=rehearsal.invoices,
        unclean=tuple(dict.fromkeys(_unclean(rehearsal.rows, reads, on))),
    )
    return report, rehearsal.rows


def written(mapping: CompanyMapping, rows: Sequence[Row]) -> str:
    """Write what differs into the company's mapping file, and leave every other byte alone; the file's name."""
    draft = Draft.of(Path(mapping.place.file))
    for position, (was, row) in enumerate(zip(mapping.rows, rows, strict=True)):
        if row.replaces != was.replaces and row.start_on is not None:
            draft.set(("row", position, "start-on"), row.start_on)
            draft.set(("row", position, "replaces"), list(row.replaces))
        if row.adopt and not was.adopt:
            draft.set(("row", position, "adopt"), True)
    draft.save()
    return mapping.place.file


def _reads(cycle: Cycle, mapping: CompanyMapping) -> tuple[Reads, Mapping[int, Sequence[Line]]]:
    """What a cycle reads of the company; and the lines of its other agreements, which no row names."""
    psa = cycle.psa
    bound = cycle.store.bound_agreements(psa.traits.name).get(mapping.company, frozenset())
    sweep = Sweep(cycle.source, [mapping], mapping.needs)
    agreements = Agreements(psa, mapping.agreements | bound, cycle.wire)
    reads = reading(mapping, agreements, bound, sweep, psa, cycle.catalogue, cycle.wire, lambda _: True)()
    if not reads.complete:
        failure = reads.failures[0]
        raise NotPossible(failure.sentence, failure.remedy)
    others = [a.id for a in psa.agreements_of([mapping.company]) if a.id not in reads.agreements and not a.refusal]
    return reads, {number: psa.lines(number) for number in others}


def _search(
    cycle: Cycle,
    mapping: CompanyMapping,
    lines: Mapping[int, Sequence[Line]],
    memory: Memory,
    on: date,
    serials: Collection[str],
) -> Search:
    psa, tag = cycle.psa.traits.name, installation_tag(cycle.policy.installation)
    today = cycle.clock.today(cycle.zone)
    every = [line for number in sorted(lines) for line in lines[number] if line.live(today)]
    held = [b for b in memory.bindings.values() if b.key.role is not Role.REPLACED and not b.untouched]
    live = {b.key.row for b in held if b.key.role is Role.BASE and b.state is BindingState.LIVE}
    marks = {line.id: Mark.read(line.mark) for line in every}
    return Search(
        on=on,
        rows=mapping.rows,
        names={row.place: _names(row) for row in mapping.rows},
        lines=every,
        serials=serials,
        ours={b.line for b in held} | {id for id, mark in marks.items() if mark and mark.installation == tag},
        begun={row.place for row in mapping.rows if row.key(psa).row in live},
    )


def _names(row: Row) -> list[str]:
    """What people and other tools call a row's licence."""
    skus = [word for sku in row.skus for word in (sku, shipped().part_number(sku) or "", shipped().name(sku))]
    return [word for word in (*skus, row.subscription, row.text, row.name) if word]


def _unclean(rows: Sequence[Row], reads: Reads, on: date) -> Iterator[str]:
    for row in rows:
        agreement = reads.agreements.get(row.agreement)
        if row.replaces and agreement is not None and agreement.months is not None:
            why = clean_day(agreement, on)
            if why:
                yield why
