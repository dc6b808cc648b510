"""Every law of a store in one class, for the tests of its adapters to inherit."""

from __future__ import annotations

from tests.contract.store_contract import Entries, Learning, Runs, Snapshots, Writer
from tests.contract.store_decisions import Findings, Holds
from tests.contract.store_histories import Histories
from tests.contract.store_keeping import Keeping
from tests.contract.store_proofs import Chain, RoundTrips
from tests.contract.store_settling import Settling


class StoreContract(
    Runs, Entries, Learning, Findings, Holds, Snapshots, Histories, Writer, Keeping, Settling, RoundTrips, Chain
):
    """Its test gives the fixture `place`."""
