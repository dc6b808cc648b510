"""What the answer to a write proves (reference 5; safety 2): done, surely not done, in conflict, or unknown."""

from __future__ import annotations

import math

from agent.domain.changes import Outcome, Receipt
from agent.errors import Incomplete
from agent.outgoing import Answer, Lost
from agent.outgoing.messages import retry_after
from agent.psa.connectwise.rights import remedy
from agent.psa.connectwise.site import error_body, message

_CONFLICTS = (409, 412, 423)
_NOT_SENT_AGAIN = "the outcome is unknown and will be settled by reading"


def receipt(answer: Answer | Lost, method: str, path: str) -> Receipt:
    if isinstance(answer, Lost):
        outcome = Outcome.UNKNOWN if answer.sent else Outcome.REFUSED
        return Receipt(outcome, f"{method} {path}: {answer.detail}")
    outcome = _outcome(answer)
    # Not for others: a 503 may name a time too, but its outcome is unknown and waits for the settle window.
    wait = retry_after(answer.headers) if answer.status == 429 else None
    return Receipt(
        outcome,
        _detail(outcome, answer, method, path),
        line=_id(answer) if outcome is Outcome.DONE else None,
        status=answer.status,
        # By this id ConnectWise's own API log shows what the request did (System > Members > API Logs).
        request_id=answer.headers.get("x-cw-request-id", ""),
        retry_after=None if wait is None else math.ceil(wait),
    )


def _outcome(answer: Answer) -> Outcome:
    """Unknown is what is left: a proxy may answer 502 or redirect after ConnectWise has done the work."""
    if answer.ok:
        return Outcome.DONE if _is_record(answer) else Outcome.UNKNOWN
    if answer.status in _CONFLICTS:
        return Outcome.CONFLICT
    # These are given before anything is executed, whoever gives them: Cloudflare stands in front of hosted sites.
    if answer.status in (401, 403, 429):
        return Outcome.REFUSED
    # 408 says that somebody gave up waiting, perhaps for an answer that was on its way. A 4xx in anything but
    # ConnectWise's own words came from a proxy, which may have asked ConnectWise first.
    if 400 <= answer.status < 500 and answer.status != 408 and error_body(answer) is not None:
        return Outcome.REFUSED
    return Outcome.UNKNOWN


def _detail(outcome: Outcome, answer: Answer, method: str, path: str) -> str:
    asked = f"{method} {path}"
    if outcome is Outcome.DONE:
        return asked
    said = f"{asked}: {message(answer)}"
    if outcome is Outcome.UNKNOWN:
        return f"{said}; {_NOT_SENT_AGAIN}"
    if answer.status == 403:
        return f"{said} {remedy(method, path)}"
    if answer.status == 401:
        return f"{said} Check the keys of the API member and the clientId."
    return said


def _is_record(answer: Answer) -> bool:
    """An id is not asked for: the read-back finds the line by its mark, and only that is believed."""
    try:
        return isinstance(answer.json(), dict)
    except Incomplete:
        return False


def _id(answer: Answer) -> int | None:
    id = answer.json().get("id")
    return id if isinstance(id, int) else None
