"""Mail by SMTP, as plain text: names in it come from other people's directories, and nothing there is to be clicked."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Literal

from agent.errors import NotDelivered
from agent.ports import Clock, Notice

Security = Literal["starttls", "tls", "none"]
_SECONDS = 30  # for each answer of the server


@dataclass(frozen=True, slots=True)
class Mail:
    """`password` is read when it is needed. `security` "none" is for a relay on this machine, which settings see to."""

    host: str
    port: int
    security: Security
    user: str | None
    password: Callable[[], str] | None
    sender: str
    recipients: Sequence[str]
    clock: Clock
    ca_file: Path | None = None

    @property
    def name(self) -> str:
        return "mail"

    def send(self, notice: Notice) -> None:
        """Hand the notice to the server for every recipient; raises `NotDelivered`, also where one was refused."""
        try:
            with self._connected() as server:
                if self.user and self.password:
                    server.login(self.user, self.password())
                refused = server.send_message(self._message(notice))
        except (OSError, smtplib.SMTPException) as error:
            # Not the error's text: it quotes the server, which may quote our login.
            raise NotDelivered(f"{self.host}:{self.port} took no mail ({_reason(error)})", _REMEDY) from None
        if refused:
            raise NotDelivered(f"{self.host} refused {', '.join(sorted(refused))}", "Correct notify.mail.to.")

    def _connected(self) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_SECONDS, context=self._trusted())
        server = smtplib.SMTP(self.host, self.port, timeout=_SECONDS)
        if self.security == "starttls":
            try:
                # Raises where the server does not offer it: a login in the clear is never the way out.
                server.starttls(context=self._trusted())
            except (OSError, smtplib.SMTPException):
                server.close()
                raise
        return server

    def _trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca_file)

    def _message(self, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = f"Trueup: {' '.join(notice.subject.split())}"  # the library refuses line breaks
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        message["Date"] = format_datetime(self.clock.now())
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"  # keeps absence notes from answering
        if notice.urgent:
            message["Importance"] = "high"
        message.set_content(notice.text)
        for file in notice.attachments:
            kind, _, of = file.kind.partition("/")
            message.add_attachment(file.content, maintype=kind, subtype=of, filename=file.name)
        return message


def _reason(error: OSError | smtplib.SMTPException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__}, code {error.smtp_code}"
    return getattr(error, "strerror", None) or type(error).__name__


_REMEDY = "Check notify.mail in agent.toml: host, port, security, user and password."
