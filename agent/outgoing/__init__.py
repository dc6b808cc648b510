"""The one way out: HTTP to a vendor with timeouts, a rate, patience for reads and none for writes.

A read may be repeated, so `Outgoing.read` repeats it until it has an answer or raises `Unreachable`. A write may not,
so `Outgoing.write_once` puts one request on the wire and says what became of it: an `Answer`, or `Lost`.
Nothing here writes a query, a header or a body into a log or a sentence: they carry tokens and people's names.
"""

from agent.outgoing.messages import Answer, Lost, Timeouts, retry_after
from agent.outgoing.offsets import Heard, Offsets
from agent.outgoing.rate import Rate
from agent.outgoing.wire import PASSING, Outgoing

__all__ = ["PASSING", "Answer", "Heard", "Lost", "Offsets", "Outgoing", "Rate", "Timeouts", "retry_after"]
