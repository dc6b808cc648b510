"""ConnectWise PSA on loopback: the API of agreements and additions, its quirks, and its billing."""

from agent.simulators.connectwise.billing import Charge, Invoice, Span
from agent.simulators.connectwise.simulator import ConnectWise
from agent.simulators.connectwise.site import Site

__all__ = ["Charge", "ConnectWise", "Invoice", "Site", "Span"]
