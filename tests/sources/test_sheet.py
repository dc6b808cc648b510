"""A file keeps the laws of every source, and says nothing that it does not hold."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.domain.counts import Account, Coverage, Needs, Unit
from agent.domain.mappings import Basis
from agent.errors import Absent, Incomplete, Unreachable
from agent.sheets import Choices, Decimals
from agent.simulators.simulator import SimClock
from agent.sku_table import shipped
from agent.sources.sheet import Layout, SheetSource
from tests.contract.source_contract import SourceContract
from tests.sources.counter import MARCH, Clock
from tests.sources.office import SPB

BACKUP = "Company;Service;Qty\nContoso Ltd;Cloud backup;9\nContoso Ltd;Mail archive;12\nFabrikam;Cloud backup;4\n"
USERS = """\
User principal name,Licenses
ann@contoso.com,Microsoft 365 Business Premium+Visio Plan 2
bob@contoso.com,Unlicensed
"""
CONTOSO = Account("backup", "contoso ltd")


class Export:
    """A file that somebody exports, and the source that reads it."""

    def __init__(self, folder: Path, text: str = BACKUP) -> None:
        self.path, self.sim = folder / "export.csv", SimClock(MARCH)
        self.write(text)

    def write(self, text: str, age: timedelta = timedelta()) -> None:
        self.path.write_text(text)
        at = (self.sim.now() - age).timestamp()
        # Each export has a stamp of its own, though all are made within a tick of the disk's clock.
        os.utime(self.path, (at, at))

    def source(self, **given: Any) -> SheetSource:
        plain = {"basis": Basis.ASSIGNED, "unit": Unit.DEVICE, "choices": Choices(), "complete": True}
        return SheetSource("backup", Layout(self.path, **{**plain, **given}), Clock(self.sim), shipped())


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export(tmp_path)


class FileStage:
    """What goes wrong with a file; a copy that lost its last rows looks whole, and lowers nothing without a person."""

    needs = Needs()

    def __init__(self, export: Export) -> None:
        self.export, self.source = export, export.source()
        self.account, self.stranger = CONTOSO, Account("backup", "nobody")

    def now(self) -> datetime:
        return self.export.sim.now()

    def faults(self) -> Iterator[str]:
        yield from ("gone", "empty", "half a row", "a page", "a folder", "half a number")

    def strike(self, fault: str, nth: int, times: int | None) -> None:
        damaged = {
            "empty": "",
            "half a row": BACKUP[:-14],
            "a page": "<html>Please sign in</html>",
            "half a number": BACKUP.replace("12", "1.5"),
        }
        self.export.sim.advance(seconds=1)
        if fault == "gone":
            self.export.path.unlink()
        elif fault == "a folder":
            self.export.path.unlink()
            self.export.path.mkdir()
        else:
            self.export.write(damaged[fault])

    def heal(self) -> None:
        if self.export.path.is_dir():
            self.export.path.rmdir()
        self.export.sim.advance(seconds=1)
        self.export.write(BACKUP)


class TestSheetSource(SourceContract):
    @pytest.fixture
    def stage(self, export: Export) -> FileStage:
        return FileStage(export)


def told(source: SheetSource, account: Account = CONTOSO) -> dict[str, str]:
    return {key: one.told for key, one in source.observe(account).observations.items()}


def test_rows_of_a_company_are_its_counts(export: Export) -> None:
    """Semicolons, any case of the company's name; two rows of one product add up: 9 + 3 = 12."""
    export.write(BACKUP + "CONTOSO LTD;cloud BACKUP;3\n")
    source = export.source(unit=Unit.UNIT)

    assert told(source) == {"cloud backup": "12 units in use", "mail archive": "12 units in use"}
    assert [one.name for one in source.accounts()] == ["Contoso Ltd", "Fabrikam"]


def test_what_is_bought_is_purchased(export: Export) -> None:
    """A distributor's list and a list of agents are two things."""
    assert told(export.source(basis=Basis.PURCHASED))["mail archive"] == "12 devices purchased"


def test_file_covers_no_more_than_it_says(export: Export) -> None:
    """A full export says what there is none of; any other only what there is."""
    whole, part = (export.source(complete=said).observe(CONTOSO) for said in (True, False))
    assert whole.coverage - part.coverage == {Coverage.LICENCES}
    assert whole.from_file
    assert part.from_file


def test_members_have_a_row_each(export: Export) -> None:
    """The export of users of Microsoft's admin center: names joined with a plus, for one company."""
    export.write(USERS)
    chosen = Choices({"product": "Licenses", "member": "User principal name"})
    source = export.source(choices=chosen, account="Contoso", joined=True, unit=Unit.SEAT)
    seen = source.observe(Account("backup", "contoso"))

    assert seen.observations[SPB].told == "1 seat in use"
    assert [(one.login, len(one.licences)) for one in seen.members] == [("ann@contoso.com", 2)]
    assert Coverage.MEMBERS in seen.coverage


def test_headers_of_any_language_can_be_named(export: Export) -> None:
    """Decimal commas as well, where the file itself leaves them open."""
    export.write("Kunde\tDienst\tAnzahl\nContoso Ltd\tBackup\t1.200\n")
    chosen = Choices({"account": "Kunde", "product": "Dienst", "quantity": "Anzahl"}, Decimals.COMMA)
    assert told(export.source(choices=chosen)) == {"backup": "1200 devices in use"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BACKUP.replace("Qty", "Comment"), "has no column for the quantity"),
        (BACKUP.replace(";9", ";9.5"), "row 2: 9.5 is no number of units"),
        (BACKUP.replace(";9", ";-1"), "row 2: -1 is no number of units"),
        (BACKUP.replace(";9", ";nine"), 'row 2, column Qty: "nine" is no number'),
        (BACKUP.replace("Fabrikam", ""), "row 4, column Company: is empty"),
    ],
)
def test_bad_file_is_told(export: Export, text: str, said: str) -> None:
    """With file, row and column, and where the settings of it stand."""
    export.write(text)
    with pytest.raises(Incomplete) as refused:
        export.source().observe(CONTOSO)
    assert said in str(refused.value)
    assert "export.csv" in str(refused.value)
    assert refused.value.remedy


def test_device_that_is_listed_twice_is_no_two(export: Export) -> None:
    """One of the rows is wrong, and nobody knows which."""
    export.write("Site,Host,Class\nContoso,PC1,agent\nContoso,pc1,agent\n")
    chosen = Choices({"member": "Host", "product": "Class"})
    with pytest.raises(Incomplete, match="row 3: pc1 is listed a second time"):
        export.source(choices=chosen).observe(Account("backup", "contoso"))


def test_old_file_is_not_believed(export: Export) -> None:
    """Nobody exported it for five weeks; what was billed stays as it is."""
    export.write(BACKUP, age=timedelta(days=36))
    with pytest.raises(Incomplete, match="36 days old"):
        export.source().observe(CONTOSO)


def test_missing_file_and_missing_company_are_told(export: Export) -> None:
    """Neither is zero."""
    with pytest.raises(Absent, match="no row of wingtip"):
        export.source().observe(Account("backup", "wingtip"))
    export.path.unlink()
    with pytest.raises(Unreachable):
        export.source().observe(CONTOSO)


def test_file_is_parsed_once_until_it_changes(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fleet of companies shares it, and a new export counts at the next look."""
    source = export.source()
    first = source._read()
    assert source._read() is first
    export.sim.advance(seconds=60)
    export.write(BACKUP.replace(";9", ";8"))
    assert told(source)["cloud backup"] == "8 devices in use"
