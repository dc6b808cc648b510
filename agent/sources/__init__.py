"""Where counts come from: one package or module per source, by name."""

from collections.abc import Callable, Mapping

from agent.ports import Source
from agent.sources.microsoft import MicrosoftSource

SOURCES: Mapping[str, Callable[..., Source]] = {"microsoft": MicrosoftSource}
