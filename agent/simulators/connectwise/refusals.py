"""The error answers of ConnectWise PSA in their shapes (reference 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.simulators.messages import Response, encode, json_response


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of `errors`."""

    code: str
    message: str
    field: str

    def told(self, resource: str) -> Mapping[str, str]:
        return {"code": self.code, "message": self.message, "resource": resource, "field": self.field}


class Refusal(Exception):
    """The request is answered with an error and has no effect."""

    def __init__(self, status: int, code: str, message: str, errors: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, "errors": errors}

    def response(self) -> Response:
        return json_response(self.status, self.body)


def invalid(resource: str, *problems: Problem) -> Refusal:
    errors = [problem.told(resource) for problem in problems]
    return Refusal(400, "InvalidObject", f"{resource} object is invalid", errors)


def missing(field: str) -> Problem:
    return Problem("MissingRequiredField", f"The {field} field is required.", field)


def too_long(field: str, limit: int) -> Problem:
    text = f"The field {field} must be a string with a maximum length of {limit}."
    return Problem("MaxLengthField", text, field)


def bad_condition(sentence: str) -> Refusal:
    return Refusal(400, "ApiFindCondition", sentence)


def no_record(resource: str, id: int) -> Refusal:
    return Refusal(404, "NotFound", f"{resource} {id} not found")


def no_route() -> Refusal:
    return Refusal(404, "ConnectWiseApi", "The endpoint does not exist.")


def no_method(method: str) -> Refusal:
    return Refusal(405, "ConnectWiseApi", f"The requested resource does not support http method '{method}'.")


def no_permission() -> Refusal:
    return Refusal(403, "Security", "You do not have security permission to perform this action.")


def no_conversion(value: object, kind: str, path: str) -> Refusal:
    """A wrong JSON type is the caller's mistake, and is reported as the server's: 500."""
    text = encode(value).decode()
    return Refusal(
        500,
        "ConnectWiseApi",
        f"Error converting value {text} to type '{kind}'. Path '{path}', line 1, position 1.",
    )


def too_many_requests(seconds: int) -> Response:
    """This one error has another shape than all the others, and it alone has no `code`."""
    message = f"Too many requests. Please try again in {seconds} seconds."
    return json_response(429, {"error": "ConnectWiseAPI", "message": message}, retry_after=str(seconds))


def server_timeout() -> Response:
    return Refusal(500, "ConnectWiseApi", "A timeout has occured. Please try again.").response()
