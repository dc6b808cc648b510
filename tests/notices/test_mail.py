"""Mail reaches a server as it should, privately, and every trouble ends in one sentence without a secret."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from agent.engine.clock import SystemClock
from agent.errors import NotDelivered
from agent.notices import Mail
from agent.ports import Attachment, Notice
from tests.notices.post import PostOffice, open_office

PAGE = Notice(
    "Contoso (250): two lines carry one mark", "Contoso (250)\n\n  error duplicate-lines\n.\n  ütf → ☃\n", True
)
PASSWORD = "canary-of-the-post-office"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def office(authority: trustme.CA) -> Iterator[PostOffice]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    with open_office(PostOffice(tls=context, login=("trueup", PASSWORD))) as served:
        yield served


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


def mail(office: PostOffice, trusted: Path | None, **others: Any) -> Mail:
    given: dict[str, Any] = {
        "host": "localhost",
        "port": office.port,
        "security": "starttls",
        "user": "trueup",
        "password": lambda: PASSWORD,
        "sender": "trueup@msp.example",
        "recipients": ("anna@msp.example", "bert@msp.example"),
        "clock": SystemClock(),
        "ca_file": trusted,
    }
    return Mail(**(given | others))


def test_attachments_go_with_it(office: PostOffice, ca_file: Path) -> None:
    """As files with their names and kinds, beside the text."""
    page = Attachment("trueup-2026-11.html", "text/html", "<p>ü</p>".encode())
    mail(office, ca_file).send(replace(PAGE, attachments=(page,)))

    [message] = office.mail
    text, attached = message.iter_parts()
    assert text.get_content().splitlines() == PAGE.text.splitlines()
    assert (attached.get_filename(), attached.get_content_type()) == (page.name, page.kind)
    assert attached.get_payload(decode=True) == page.content


def test_notice_arrives_as_it_was_written(office: PostOffice, ca_file: Path) -> None:
    """To everybody, over TLS, after the login; as plain text, marked so that no absence note answers it."""
    mail(office, ca_file).send(PAGE)

    [message] = office.mail
    assert office.private == [True]
    assert office.recipients == ["anna@msp.example", "bert@msp.example"]
    assert message["Subject"] == "Trueup: Contoso (250): two lines carry one mark"
    assert (message["Importance"], message["Auto-Submitted"]) == ("high", "auto-generated")
    assert message["Message-ID"].endswith("@msp.example>")
    assert message.get_content_type() == "text/plain"
    assert message.get_content().splitlines() == PAGE.text.splitlines()


def test_relay_on_this_machine_needs_neither_login_nor_tls(office: PostOffice) -> None:
    """Where the settings allow it."""
    office.login = None
    mail(office, None, security="none", user=None, password=None).send(PAGE)

    assert office.private == [False]


@pytest.mark.parametrize(
    ("refuses", "others", "says"),
    [
        ({}, {"password": lambda: "canary-typed-wrong"}, "SMTPAuthenticationError, code 535"),
        ({"STARTTLS": "454 not now"}, {}, "took no mail"),
        ({"MAIL": "451 greylisted, come back"}, {}, "SMTPSenderRefused, code 451"),
        ({"DATA": "554 looks like spam"}, {}, "SMTPDataError, code 554"),
        ({"TO:<bert@msp.example>": "550 no such user"}, {}, "refused bert@msp.example"),
        ({"EHLO": "500 what?", "HELO": "500 what?"}, {}, "took no mail"),
        ({}, {"ca_file": None}, "took no mail"),
        ({}, {"host": "127.0.0.1", "port": 9}, "Connection refused"),
    ],
)
def test_trouble_is_one_sentence(
    office: PostOffice, ca_file: Path, refuses: dict[str, str], others: dict[str, Any], says: str
) -> None:
    """Login, TLS, the server's moods, one recipient of two, nobody there; and no word of the server, which quotes."""
    office.refuses = refuses
    with pytest.raises(NotDelivered) as caught:
        mail(office, ca_file, **others).send(PAGE)

    assert says in str(caught.value)
    assert caught.value.remedy
    assert "canary" not in str(caught.value)


def test_server_without_tls_gets_no_login(office: PostOffice, ca_file: Path) -> None:
    """An attacker in between who takes STARTTLS out of the greeting must not be told the password."""
    office.tls = None
    with pytest.raises(NotDelivered):
        mail(office, ca_file).send(PAGE)

    assert office.mail == []


def test_subject_with_a_line_break_is_no_header(office: PostOffice, ca_file: Path) -> None:
    """Reports clean names; were one to slip through, it forges nothing, and the page arrives all the same."""
    mail(office, ca_file).send(Notice("Contoso\r\nBcc: thief@evil.example", "text", False))

    [message] = office.mail
    assert message["Subject"] == "Trueup: Contoso Bcc: thief@evil.example"
    assert message["Bcc"] is None
    assert "thief@evil.example" not in office.recipients
