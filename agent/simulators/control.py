"""The control surface /__sim/: how a demo or a test in another process steers a simulator."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from agent.simulators.messages import Request, Response, json_response
from agent.simulators.simulator import Exchange, Simulator


def control(simulator: Simulator, request: Request) -> Response:
    """Answer a request under /__sim/: 400 with a sentence where it is not understood."""
    if "origin" in request.headers:
        return json_response(403, {"message": "A web page may not steer a simulator."})
    verb = _VERBS.get((request.method, request.path.removeprefix("/__sim/")))
    if verb is None:
        return json_response(404, {"message": f"There is no {request.method} {request.path}."})
    try:
        arguments = request.json() if request.body else {}
        with simulator.lock:
            return json_response(200, verb(simulator, arguments))
    except (LookupError, TypeError, ValueError) as error:
        return json_response(400, {"message": f"{type(error).__name__}: {error}"})


def _clock(simulator: Simulator, arguments: Mapping[str, Any]) -> object:
    """{"set": "2026-03-01T00:00:00Z"} or {"advance": seconds}; both may be left out, to read it."""
    if "set" in arguments:
        simulator.clock.set(datetime.fromisoformat(arguments["set"]))
    simulator.clock.advance(seconds=float(arguments.get("advance", 0)))
    simulator.land_late_effects()  # what fell due in the time skipped has happened before the next look
    return {"now": simulator.clock.now().isoformat()}


def _latency(simulator: Simulator, arguments: Mapping[str, Any]) -> object:
    simulator.latency = float(arguments["seconds"])
    return {"seconds": str(simulator.latency)}


def _faults(simulator: Simulator, arguments: Mapping[str, Any]) -> object:
    """{"clear": true}, {"add": {"kind": ..., "path": ...}}, {"random": {"seed": 7, "chances": {...}}}."""
    if arguments.get("clear"):
        simulator.faults.clear()
    if "add" in arguments:
        simulator.faults.add(**{name: _plain(value) for name, value in arguments["add"].items()})
    if "random" in arguments:
        plan = arguments["random"]
        chances = {kind: float(chance) for kind, chance in plan["chances"].items()}
        simulator.faults.at_random(random.Random(plan["seed"]), chances, path=plan.get("path", ""))
    return {"pending": [fault.kind for fault in simulator.faults.pending]}


def _world(simulator: Simulator, arguments: Mapping[str, Any]) -> object:
    """{"action": name, ...its arguments}."""
    named = dict(arguments)
    action = simulator.actions()[named.pop("action")]
    return {"result": action(**named)}


def _log(simulator: Simulator, _: Mapping[str, Any]) -> object:
    return [_told(exchange) for exchange in simulator.log]


def _state(simulator: Simulator, _: Mapping[str, Any]) -> object:
    return simulator.state()


def _told(exchange: Exchange) -> Mapping[str, object]:
    return {
        "at": exchange.at.isoformat(),
        "method": exchange.request.method,
        "target": exchange.request.target,
        "body": exchange.request.body.decode(errors="replace"),
        "status": exchange.response.status if exchange.response else None,
        "fault": exchange.fault,
        "effects": exchange.effects,
    }


def _plain(value: object) -> Any:
    """Numbers of a fault are times and counts, no money: what JSON wrote with a point is a float here."""
    return value if isinstance(value, str | int) else float(str(value))


_VERBS: Mapping[tuple[str, str], Callable[[Simulator, Mapping[str, Any]], object]] = {
    ("GET", "clock"): _clock,
    ("POST", "clock"): _clock,
    ("POST", "latency"): _latency,
    ("POST", "faults"): _faults,
    ("POST", "world"): _world,
    ("GET", "log"): _log,
    ("GET", "state"): _state,
}
