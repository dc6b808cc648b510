"""The PSAs that Trueup writes to, by the name that `psa.kind` gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agent.ports import Psa, Traits
from agent.psa import connectwise
from agent.psa.connectwise import ConnectWise

FACTORIES: Mapping[str, Callable[..., Psa]] = {"connectwise": ConnectWise}
TRAITS: Mapping[str, Traits] = {"connectwise": connectwise.TRAITS}

__all__ = ["FACTORIES", "TRAITS", "ConnectWise"]
