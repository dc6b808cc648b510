"""The log: one event per line, JSON for machines or console for people, with names that stay.

What an event carries comes from tenants and servers. It is escaped, so that a name can neither forge a line nor steer
a terminal; and a value of a type that JSON lacks is shown by its `repr`, which for a `Secret` shows nothing.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import unicodedata
from collections.abc import Mapping, MutableMapping
from datetime import date
from decimal import Decimal
from typing import Any, TextIO, cast

import structlog
from structlog.typing import Processor

Event = MutableMapping[str, Any]

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str, form: str, stream: TextIO) -> None:
    """Log from `level` on to the stream; `form` is json or console. Libraries log through it, too, from warning on."""
    colours = form == "console" and stream.isatty()
    before: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        plain_values,
    ]
    last = [_json] if form == "json" else [_escaped, structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=24)]
    structlog.configure(
        processors=[*before, *last],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[_named, _drop_meta, *before, *last]))
    logging.basicConfig(handlers=[handler], level=max(LEVELS[level], logging.WARNING), force=True)
    threading.excepthook = _thread_died


def plain_values(_: object, __: str, event: Event) -> Event:
    return {name: plain(value) for name, value in event.items()}


def plain(value: object) -> object:
    """The value as JSON may hold it."""
    match value:
        case None | bool() | int() | float():
            return value
        case str() | Decimal() | date():
            return str(value)
        case Mapping():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(inner) for inner in value]
    return repr(value)


def escaped(text: str) -> str:
    """Line breaks, escape sequences and invisible characters as `\\n`, `\\x1b`, `\\u202e`; everything else as it is."""
    if text.isprintable():
        return text
    return "".join(c if c == " " or unicodedata.category(c)[0] not in "CZ" else ascii(c)[1:-1] for c in text)


def _json(_: object, __: str, event: Event) -> str:
    first = {name: event[name] for name in ("timestamp", "level", "event")}
    return json.dumps({**first, **event}, ensure_ascii=True)


def _escaped(_: object, __: str, event: Event) -> Event:
    """For a terminal. A traceback keeps its lines, indented, so that none of them looks like an event."""
    trace = event.pop("exception", None)
    shown = {name: escaped(value) if isinstance(value, str) else value for name, value in event.items()}
    if trace is not None:
        shown["exception"] = "\n".join(f"    {escaped(line)}" for line in trace.splitlines())
    return shown


def _named(_: object, __: str, event: Event) -> Event:
    """A library's record under one name for all of them; the text is its own."""
    return {**event, "event": "library", "logger": event["_record"].name, "says": event["event"]}


def _drop_meta(logger: Any, name: str, event: Event) -> Event:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, name, event)


def _thread_died(arguments: threading.ExceptHookArgs) -> None:
    """What Python would print over many lines of stderr, as one event."""
    thread = arguments.thread.name if arguments.thread else "?"
    info = (arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
    structlog.get_logger().error("thread.died", thread=thread, exc_info=info)


class _Stderr:
    """The stderr of the moment: a progress bar puts its own in place while it is drawn."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)


STDERR = cast(TextIO, _Stderr())
