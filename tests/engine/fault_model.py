"""What can happen to the agent (reliability 2.1), and by which names the harness counts that it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

FAULTS: Mapping[str, Sequence[str]] = {
    "connection refused, or refused by the PSA": ("refused", "connect-timeout"),
    "conflict (409, 412, 423)": ("conflict",),
    "429 with Retry-After": ("too-many",),
    "429 without": ("too-many-bare",),
    "timeout without effect": ("timeout", "dropped-before", "lost"),
    "effect, then no answer": ("timeout-after", "lost-answer", "cut-answer", "answer-lost"),
    "effect later than the timeout": ("late-effect", "late"),
    "5xx before the effect": ("error-before", "server-timeout"),
    "5xx after the effect": ("error-after", "server-timeout-after"),
    "502 of a proxy after the effect": ("bad-gateway",),
    "2xx that is cut": ("truncated-json",),
    "2xx that is no JSON": ("not-json",),
    "2xx with a wrong id": ("wrong-id",),
    "2xx without effect": ("false-ok",),
    "307": ("redirect",),
    "delivered twice": ("duplicate", "twice"),
    "reads behind by up to 60 s": ("read-lag", "lag"),
    "read without an answer": ("failed",),
    "page skipped": ("page-skipped",),
    "page repeated": ("page-repeated",),
    "page short": ("page-short", "short"),
    "count disagrees": ("count-wrong",),
    "empty list": ("empty-list",),
    "tenant unreadable, empty or in contradiction": ("tenant is ill",),
    "field cut or rounded by the PSA": ("field-truncated", "field-rounded", "distorted"),
    "person edits a line": ("person edits", "edit meanwhile"),
    "person deletes a line": ("person deletes",),
    "person ends a line": ("person ends",),
    "person copies a line": ("person copies",),
    "person keeps, takes or releases a line": ("person says keep", "person says take", "person says release"),
    "invoice between or within cycles": ("invoice", "invoice meanwhile"),
    "clock jump": ("clock jump",),
    "crash": ("death before", "death after"),
    "commit that fails, or is not heard of": ("commit fails", "commit unheard"),
    "second agent": ("second agent meanwhile",),
    "store restored or lost": ("store restored", "store lost"),
    "mapping change in mid-cycle": ("mapping meanwhile",),
}

# Every call that one cycle makes, so every place between two of its steps.
STEPS = (
    *("newest", "open_run", "entry_open", "bound_agreements", "memory", "learn", "refusals"),
    *("intend", "close", "looked", "mended", "report", "seal_run", "note"),
    *("agreements", "products", "lines", "writes", "look_for", "execute", "observe"),
)


def struck(told: Mapping[str, int]) -> dict[str, int]:
    """How often each class of faults struck, from what schedules told."""
    return {fault: sum(told.get(f"met {name}", 0) for name in names) for fault, names in FAULTS.items()}


def deaths(told: Mapping[str, int]) -> Counter[str]:
    """How often the process died at each step."""
    return Counter({step: told.get(f"met death at {step}", 0) for step in STEPS})
