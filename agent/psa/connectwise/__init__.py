"""ConnectWise PSA: agreements, and the additions that bill on them."""

from agent.psa.connectwise.psa import TRAITS, ConnectWise

__all__ = ["TRAITS", "ConnectWise"]
