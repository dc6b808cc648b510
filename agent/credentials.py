"""Secrets by reference: the settings hold where a secret lies, never the secret.

A reference is `credential:NAME` (a file in $CREDENTIALS_DIRECTORY, put there by systemd), `file:PATH` or
`env:NAME`. It is followed when the secret is needed and not before, so that `status` runs without any.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from agent.errors import TrueupError
from agent.toml_places import FileRefused, read_regular_file

SECRET_LIMIT = 64 * 1024  # bytes; a PEM file with a key and its chain is below 20 KiB

Kind = Literal["credential", "file", "env"]


class SecretUnreadable(TrueupError):
    """A reference leads to no usable secret. The message names the reference, never what was found."""


class Secret:
    """A text that only `reveal` shows: not repr, str, f-strings or logs; and neither pickle nor copy takes it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not written anywhere")


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret lies. `name` is a credential's or variable's name, or an absolute path."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    def read(self) -> Secret:
        """The secret as it is now, without the line end that editors add; or SecretUnreadable."""
        text = self._from_environment() if self.kind == "env" else self._from_file()
        text = text.rstrip("\r\n")
        if not text:
            raise SecretUnreadable(f"The secret {self} is empty.", "Write the secret there.")
        return Secret(text)

    def _from_environment(self) -> str:
        if self.name not in os.environ:
            raise SecretUnreadable(f"The secret {self} is not set.", f"Set the variable {self.name}.")
        return os.environ[self.name]

    def _from_file(self) -> str:
        try:
            # systemd guards its credentials itself, with an owner and mode that differ between its versions.
            return read_regular_file(self._path(), SECRET_LIMIT, private=self.kind == "file").decode("utf-8")
        except FileRefused as error:
            problem = error.problem
            raise SecretUnreadable(f"The secret {self} {problem.what}.", f"{problem.remedy}.") from None
        except UnicodeDecodeError:
            raise SecretUnreadable(f"The secret {self} is not text.", "Store it as PEM or text.") from None

    def _path(self) -> Path:
        if self.kind == "file":
            return Path(self.name)
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if folder is None:
            remedy = "Start Trueup with systemd and LoadCredential, or refer to a file: file:PATH."
            raise SecretUnreadable(f"The secret {self} is out of reach without systemd.", remedy)
        return Path(folder, self.name)
