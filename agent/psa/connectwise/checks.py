"""What `check` asks of a ConnectWise site: address, keys, rights, the field for marks, the clock. It only reads.

Whether the member's role allows more than Trueup needs (Delete above all) cannot be seen without trying, so it is not
asked; and Add and Edit on agreements show themselves at the first write only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from agent.domain.findings import Code, Finding, Severity
from agent.errors import CredentialsRejected, ReadFailed, Unreachable
from agent.ports import Clock
from agent.psa.connectwise.records import CUSTOM_FIELD_FIELDS, CYCLE_FIELDS, Marker, Record
from agent.psa.connectwise.rights import ROLE
from agent.psa.connectwise.site import Site, quoted

CLOCK_TOLERANCE = 300  # seconds, as for the jumps of our own clock
_CREATE_FIELD = "Create it: System > Setup Tables > Custom Fields > Additions, type Text; or correct marker-field."


def custom_field(site: Site, marker: Marker) -> Record | None:
    """The definition of the field that carries marks. Other screens may have a field of the same caption."""
    literal = quoted(marker.caption)
    where = {"conditions": f"caption={literal}"} if literal else {}
    rows = site.rows("/system/userDefinedFields", fields=CUSTOM_FIELD_FIELDS, **where)
    # The condition is a courtesy: what it means for case and blanks is the database's affair.
    named = [row for row in rows if marker.names(str(row.get("caption")))]
    ours = [row for row in named if "addition" in str(row.get("podDescription")).casefold()] or named
    return ours[0] if len(ours) == 1 else None


@dataclass(frozen=True, slots=True)
class Check:
    site: Site
    marker: Marker
    member: str | None
    clock: Clock | None

    def findings(self) -> list[Finding]:
        """All that a person should mend before the first cycle; empty where nothing is wrong."""
        try:
            # Not /system/info: some sites answer that without any keys.
            date = self.site.head("/finance/agreements/count").get("date")
        except (CredentialsRejected, Unreachable) as error:
            # Everything else would fail alike, and refused keys are not tried on.
            return [_unreadable(error, "agreements")]
        except ReadFailed as error:
            return [_unreadable(error, "agreements"), *self._others()]
        return [*self._clock_off(date), *self._others()]

    def _others(self) -> Iterator[Finding]:
        looks: Mapping[str, Iterator[Finding]] = {
            "companies": self._counted("/company/companies"),
            "products": self._counted("/procurement/catalog"),
            "billing-cycles": self._cycles(),
            "member": self._whose_keys(),
            "marker-field": self._marker_field(),
        }
        for subject, look in looks.items():
            try:
                yield from look
            except ReadFailed as error:
                yield _unreadable(error, subject)

    def _counted(self, path: str) -> Iterator[Finding]:
        self.site.count(path)
        yield from ()

    def _cycles(self) -> Iterator[Finding]:
        self.site.rows("/finance/billingCycles", fields=CYCLE_FIELDS)
        yield from ()

    def _whose_keys(self) -> Iterator[Finding]:
        me = self.site.one("/system/myMembers/info")
        if me is None:
            return
        name, kind = str(me.get("identifier")), me.get("licenseClass")
        # Only the class A is an API member.
        if kind is not None and kind != "A":
            yield _finding(
                Code.PERMISSION_TOO_WIDE,
                "member",
                f"The keys belong to {name}, a person's membership (class {kind}), and carry that person's rights.",
                f"Create an API member with keys of its own, with a role of its own ({ROLE}).",
                Severity.WARNING,
            )
        if self.member and name.casefold() != self.member.casefold():
            yield _finding(
                Code.PSA_UNREADABLE,
                "member-name",
                f"The keys belong to {name}, but psa.connectwise.member is {self.member}: "
                "Trueup's own edits would pass for somebody else's.",
                f'Set psa.connectwise.member to "{name}", or use the keys of {self.member}.',
                Severity.WARNING,
            )

    def _marker_field(self) -> Iterator[Finding]:
        if not self.marker.custom:
            return
        field = custom_field(self.site, self.marker)
        caption = self.marker.caption
        if field is None:
            sentence = f"There is no custom field {caption!r} on additions to carry Trueup's marks."
            yield _finding(Code.PSA_UNREADABLE, "marker-field", sentence, _CREATE_FIELD)
        elif field.get("fieldTypeIdentifier") not in (None, "Text"):
            sentence = f"The custom field {caption!r} is of type {field['fieldTypeIdentifier']}; a mark needs Text."
            yield _finding(Code.PSA_UNREADABLE, "marker-field", sentence, _CREATE_FIELD)

    def _clock_off(self, date: str | None) -> Iterator[Finding]:
        theirs = _instant(date) if date else None
        if self.clock is None or theirs is None:
            return
        off = round((self.clock.now() - theirs).total_seconds())
        if abs(off) > CLOCK_TOLERANCE:
            yield _finding(
                Code.PSA_UNREADABLE,
                "clock",
                f"This machine's clock is {abs(off)} s {'ahead of' if off > 0 else 'behind'} ConnectWise's.",
                "Set the clock (timedatectl set-ntp true): billing dates come from it.",
            )


def _instant(date: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(date)
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def _unreadable(error: ReadFailed, subject: str) -> Finding:
    code = Code.CREDENTIALS_REJECTED if isinstance(error, CredentialsRejected) else Code.PSA_UNREADABLE
    return _finding(code, subject, str(error), error.remedy)


def _finding(code: Code, subject: str, sentence: str, remedy: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(code, severity, None, f"connectwise/{subject}", sentence, remedy)
