"""What the kinds of sources tell, for those who read mapping files; without loading any of them."""

from __future__ import annotations

from collections.abc import Mapping

from agent.domain.devices import DEVICE_CLASSES
from agent.domain.mappings import Basis, SourceTraits

HUNTRESS_PRODUCTS: Mapping[str, str] = {
    "edr": "Huntress Managed EDR",
    "itdr": "Huntress Managed ITDR",
    "ispm": "Huntress Managed ISPM",
    "sat": "Huntress Security Awareness Training",
    "siem": "Huntress Managed SIEM",
}
TRAITS: Mapping[str, SourceTraits] = {
    "pax8": SourceTraits(Basis.PURCHASED, licences=True),
    "huntress": SourceTraits(Basis.ASSIGNED, HUNTRESS_PRODUCTS),
    "datto-rmm": SourceTraits(Basis.ASSIGNED, DEVICE_CLASSES),
    "ninjaone": SourceTraits(Basis.ASSIGNED, DEVICE_CLASSES),
}
