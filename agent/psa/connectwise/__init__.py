"""ConnectWise PSA: agreements, and the additions that bill on them."""

from agent.psa.connectwise.psa import ConnectWise

__all__ = ["ConnectWise"]
