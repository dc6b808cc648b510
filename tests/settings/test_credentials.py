"""Secrets are found where a reference points, and shown to nobody who does not ask by name."""

import copy
import json
import logging
import os
import pickle
from pathlib import Path

import pytest

from agent.credentials import SECRET_LIMIT, Secret, SecretRef, SecretUnreadable

CANARY = "CANARY-8Q~hunter2"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(f"{CANARY}\n")
    path.chmod(0o600)
    return path


def refusal(reference: SecretRef) -> str:
    with pytest.raises(SecretUnreadable) as refused:
        reference.read()
    assert CANARY not in f"{refused.value!r} {refused.value.remedy}"
    return f"{refused.value} {refused.value.remedy}"


def test_a_secret_shows_itself_only_when_asked() -> None:
    """repr, str, format and a log line show that there is a secret, and nothing of it."""
    secret = Secret(CANARY)
    record = logging.LogRecord("x", logging.INFO, "x", 1, "key %s %r", (secret, [secret]), None)

    shown = f"{secret} {secret!r} {[secret]} {{}} {record.getMessage()} {json.dumps(secret, default=str)}"

    assert CANARY not in shown
    assert secret.reveal() == CANARY


@pytest.mark.parametrize("taker", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars])
def test_a_secret_is_not_written_or_copied(taker: object) -> None:
    """Whatever takes objects apart fails loudly, before a secret lands in a file or a crash report."""
    with pytest.raises(TypeError) as refused:
        taker(Secret(CANARY))  # type: ignore[operator]
    assert CANARY not in str(refused.value)


def test_a_secret_is_read_without_the_editors_line_end(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All three references lead to the same text; a line end behind it is no part of it."""
    monkeypatch.setenv("KEY", CANARY)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(key_file.parent))

    assert SecretRef("file", str(key_file)).read().reveal() == CANARY
    assert SecretRef("env", "KEY").read().reveal() == CANARY
    assert SecretRef("credential", "key").read().reveal() == CANARY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_a_file_that_others_may_open_is_refused(key_file: Path, mode: int) -> None:
    """A secret that the whole machine can read is none any more."""
    key_file.chmod(mode)

    said = refusal(SecretRef("file", str(key_file)))

    assert said == f"The secret file:{key_file} is open to others (mode {mode:04o}). Run: chmod 600 {key_file}."


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(key_file: Path) -> None:
    """Its owner could change it at will."""
    os.chown(key_file, 12345, -1)

    assert "belongs to another user" in refusal(SecretRef("file", str(key_file)))


def test_a_missing_secret_is_told_by_its_reference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message names the reference as it stands in agent.toml, and what to do."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.delenv("KEY", raising=False)

    assert refusal(SecretRef("env", "KEY")) == "The secret env:KEY is not set. Set the variable KEY."
    assert refusal(SecretRef("file", "/nowhere/key")) == "The secret file:/nowhere/key does not exist. Check the name."
    assert "Start Trueup with systemd and LoadCredential" in refusal(SecretRef("credential", "key"))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert refusal(SecretRef("credential", "key")) == "The secret credential:key does not exist. Check the name."


def test_an_empty_or_monstrous_secret_is_refused(key_file: Path) -> None:
    """A file of nothing but a line end is empty; a picture is no key; a core dump is too big."""
    reference = SecretRef("file", str(key_file))
    for content, said in [(b"\n", "is empty"), (b"\xff\xd8", "is not text"), (b"x" * (SECRET_LIMIT + 1), "is larger")]:
        key_file.write_bytes(content)
        assert said in refusal(reference)
