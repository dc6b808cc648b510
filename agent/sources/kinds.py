"""What the kinds of sources tell, for those who read mapping files; without loading any of them."""

from __future__ import annotations

from collections.abc import Mapping

from agent.domain.mappings import Basis, SourceTraits

TRAITS: Mapping[str, SourceTraits] = {
    "pax8": SourceTraits(Basis.PURCHASED, licences=True),
}
