"""What pydantic found in a TOML file, in words that say where it stands and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from agent.toml_places import Document, Problem
from agent.toml_scanner import Steps

TOLD = 100  # problems of one table, or one mapping file: nobody corrects more at once, and each takes its time


def fault(what: str, remedy: str) -> PydanticCustomError:
    """What a validator raises when it has better words than pydantic; `problems_of` keeps both."""
    return PydanticCustomError("fault", "{what}", {"what": what, "remedy": remedy})


def problems_of(error: ValidationError, document: Document, model: type[BaseModel]) -> list[Problem]:
    """What pydantic found in `document.data` for this model, in the order of the file's lines; at most `TOLD`."""
    details = error.errors(include_url=False, include_input=False)
    guesses = {_guess(detail, model) for detail in details[:TOLD] if detail["type"] == "extra_forbidden"}
    problems = []
    if len(details) > TOLD:
        what = f"has {len(details)} problems, of which {TOLD} are told"
        problems.append(document.problem(document.reached(()), what, "Correct them, and look again"))
    for detail in details[:TOLD]:
        loc = detail["loc"]
        if detail["type"] != "missing":
            steps = document.reached(loc)
        elif loc in guesses:
            continue  # it is there, misspelt: one mistake is told once
        else:
            steps = (*document.reached(loc[:-1]), loc[-1])
        problems.append(document.problem(steps, *_sentences(detail, _fields_at(model, loc[:-1]))))
    return sorted(problems, key=lambda problem: problem.line or 0)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A remedy for an unknown name: the closest known one, or all of them where none is close."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, 1)
    return f'Did you mean "{close[0]}"?' if close else f"Known here: {', '.join(known) or 'nothing'}"


_EXPECTED = {
    "bool_type": ("true or false", "Write it without quotes"),
    "date_type": ("a date", "Write it as 2026-12-01, without quotes"),
    "dict_type": ("a table", "Write it as a [section], or in braces"),
    "int_type": ("a whole number", "Write it without quotes and without a decimal point"),
    "list_type": ("a list", 'Write it in brackets: ["…", "…"]'),
    "model_type": ("a table", "Write it as a [section], or in braces"),
    "string_type": ("text", "Write it in quotes"),
    "tuple_type": ("a list", 'Write it in brackets: ["…", "…"]'),
}

_LIMITS = {
    "greater_than": ("gt", "is too small", "more than"),
    "greater_than_equal": ("ge", "is too small", "at least"),
    "less_than": ("lt", "is too large", "less than"),
    "less_than_equal": ("le", "is too large", "at most"),
}


def _sentences(detail: ErrorDetails, siblings: Mapping[str, FieldInfo]) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    name = str(detail["loc"][-1]) if detail["loc"] else ""
    if kind == "fault":
        return context["what"], context["remedy"]
    if kind == "missing":
        return "is missing", f"Add it. {siblings[name].description or ''}" if name in siblings else "Add it"
    if kind.startswith("union_tag"):
        return _kind_sentences(context)
    if kind == "extra_forbidden":
        return "is not known here", did_you_mean(name, siblings)
    if kind in ("literal_error", "enum"):
        return "has a value that is not known", f"Write {context['expected'].replace(chr(39), chr(34))}"
    if kind == "too_long":
        return "has too many elements", f"Write at most {context['max_length']}"
    if kind == "string_too_long":
        return "is too long", f"Write at most {context['max_length']} characters"
    if kind in _EXPECTED:
        expected, remedy = _EXPECTED[kind]
        return f"must be {expected}", remedy
    if kind in _LIMITS:
        limit, what, words = _LIMITS[kind]
        return what, f"Write a number of {words} {context[limit]}"
    return f"is refused: {detail['msg'].removeprefix('Value error, ')}", ""


def _kind_sentences(context: Mapping[str, str]) -> tuple[str, str]:
    known = context.get("expected_tags", "").replace("'", '"')
    if not known:
        return "has no kind", "Add: kind = the kind of what it is; docs/configuration.md lists them"
    return "is of a kind that is not known", f"Write kind = {known}"


def _guess(detail: ErrorDetails, model: type[BaseModel]) -> Steps:
    *parents, name = detail["loc"]
    close = difflib.get_close_matches(str(name), _fields_at(model, tuple(parents)), 1)
    return (*parents, *close)


def _fields_at(model: type[BaseModel], loc: Steps) -> dict[str, FieldInfo]:
    """The fields that a table at this place may have, by their names in the file."""
    fields = _fields([model])
    for step in loc:
        if isinstance(step, str) and step in fields:
            fields = _fields(_models_in(fields[step].annotation))
    return fields


def _fields(models: Iterable[type[BaseModel]]) -> dict[str, FieldInfo]:
    found: dict[str, FieldInfo] = {}
    for model in models:
        if issubclass(model, RootModel):
            found |= _fields(_models_in(model.model_fields["root"].annotation))
        else:
            found |= {field.alias or name: field for name, field in model.model_fields.items()}
    return found


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if get_origin(annotation) is None and isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
