"""Lines on paper: writes take effect on them at once, and nothing else ever happens to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count

from agent.domain.agreements import Billable, Line, Product
from agent.domain.changes import Change, Write
from agent.domain.ownership import pictured


@dataclass(slots=True)
class Paper:
    """The lines of some agreements. Those made here have negative ids, which no PSA gives."""

    _lines: dict[int, Line] = field(default_factory=dict)
    _ids: count[int] = field(default_factory=lambda: count(-1, -1))

    def of(self, agreements: Iterable[int]) -> Mapping[int, Sequence[Line]]:
        known = sorted(self._lines.values(), key=lambda line: abs(line.id))
        return {agreement: [line for line in known if line.agreement == agreement] for agreement in agreements}

    def lay(self, lines: Iterable[Line], kept: Collection[int]) -> None:
        """Take these lines as they are, in place of all but the ones to be kept and those that were made here."""
        self._lines = {id: line for id, line in self._lines.items() if id < 0 or id in kept}
        self._lines |= {line.id: line for line in lines}

    def write(self, change: Change, write: Write, product: Product | None) -> Line:
        """Carry a request out as the PSA would: what it leaves open is the product's."""
        before = self._lines[write.line] if write.line is not None else self._blank(change, write, product)
        line = pictured(before, write.after)
        self._lines[line.id] = line
        return line

    def _blank(self, change: Change, write: Write, product: Product | None) -> Line:
        price, text = (product.price, product.description) if product else (None, "")
        none, days = Decimal(0), (None, None)
        where = next(self._ids), write.agreement, change.product, write.after["product"]
        return Line(*where, none, none, price, Billable.BILLABLE, *days, text, write.mark)
