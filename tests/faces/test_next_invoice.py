"""What `trueup plan` says of the next invoices of the simulated MSP, against the invoices that it then makes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from agent.simulators.world import BackOffice, World
from tests.faces.shell import here


@contextmanager
def msp(folder: Path, at: datetime) -> Iterator[tuple[BackOffice, str]]:
    world = World.build(at)
    with world.serve() as served:
        yield world.connectwise, str(world.write_configuration(folder, served, "127.0.0.1:1"))


def invoiced(office: BackOffice) -> Counter[int]:
    """The next invoice of every agreement that has one, which is made, in cents."""
    numbers = [record.fields["id"] for record in office.tables.listed("agreements")]
    return Counter({n: int(invoice.total * 100) for n in numbers for invoice in office.invoice(n)})


def test_every_agreement_is_invoiced_as_the_plan_says(tmp_path: Path) -> None:
    """Of two MSPs with one history one does all that its plan says: to the cent, its invoices differ by that.

    Monthly and yearly agreements, in advance and in arrears, prorated and by whole periods; lower counts have had their
    second read, two seconds after the first. The text says what the values say.
    """
    now = datetime.now(UTC)
    with msp(tmp_path / "done", now) as (office, config):
        here("--config", config, "plan")
        time.sleep(2)
        plan = here("--config", config, "plan", "--json").json()
        text = " ".join(here("--config", config, "plan").out.split())
        said = Counter[int]()
        for change in (change for company in plan["companies"] for change in company["changes"] if change["writes"]):
            amount = Decimal(change["next_invoice"]["amount"])
            said[change["agreement"]] += int(amount * 100)
            assert not amount or f"{amount:+,} USD on the next invoice of" in text
        for hold in here("--config", config, "holds", "--json").json():
            here("--config", config, "approve", hold["digest"])
        synced = here("--config", config, "sync")
        assert (synced.status, "Halcyon Bay Hotel" in synced.out) == (1, True)  # its tenant has not consented
        done = invoiced(office)
    with msp(tmp_path / "not", now) as (office, _):
        not_done = invoiced(office)
    assert len([cents for cents in said.values() if cents]) >= 8
    assert {n: done[n] - not_done[n] for n in done} == {n: said[n] for n in done}
    assert Decimal(plan["totals"]["next_invoices"]["amount"]) * 100 == said.total()
