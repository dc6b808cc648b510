"""The composition root: settings become a running agent. Nothing else names adapters, settings and the clock together."""

from __future__ import annotations
