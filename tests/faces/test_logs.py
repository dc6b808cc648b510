"""The log: one line an event, stable names, nothing that forges or steers, no secret."""

import ast
import io
import json
import logging
import re
import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest
import structlog

from agent import logs
from agent.credentials import Secret
from tests.faces.shell import log_restored
from tests.house.source import REPOSITORY, modules

OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text()
HOSTILE = 'Contoso\n{"event": "forged"}\x1b[31m\u202etxt'


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Whatever a test configures is undone after it."""
    with log_restored():
        yield io.StringIO()


def test_event_is_one_line_of_json(stream: io.StringIO) -> None:
    """Time, level and name come first; a name with line breaks stays a value."""
    logs.configure("info", "json", stream)
    structlog.get_logger().info("run.started", company=HOSTILE, share=Decimal("1.50"))
    [line] = stream.getvalue().splitlines()
    event = json.loads(line)
    assert list(event)[:3] == ["timestamp", "level", "event"]
    assert event["company"] == HOSTILE
    assert event["share"] == "1.50"
    assert line.isascii()


def test_console_escapes_what_would_steer_it(stream: io.StringIO) -> None:
    """On a terminal, too, an event is one line, and an escape sequence is shown and not obeyed."""
    logs.configure("info", "console", stream)
    structlog.get_logger().info("run.started", company=HOSTILE)
    [line] = stream.getvalue().splitlines()
    assert "\x1b" not in line
    assert "\u202e" not in line
    assert "\\n" in line


@pytest.mark.parametrize("form", ["json", "console"])
def test_secret_is_never_shown(stream: io.StringIO, form: str) -> None:
    """Neither as a value nor inside one, because of its type and not of its name."""
    logs.configure("debug", form, stream)
    secret = Secret("hunter2")
    structlog.get_logger().info("run.started", innocent=secret, nested={"list": [secret]}, text=f"{secret}")
    assert "hunter2" not in stream.getvalue()


def test_level_is_the_least_severity(stream: io.StringIO) -> None:
    """What is less severe is not written."""
    logs.configure("warning", "json", stream)
    structlog.get_logger().info("run.started")
    structlog.get_logger().warning("run.failed")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["run.failed"]


def test_libraries_speak_in_our_form(stream: io.StringIO) -> None:
    """Their warnings are one event, whatever they say; their chatter is left out."""
    logs.configure("info", "json", stream)
    logging.getLogger("urllib3").info("chatter")
    logging.getLogger("urllib3").warning("Retrying %s", "a\nb")
    [line] = stream.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["logger"], event["says"]) == ("library", "urllib3", "Retrying a\nb")


def test_dying_thread_is_an_event(stream: io.StringIO) -> None:
    """With its traceback as a value: Python would print it over many lines of stderr."""
    logs.configure("info", "json", stream)
    error = ZeroDivisionError("division by zero")
    threading.excepthook(threading.ExceptHookArgs((type(error), error, None, threading.current_thread())))
    [line] = stream.getvalue().splitlines()
    assert json.loads(line)["event"] == "thread.died"
    assert "ZeroDivisionError" in json.loads(line)["exception"]


def events() -> set[str]:
    """Every event of the source: what a module that logs passes to a call, and is named as events are."""
    logging_ones = [m for m in modules("agent") if "structlog" in m.text and "simulators" not in m.path]
    calls = [node for module in logging_ones for node in module.nodes() if isinstance(node, ast.Call)]
    texts = {a.value for c in calls for a in c.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return {text for text in texts if re.fullmatch(r"[a-z]+\.[a-z-]+", text) and text != "agent.outgoing"} | {"library"}


def test_every_event_is_documented() -> None:
    """docs/operations.md lists all events, and none that is gone: people build alarms on them."""
    documented = set(re.findall(r"^\| `([a-z]+(?:\.[a-z-]+)?)` \| (?:debug|info|warning|error)", OPERATIONS, re.M))
    assert documented == events()
