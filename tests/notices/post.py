"""A mail server for tests: speaks enough SMTP for the standard library, with TLS, logins and troubles on demand."""

from __future__ import annotations

import base64
import socketserver
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Thread
from typing import Any


@dataclass
class PostOffice:
    """`refuses` are verbs (or recipients) with the whole answer that they get. `mail` is what arrived."""

    tls: ssl.SSLContext | None = None
    login: tuple[str, str] | None = None
    refuses: dict[str, str] = field(default_factory=dict)
    mail: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    private: list[bool] = field(default_factory=list)  # whether each connection was private when mail was given
    port: int = 0

    def took(self, content: bytes, private: bool) -> None:
        found = message_from_bytes(content, _class=EmailMessage, policy=policy.default)
        self.mail.append(found)
        self.private.append(private)


class _Clerk(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        self.office, self.private, self.known = self.server.office, False, self.server.office.login is None
        self.say("220 post.example")
        while line := self.rfile.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            if not self.answer(verb.upper(), rest):
                return

    def finish(self) -> None:
        super().finish()
        self.connection.close()  # the server closes only the socket that it accepted, not the one that TLS made of it

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def answer(self, verb: str, rest: str) -> bool:
        refusal = next((said for what, said in self.office.refuses.items() if what in (verb, rest)), None)
        if refusal:
            self.say(refusal)
        elif verb == "EHLO":
            offers = ["post.example", "AUTH PLAIN", *(["STARTTLS"] if self.office.tls and not self.private else [])]
            self.say("\r\n".join([*(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}"]))
        elif verb == "STARTTLS":
            self.say("220 go ahead")
            self.connection = self.office.tls.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), socketserver._SocketWriter(self.connection)
            self.private = True
        elif verb == "AUTH":
            user, word = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")[1:]
            self.known = (user, word) == self.office.login
            self.say("235 welcome" if self.known else f"535 {user} with {word} is not known")
        elif verb in ("MAIL", "RCPT") and not self.known:
            self.say("530 who are you?")
        elif verb == "RCPT":
            self.office.recipients.append(rest.partition("<")[2].rstrip(">"))
            self.say("250 ok")
        elif verb == "DATA":
            self.take()
        elif verb == "QUIT":
            self.say("221 bye")
            return False
        else:
            self.say("250 ok")
        return True

    def take(self) -> None:
        self.say("354 go on")
        lines = iter(self.rfile.readline, b".\r\n")
        plain = (line[1:] if line.startswith(b"..") else line for line in lines)
        self.office.took(b"".join(plain), self.private)
        self.say("250 taken")


@contextmanager
def open_office(office: PostOffice) -> Iterator[PostOffice]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Clerk) as server:
        server.daemon_threads, server.office = True, office  # type: ignore[attr-defined]
        office.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield office
        finally:
            server.shutdown()
            thread.join()
