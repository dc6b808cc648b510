"""Microsoft 365 licences over Graph, app-only per tenant.

source.py       the port: accounts, observe, check
graph.py        one batch, further pages, what a refusal means
records.py      what Graph sends and how it becomes our words
tokens.py       access tokens per tenant; credentials.py proves who we are, refusals.py says why not
clouds.py       Microsoft's clouds
partner_center.py  what the partner sold: terms, ends, windows
"""

from agent.sources.microsoft.credentials import Certificate, ClientSecret
from agent.sources.microsoft.source import MicrosoftSource

__all__ = ["Certificate", "ClientSecret", "MicrosoftSource"]
