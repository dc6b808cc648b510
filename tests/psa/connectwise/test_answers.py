"""What the answer to a write proves: the table of safety 2 and reference 5, one row each."""

import json

import pytest

from agent.domain.changes import Outcome
from agent.outgoing import Answer, Lost
from agent.psa.connectwise.answers import receipt

JSON = {"content-type": "application/vnd.connectwise.com+json; version=2026.4", "x-cw-request-id": "r-1"}
HTML = {"content-type": "text/html"}
PATH = "/finance/agreements/1021/additions"


def answer(status: int, body: object, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {**JSON, **named}, json.dumps(body).encode(), f"https://psa.example{PATH}")


def page(status: int) -> Answer:
    return Answer(status, HTML, b"<html>Attention required</html>", f"https://psa.example{PATH}")


def error(status: int, code: str = "InvalidObject", **headers: str) -> Answer:
    return answer(status, {"code": code, "message": "addition object is invalid", "errors": None}, **headers)


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (answer(201, {"id": 4711}), Outcome.DONE),
        (answer(200, {"id": 4711}), Outcome.DONE),
        (answer(201, {}), Outcome.DONE),
        (Answer(201, JSON, b'{"id": 47', "https://psa.example/"), Outcome.UNKNOWN),
        (page(200), Outcome.UNKNOWN),
        (answer(200, []), Outcome.UNKNOWN),
        (page(302), Outcome.UNKNOWN),
        (error(307), Outcome.UNKNOWN),
        (error(400), Outcome.REFUSED),
        (error(401, "Unauthorized"), Outcome.REFUSED),
        (page(401), Outcome.REFUSED),
        (error(403, "Security"), Outcome.REFUSED),
        (error(404, "ConnectWiseApi"), Outcome.REFUSED),
        (error(404, "NotFound"), Outcome.REFUSED),
        (page(404), Outcome.UNKNOWN),
        (page(400), Outcome.UNKNOWN),
        (error(408), Outcome.UNKNOWN),
        (error(409), Outcome.CONFLICT),
        (error(412), Outcome.CONFLICT),
        (error(423), Outcome.CONFLICT),
        (answer(429, {"error": "ConnectWiseAPI", "message": "Too many requests."}), Outcome.REFUSED),
        (page(429), Outcome.REFUSED),
        (error(500), Outcome.UNKNOWN),
        (page(502), Outcome.UNKNOWN),
        (error(503), Outcome.UNKNOWN),
        (Lost(False, "nobody accepts connections there"), Outcome.REFUSED),
        (Lost(True, "it kept silent until the timeout"), Outcome.UNKNOWN),
    ],
    ids=str,
)
def test_outcomes(given: Answer | Lost, outcome: Outcome) -> None:
    """Refused only where it surely did not happen; what may have happened is unknown."""
    assert receipt(given, "POST", PATH).outcome is outcome


def test_a_receipt_keeps_what_support_asks_for() -> None:
    """The id of the request in ConnectWise's own log, the status, and the id of the line."""
    got = receipt(answer(201, {"id": 4711}), "POST", PATH)
    assert (got.line, got.status, got.request_id) == (4711, 201, "r-1")


def test_a_refusal_says_all_that_connectwise_said() -> None:
    """The message and each detail, on one line."""
    body = {
        "code": "InvalidObject",
        "message": "addition object is invalid",
        "errors": [{"code": "InvalidObject", "message": "effectiveDate cannot be less\r\nthan the billing start date"}],
    }
    assert receipt(answer(400, body), "POST", PATH).detail == (
        f"POST {PATH}: addition object is invalid; effectiveDate cannot be less than the billing start date"
    )


@pytest.mark.parametrize(
    ("method", "right"), [("POST", "Finance > Agreements: Add = All"), ("PATCH", "Finance > Agreements: Edit = All")]
)
def test_a_missing_right_is_named(method: str, right: str) -> None:
    """A 403 tells which right to grant where."""
    assert right in receipt(error(403, "Security"), method, PATH).detail


def test_a_throttled_write_says_when() -> None:
    """Nothing was executed; the wait goes to the engine."""
    assert receipt(answer(429, {"message": "slow"}, **{"retry-after": "30"}), "POST", PATH).retry_after == 30
