"""The Microsoft source keeps the laws of every source."""

import random
from collections.abc import Iterator
from datetime import datetime

import pytest

from agent.domain.counts import Account, Needs
from agent.ports import Source
from agent.simulators.faults import ANATOMY, Show
from agent.simulators.microsoft import READ_LICENCES, Odd
from agent.simulators.microsoft.fleet import fill
from tests.contract.source_contract import SourceContract
from tests.sources.office import APP, CONTOSO_ACCOUNT, SPB, SPE_E3, STRANGER, Office

# Answers that are whole and wrong: no single reading can tell, so the engine holds whatever vanishes (safety 5).
LIES = {Odd.EMPTY_LIST, Odd.SKU_VANISHED, Odd.READ_LAG}
# Only users and members of groups come with a count; in the other lists a lost row is a lie like those.
OF_USERS = {Odd.PAGE_SHORT, Odd.PAGE_SKIPPED, Odd.PAGE_REPEATED, Odd.COUNT_WRONG}


GROUPS = ("77777777-0000-4000-8000-000000000001", "77777777-0000-4000-8000-000000000002")


INTUNE = "DeviceManagementManagedDevices.Read.All"


class MicrosoftStage:
    def __init__(self) -> None:
        self.office = Office()
        fill(self.office.tenant, 1050, [SPB, SPE_E3], random.Random(1))
        self.office.add_tenant(STRANGER, "Fabrikam").withdraw_consent(APP)
        self.office.tenant.consent(APP, (*READ_LICENCES, "GroupMember.Read.All", "Reports.Read.All", INTUNE))
        users = list(self.office.tenant.holdings.users)
        for id, members in zip(GROUPS, (users[:3], users[:1010]), strict=True):
            self.office.tenant.add_group(id, members, id=id)
        for number in range(3):
            self.office.tenant.add_mailbox(f"box{number}@contoso.com", f"Box {number}")
        for number in range(3):
            self.office.tenant.add_device(f"PC{number}")
        self.needs = Needs(frozenset(GROUPS), mailboxes=True, devices=True)
        self.source: Source = self.office.source()
        self.account = CONTOSO_ACCOUNT
        self.stranger = Account("microsoft", STRANGER)

    def now(self) -> datetime:
        return self.office.now()

    def faults(self) -> Iterator[str]:
        yield from (f"graph {odd}" for odd in Odd if odd not in LIES)
        yield from (f"wire {kind}" for kind, (_, show) in ANATOMY.items() if show is not Show.ANSWER)

    def strike(self, fault: str, nth: int, times: int | None) -> None:
        where, _, kind = fault.partition(" ")
        if where == "wire":
            self.office.microsoft.faults.add(kind, nth=nth, times=times or 1000)
        else:
            path = "/users|/transitiveMembers" if kind in OF_USERS else ""
            self.office.microsoft.graph.oddities.add(kind, path=path, nth=nth, times=times)

    def heal(self) -> None:
        """A day later, so that the next reading starts with a new token."""
        self.office.microsoft.faults.clear()
        self.office.microsoft.graph.oddities.clear()
        self.office.sleep(86_400)


class TestMicrosoftSource(SourceContract):
    @pytest.fixture
    def stage(self) -> MicrosoftStage:
        return MicrosoftStage()
