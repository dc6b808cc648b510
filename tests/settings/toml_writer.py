"""TOML texts in every spelling the language has, with the place of each leaf noted while it is written."""

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hypothesis import strategies as st

from agent.toml_scanner import BARE_KEY, Place, Steps

# Whatever might confuse a reader who looks for brackets, quotes, comments and line ends one by one.
TRICKY = "ab1 .=#[]{},\"'\\\n\té\u2028"
KEYS = st.text(alphabet=TRICKY.replace("\n", "") + "-_", max_size=4)
LEAVES = st.one_of(st.integers(-999, 999), st.booleans(), st.dates(), st.text(alphabet=TRICKY, max_size=6))
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)


@dataclass
class Written:
    """A text, and where the key and the value of each leaf stand in it."""

    text: str = ""
    keys: dict[Steps, Place] = field(default_factory=dict)
    values: dict[Steps, Place] = field(default_factory=dict)

    def here(self) -> Place:
        line = self.text.count("\n") + 1
        return Place(line, len(self.text) - (self.text.rfind("\n") + 1) + 1)


@st.composite
def written_documents(draw: st.DrawFn) -> Written:
    page = Written()
    _Writer(draw, page).table(draw(TABLES), ())
    return page


class _Writer:
    def __init__(self, draw: st.DrawFn, page: Written) -> None:
        self.draw = draw
        self.page = page
        self.inline = 0  # how many inline tables we are in: they go on one line, without comments

    def say(self, text: str) -> None:
        self.page.text += text

    def choose(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    def blank(self, *options: str) -> None:
        self.say(self.choose("", " ", "\t ", *options))

    def end_line(self) -> None:
        self.blank()
        self.say(self.choose("\n", "\n\n", '# a = "[x]" \'\n', "\n  # [a.b]\n \t"))

    def table(self, table: dict[str, Any], steps: Steps) -> None:
        """Pairs first and sub-tables behind them, because a pair belongs to the header above it."""
        below = []
        for key, value in table.items():
            if _may_have_header(value) and self.draw(st.booleans()):
                below.append((key, value))
            else:
                self.pair(value, steps, [key])
                self.end_line()
        for key, value in below:
            if isinstance(value, dict):
                self.header("[", (*steps, key), "]")
                self.table(value, (*steps, key))
            for index, row in enumerate(value if isinstance(value, list) else []):
                self.header("[[", (*steps, key), "]]")
                self.table(row, (*steps, key, index))

    def header(self, opening: str, steps: Steps, closing: str) -> None:
        self.say(opening)
        self.key([step for step in steps if isinstance(step, str)])
        self.say(closing)
        self.end_line()

    def pair(self, value: Any, steps: Steps, names: list[str]) -> None:
        """`a.b = 1` once for each leaf of a table, or `a = {b = 1}`."""
        if isinstance(value, dict) and value and not self.inline and self.draw(st.booleans()):
            for index, (name, inner) in enumerate(value.items()):
                if index:
                    self.end_line()
                self.pair(inner, steps, [*names, name])
            return
        start = self.key(names)
        self.say("=")
        self.blank()
        self.value(value, (*steps, *names), start)

    def key(self, names: list[str]) -> Place:
        for index, name in enumerate(names):
            self.say("." if index else "")
            self.blank()
            start = self.page.here()
            self.say(self.key_text(name))
            self.blank()
        return start

    def key_text(self, name: str) -> str:
        spellings = [json.dumps(name, ensure_ascii=False)]
        if BARE_KEY.fullmatch(name):
            spellings.append(name)
        if not set(name) & {"'", "\n"}:
            spellings.append(f"'{name}'")
        return self.choose(*spellings)

    def value(self, value: Any, steps: Steps, key: Place) -> None:
        start = self.page.here()
        if isinstance(value, list):
            self.array(value, steps)
        elif isinstance(value, dict):
            self.inline_table(value, steps)
        else:
            self.say(self.leaf(value))
            self.page.keys[steps], self.page.values[steps] = key, start

    def array(self, values: list[Any], steps: Steps) -> None:
        self.say("[")
        for index, value in enumerate(values):
            self.say("," if index else "")
            self.blank(" # ], [\n\n\t")
            self.value(value, (*steps, index), self.page.here())
            self.blank("\n")
        self.say(self.choose("", ", # ]\n") if values else "")
        self.say("]")

    def inline_table(self, table: dict[str, Any], steps: Steps) -> None:
        self.inline += 1
        self.say("{")
        for index, (name, value) in enumerate(table.items()):
            self.say(", " if index else "")
            self.pair(value, steps, [name])
            self.blank()
        self.say("}")
        self.inline -= 1

    def leaf(self, value: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, date):
            return value.isoformat() + self.choose("", " 07:32:00", "T07:32:00Z")
        return self.text(value) if isinstance(value, str) else str(value)

    def text(self, value: str) -> str:
        escaped = json.dumps(value, ensure_ascii=False)
        spellings = [escaped, f'"""{escaped[1:-1]}"""']
        if '"""' not in value:  # one or two quotes may touch the closing three
            spellings.append('"""\n' + value.replace("\\", "\\\\") + '"""')
        if "'''" not in value:
            spellings.append(f"'''\n{value}'''")
        if not set(value) & {"'", "\n"}:
            spellings.append(f"'{value}'")
        return self.choose(*spellings)


def _may_have_header(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(row, dict) for row in value)
    return isinstance(value, dict)
