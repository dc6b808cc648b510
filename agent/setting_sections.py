"""What sections of agent.toml are made of."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def required(meaning: str) -> Any:
    return Field(description=meaning)


def setting(default: object, meaning: str, shown: str | None = None, **limits: Any) -> Any:
    """`shown` tells of a default that depends on other settings, where `default` itself is None."""
    extra: dict[str, Any] | None = {"shown": shown} if shown else None
    return Field(default, validate_default=True, description=meaning, json_schema_extra=extra, **limits)


def section(meaning: str) -> Any:
    """A section that may be left out, because each of its settings has a default."""
    return Field(default_factory=dict, validate_default=True, description=meaning)


class Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=lambda name: name.replace("_", "-")
    )
