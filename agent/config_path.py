"""Where agent.toml is. Apart from the settings, because `trueup status` has no time for pydantic."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def config_path(given: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """As given, else TRUEUP_CONFIG, else in this folder if it is there, else in /etc/trueup."""
    if given is not None:
        return given
    if "TRUEUP_CONFIG" in environment:
        return Path(environment["TRUEUP_CONFIG"])
    here = Path("agent.toml")
    return here if here.exists() else Path("/etc/trueup/agent.toml")
