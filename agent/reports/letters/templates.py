"""Templates of letters: those that are shipped, an MSP's own in their place, and what is wrong with one.

Templates run in Jinja's sandbox, with no way to a file, a process or the network; names of people and companies are
values and never part of a template, so nothing that is written into them is carried out.
"""

from __future__ import annotations

import difflib
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache, partial
from importlib import resources
from typing import Any

from agent.domain.money import Money
from agent.domain.ownership import plain
from agent.errors import TrueupError
from agent.reports.letters.view import Letter, long_day, total, unit_price
from agent.reports.text import wrapped

HTML, TEXT = "letter.html.jinja", "letter.txt.jinja"
_LAYOUTS = {HTML, TEXT, "letter.css"}
_WIDTH = 78  # of the plain text: what mail programs quote without breaking it again


class TemplateFault(TrueupError):
    """A template cannot be used: which file, which line, what is wrong, what to do."""


@dataclass(frozen=True, slots=True)
class Templates:
    """Sources by file name. `own` are the MSP's, which stand in place of the shipped ones; `folder` names theirs."""

    own: Mapping[str, str]
    folder: str = ""

    @property
    def tones(self) -> list[str]:
        """Every file that is no layout is a tone, the MSP's own ones too."""
        names = {*shipped(), *self.own} - _LAYOUTS
        return sorted(name.removesuffix(".jinja") for name in names if name.endswith(".jinja"))

    def html(self, letter: Letter, tone: str) -> str:
        return self._filled(letter, tone, HTML)

    def text(self, letter: Letter, tone: str) -> str:
        made = self._filled(letter, tone, TEXT)
        # A part that is left out leaves its blank lines behind.
        return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", made)).strip() + "\n"

    def words(self, letter: Letter, tone: str) -> Mapping[str, list[str]]:
        """The tone's own words as paragraphs, by block, for a format that lays them out by itself."""
        template = self._template(tone, TEXT)
        context = template.new_context(_values(letter, TEXT))
        return {name: _split(self._caught(partial(_joined, block, context))) for name, block in template.blocks.items()}

    def _filled(self, letter: Letter, tone: str, layout: str) -> str:
        template = self._template(tone, layout)
        made: str = self._caught(lambda: template.render(_values(letter, layout)))
        return made

    def _template(self, tone: str, layout: str) -> Any:
        if tone not in self.tones:
            close = difflib.get_close_matches(tone, self.tones, 1)
            remedy = f'Did you mean "{close[0]}"?' if close else f"There are {', '.join(self.tones)}"
            raise TemplateFault(f'There is no tone "{tone}"', remedy)
        environment = _environment(layout == HTML)
        environment.loader = self._loader()
        return self._caught(lambda: environment.get_template(f"{tone}.jinja"))

    def _loader(self) -> Any:
        from jinja2 import FunctionLoader

        return FunctionLoader(self._source)

    def _source(self, name: str) -> tuple[str, str, Callable[[], bool]] | None:
        """With the name under which errors speak of it; a file that is missing is missing for Jinja too."""
        found = self.own.get(name, shipped().get(name))
        return None if found is None else (found, self._place(name), lambda: True)

    def _place(self, name: str) -> str:
        return f"{self.folder}/{name}" if name in self.own else f"the shipped {name}"

    def _caught(self, make: Callable[[], Any]) -> Any:
        """What a template does wrong, whatever it is, in one sentence with its place."""
        from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError

        try:
            return make()
        except TemplateNotFound as error:
            remedy = f"There are {', '.join(sorted({*shipped(), *self.own}))}"
            raise TemplateFault(f"A template asks for the file {error.name}, which is not there", remedy) from error
        except TemplateSyntaxError as error:
            place = f"{error.filename or error.name}:{error.lineno}"
            raise TemplateFault(f"{place}: {error.message}", _SYNTAX) from error
        except (
            TemplateError,
            ArithmeticError,
            AttributeError,
            LookupError,
            RecursionError,
            TypeError,
            ValueError,
        ) as error:
            raise TemplateFault(f"{self._line_of(error)}: {_plainly(error)}", _KNOWN) from error

    def _line_of(self, error: BaseException) -> str:
        """Jinja puts the template's own lines into the traceback; the last one is where it went wrong."""
        places = {self._place(name) for name in (*shipped(), *self.own)}
        lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in places]
        return f"{lines[-1].filename}:{lines[-1].lineno}" if lines else "A template"


@cache
def shipped() -> Mapping[str, str]:
    """The templates and the style that come with Trueup, by file name."""
    files = resources.files("agent.reports.letters").iterdir()
    return {file.name: file.read_text("utf-8") for file in files if file.name.endswith((".jinja", ".css"))}


def _values(letter: Letter, layout: str) -> dict[str, object]:
    told = {field.name: getattr(letter, field.name) for field in fields(letter) if field.name != "unsettled"}
    return told | {"charges": letter.charges, "credits": letter.credits, "layout": layout}


_NAMES = ", ".join(
    sorted({*(field.name for field in fields(Letter)), "charges", "credits"} - {"unsettled"}),
)
_KNOWN = f"A template knows {_NAMES}; docs/letters.md tells what each of them has"
_SYNTAX = "Mend that line, or copy the shipped file again: trueup letter --copy-templates FOLDER"


def _plainly(error: BaseException) -> str:
    """Jinja names our classes by their modules, which say nothing to whoever edits a letter."""
    said = re.sub(r"'?agent\.[\w.]*\.(\w+)(?: object)?'?", r"\1", str(error).strip() or type(error).__name__)
    return said.splitlines()[0]


def _environment(html: bool) -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # An editor of letters is no programmer of ours: a template can neither change its values nor reach behind them.
    made = ImmutableSandboxedEnvironment(
        autoescape=html, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    made.filters |= {
        "day": long_day,
        "money": known,
        "price": price,
        "number": plain,
        "change": change,
        "total": total,
        "paragraphs": _page_paragraphs if html else _text_paragraphs,
    }
    return made


def known(money: Money | None) -> str:
    return "not known" if money is None else str(money)


def price(money: Money | None) -> str:
    return "not known" if money is None else f"{unit_price(money.amount, money.currency)} {money.currency}"


def change(money: Money | None) -> str:
    """`60.00 USD more`, `12.50 USD less`."""
    if money is None:
        return "not known"
    return f"{abs(money)} {'more' if money.amount > 0 else 'less'}" if money else "no difference"


def _joined(block: Callable[[Any], Iterable[str]], context: Any) -> str:
    return "".join(block(context))


def _split(text: str) -> list[str]:
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()]


def _text_paragraphs(text: str) -> str:
    return "".join("\n".join(wrapped(part, _WIDTH)) + "\n\n" for part in _split(text))


def _page_paragraphs(text: Any) -> Any:
    from markupsafe import Markup

    # What comes in has been escaped where it was put in; joining must not escape it again.
    return Markup("").join(Markup("<p>{}</p>\n").format(Markup(part)) for part in _split(str(text)))  # noqa: S704
