"""One write: sent once whatever comes back, and afterwards seen, not seen, or seen otherwise (safety 2, 3)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from agent.domain.changes import AddLine, Outcome, Picture, SetQuantity, Write
from agent.domain.mappings import Increase
from agent.errors import Incomplete, ReadFailed
from agent.psa.connectwise import ConnectWise
from agent.simulators import connectwise as simulated
from agent.simulators.faults import Kind
from tests.psa.connectwise.desk import AGREEMENT, CONTOSO, KEY, PRODUCT, TODAY, Desk, adapter, mark, terms

LINES = f"/finance/agreements/{AGREEMENT}/additions"


def adding(desk: Desk) -> Write:
    change = AddLine(
        key=KEY, company=CONTOSO, label="", product=4021, after=terms(10), effective=TODAY, reason="", holding=None
    )
    (write,) = desk.psa.writes(change, desk.agreement, TODAY).writes
    return write


def raising(desk: Desk) -> Write:
    """A PATCH of the base from 10 to 12."""
    change: SetQuantity = desk.set_quantity(12, Increase.FULL)
    (write,) = desk.psa.writes(change, desk.agreement, TODAY).writes
    return write


def sent(site: simulated.ConnectWise) -> int:
    return sum(exchange.request.method != "GET" for exchange in site.log)


HARMLESS = [Kind.REFUSED, Kind.CONNECT_TIMEOUT, Kind.TOO_MANY, Kind.TOO_MANY_BARE]
NOT_DONE = [Kind.TIMEOUT, Kind.DROPPED_BEFORE, Kind.SERVER_TIMEOUT, Kind.ERROR_BEFORE, Kind.REDIRECT]
DONE_UNSEEN = [
    Kind.TIMEOUT_AFTER,
    Kind.LOST_ANSWER,
    Kind.CUT_ANSWER,
    Kind.SERVER_TIMEOUT_AFTER,
    Kind.ERROR_AFTER,
    Kind.BAD_GATEWAY,
    Kind.TRUNCATED_JSON,
    Kind.NOT_JSON,
]


@pytest.mark.parametrize(
    ("kind", "outcome", "picture"),
    [
        *((kind, Outcome.REFUSED, Picture.BEFORE) for kind in HARMLESS),
        *((kind, Outcome.UNKNOWN, Picture.BEFORE) for kind in NOT_DONE),
        *((kind, Outcome.UNKNOWN, Picture.AFTER) for kind in DONE_UNSEEN),
        (Kind.WRONG_ID, Outcome.DONE, Picture.AFTER),
        (Kind.FALSE_OK, Outcome.DONE, Picture.BEFORE),
    ],
)
@pytest.mark.parametrize("make", [adding, raising])
def test_one_request_whatever_comes_back(
    desk: Desk, site: simulated.ConnectWise, make: object, kind: Kind, outcome: Outcome, picture: Picture
) -> None:
    """Each fault: what we may conclude from the answer, and what reading shows afterwards. Never a second request."""
    desk.adopt(10)
    write = make(desk)
    site.faults.add(kind, method="POST|PATCH")
    assert desk.psa.execute(write).outcome is outcome
    assert sent(site) == 1
    assert desk.psa.look_for(write).picture is picture


def test_before_and_after_of_a_new_line(desk: Desk) -> None:
    """Nobody carries the mark; then one line does, with all that we set."""
    write = adding(desk)
    assert desk.psa.look_for(write).picture is Picture.BEFORE
    receipt = desk.psa.execute(write)
    seen = desk.psa.look_for(write)
    assert (seen.picture, seen.line.id if seen.line else None) == (Picture.AFTER, receipt.line)
    assert seen.line is not None
    assert seen.line.mark == mark() == write.mark
    assert seen.fields["prorated"] == "10.65"  # 22.00 x 15/31 per unit, by ConnectWise's own count


def test_absence_takes_two_witnesses(desk: Desk, site: simulated.ConnectWise) -> None:
    """The search by mark comes back empty by mistake: the whole list still shows the line."""
    write = adding(desk)
    desk.psa.execute(write)
    site.faults.add(Kind.EMPTY_LIST, path=LINES)
    assert desk.psa.look_for(write).picture is Picture.AFTER


def test_a_line_we_made_is_missed_by_a_list_that_lags(desk: Desk, site: simulated.ConnectWise) -> None:
    """The list is older than our POST: its count tells, and once more nothing is believed."""
    desk.lines()
    desk.psa.execute(adding(desk))
    site.faults.add(Kind.PAGE_SHORT, path=f"{LINES}$")
    assert len(desk.lines()) == 1


def test_a_list_of_all_that_was_known_proves_no_absence(desk: Desk, site: simulated.ConnectWise) -> None:
    """The answer was lost, so nobody knows the new line, and a list without it looks whole: its count tells."""
    desk.lines()
    write = adding(desk)
    site.faults.add(Kind.LOST_ANSWER, method="POST")
    desk.psa.execute(write)
    site.faults.add(Kind.PAGE_SHORT, path=f"{LINES}$", times=8)
    with pytest.raises(Incomplete):
        desk.psa.look_for(write)


def test_a_search_that_is_not_understood(desk: Desk, site: simulated.ConnectWise) -> None:
    """Where the condition is refused, the whole list is read instead."""
    write = adding(desk)
    desk.psa.execute(write)
    site.faults.add(Kind.ERROR_BEFORE, path=LINES, status=400)
    assert desk.psa.look_for(write).picture is Picture.AFTER


def test_what_cannot_be_looked_at_is_not_settled(desk: Desk, site: simulated.ConnectWise) -> None:
    """No answer to the look is no answer to the question."""
    write = adding(desk)
    site.faults.add(Kind.ERROR_BEFORE, path=LINES, status=503, times=8)
    with pytest.raises(ReadFailed):
        desk.psa.look_for(write)


def test_one_mark_on_two_lines(desk: Desk, site: simulated.ConnectWise) -> None:
    """Executed twice by the server, or copied by a person: seen, and not chosen between."""
    write = adding(desk)
    site.faults.add(Kind.DUPLICATE, method="POST")
    desk.psa.execute(write)
    assert desk.psa.look_for(write).picture is Picture.TWICE


def test_the_mark_of_an_earlier_life(desk: Desk, site: simulated.ConnectWise) -> None:
    """A line of the same mark that had ended before this one begins is not this one."""
    site.add_addition(AGREEMENT, PRODUCT, 9, effective="2025-11-01", cancelled="2026-02-28", marker=mark())
    write = adding(desk)
    assert desk.psa.look_for(write).picture is Picture.BEFORE
    desk.psa.execute(write)
    assert desk.psa.look_for(write).picture is Picture.AFTER


@pytest.mark.parametrize(("kind", "size"), [(Kind.FIELD_TRUNCATED, 40), (Kind.FIELD_ROUNDED, 0)])
def test_a_field_that_was_not_kept_as_sent(desk: Desk, site: simulated.ConnectWise, kind: Kind, size: int) -> None:
    """201, and the record says something else than we did: that is neither before nor after."""
    write = adding(desk)
    body = write.body.replace('"billCustomer"', '"unitPrice": 22.10, "billCustomer"')
    long = {**write.after, "price": "22.1", "text": "x" * 41}
    body = body.replace(write.after["text"], "x" * 41)
    write = replace(write, body=body, after=long)
    site.faults.add(kind, method="POST", size=size)
    desk.psa.execute(write)
    assert desk.psa.look_for(write).picture is Picture.OTHER


@pytest.mark.parametrize("size", [15, 29])
def test_mark_that_was_cut_is_not_absent(desk: Desk, site: simulated.ConnectWise, size: int) -> None:
    """A field that holds 15 of 30 characters: the line is there, and making it again would never end."""
    write = adding(desk)
    site.faults.add(Kind.FIELD_TRUNCATED, method="POST", size=size)
    desk.psa.execute(write)
    seen = desk.psa.look_for(write)
    assert (seen.picture, seen.fields["mark"]) == (Picture.OTHER, mark()[:size])


def test_before_and_after_of_a_patch(desk: Desk, site: simulated.ConnectWise) -> None:
    """The whole picture is the ground: a person who touched another field has changed it."""
    id = desk.adopt(10)
    write = raising(desk)
    assert desk.psa.look_for(write).picture is Picture.BEFORE
    site.person_edits(AGREEMENT, id, unitPrice=Decimal("21.00"))
    assert desk.psa.look_for(write).picture is Picture.OTHER
    site.person_edits(AGREEMENT, id, unitPrice=Decimal("22.00"))
    desk.psa.execute(write)
    assert desk.psa.look_for(write).picture is Picture.AFTER


def test_another_spelling_is_no_difference(desk: Desk, site: simulated.ConnectWise) -> None:
    """10.00 is 10, and a zero-width character or a doubled space in a text is nobody's edit."""
    id = desk.adopt(10)
    write = raising(desk)
    site.person_edits(
        AGREEMENT, id, quantity=Decimal("10.000"), invoiceDescription="Microsoft  365 Business\u200b Premium "
    )
    assert desk.psa.look_for(write).picture is Picture.BEFORE


def test_a_line_that_is_gone(desk: Desk, site: simulated.ConnectWise) -> None:
    """404 for the record itself: nothing of it to show."""
    id = desk.adopt(10)
    write = raising(desk)
    site.person_deletes(AGREEMENT, id)
    seen = desk.psa.look_for(write)
    assert (seen.picture, seen.line, dict(seen.fields)) == (Picture.OTHER, None, {})
    assert desk.psa.execute(write).outcome is Outcome.REFUSED


def test_a_late_effect_is_seen_when_it_comes(desk: Desk, site: simulated.ConnectWise) -> None:
    """The timeout came first, the line after 120 s: before, then after."""
    write = adding(desk)
    site.faults.add(Kind.LATE_EFFECT, method="POST", seconds=120)
    assert desk.psa.execute(write).outcome is Outcome.UNKNOWN
    assert desk.psa.look_for(write).picture is Picture.BEFORE
    site.clock.advance(seconds=121)
    assert desk.psa.look_for(write).picture is Picture.AFTER


def test_a_write_that_meets_an_upgrade(desk: Desk, site: simulated.ConnectWise) -> None:
    """The route is gone, so nothing happened; it is not sent again here, and the next read finds the new route."""
    write = adding(desk)
    site.site.routes_old_path = False
    site.upgrade("2026.5")
    receipt = desk.psa.execute(write)
    assert (receipt.outcome, receipt.status, sent(site)) == (Outcome.REFUSED, 404, 1)
    assert "The endpoint does not exist" in receipt.detail
    assert desk.psa.look_for(write).picture is Picture.BEFORE
    assert desk.psa.execute(write).outcome is Outcome.DONE


def test_a_date_that_connectwise_refuses(desk: Desk, site: simulated.ConnectWise) -> None:
    """Its own words come back."""
    write = adding(desk)
    site.person_edits_agreement(AGREEMENT, billStartDate="2026-03-20T00:00:00Z")
    receipt = desk.psa.execute(write)
    assert receipt.outcome is Outcome.REFUSED
    assert "effectiveDate cannot be less than the agreement billing start date" in receipt.detail


def test_custom_fields_are_learnt_from_the_refusal(desk: Desk, site: simulated.ConnectWise) -> None:
    """The first PATCH is refused with 400; what is planned after it carries the fields, and they keep their values."""
    site.add_custom_field("Cost centre", id=7)
    id = desk.adopt(10, customFields=[{"id": 7, "value": "4711"}])
    site.site.wants_custom_fields = True
    receipt = desk.psa.execute(raising(desk))
    assert receipt.outcome is Outcome.REFUSED
    assert receipt.detail.endswith("The next cycle sends the line's custom fields along.")
    assert desk.psa.execute(raising(desk)).outcome is Outcome.DONE
    addition = site.addition(AGREEMENT, id)
    assert (addition["quantity"], addition["customFields"][0]["value"]) == (12, "4711")


class TestMarkInACustomField:
    @pytest.fixture
    def psa(self, site: simulated.ConnectWise) -> ConnectWise:
        site.add_custom_field("Room", id=6)
        site.add_custom_field("Trueup line", id=7)
        return adapter(site, marker_field="custom:trueup LINE")

    def test_it_is_written_and_found_there(self, desk: Desk, site: simulated.ConnectWise) -> None:
        """The serial number stays free for serial numbers."""
        desk.lines()
        write = adding(desk)
        assert desk.psa.look_for(write).picture is Picture.BEFORE
        desk.psa.execute(write)
        assert desk.psa.look_for(write).picture is Picture.AFTER
        ((addition),) = site.additions(AGREEMENT)
        assert [entry["value"] for entry in addition["customFields"]] == [None, mark()]
        assert "serialNumber" not in addition

    def test_without_the_field_nothing_is_read(self, site: simulated.ConnectWise) -> None:
        """Lines whose marks cannot be read would pass for other people's."""
        with pytest.raises(ReadFailed, match="no custom field 'Trueup lines'") as caught:
            adapter(site, marker_field="custom:Trueup lines").lines(AGREEMENT)
        assert "System > Setup Tables > Custom Fields" in caught.value.remedy
