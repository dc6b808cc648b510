"""Microsoft's side of the wire: login.microsoftonline.com and the licence part of Graph v1.0.

Built from Microsoft's published description (Graph v1.0, metadata of 2026-08-20) and the notes of the reference
page of this vendor; what it answers without a fault is validated against that description by the tests.
"""

from agent.simulators.microsoft.fleet import generate
from agent.simulators.microsoft.oddities import Odd, Oddity
from agent.simulators.microsoft.simulator import MicrosoftSimulator
from agent.simulators.microsoft.tenant import READ_LICENCES, Tenant
from agent.simulators.microsoft.throttle import Throttle

__all__ = ["READ_LICENCES", "MicrosoftSimulator", "Odd", "Oddity", "Tenant", "Throttle", "generate"]
