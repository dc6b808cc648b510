"""Teams, Slack, webhooks and the rest, by apprise: one address for each, with a scheme that says what it is.

An address holds the token with which anybody could post, so it is a secret like any other.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

from agent.errors import NotDelivered
from agent.ports import Notice

_INSTALL = "Install it: pip install 'trueup-agent[chat]'."
# A tenant may be called "@everyone", and Slack's "<!channel>" rings every phone of the office.
_CALLS = re.compile(r"@(?=everyone|here|channel|all|team)|<(?=[!@#])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Chat:
    """`number` tells channels apart, by their place in the settings; `address` gives apprise's address."""

    number: int
    address: Callable[[], str]

    @property
    def name(self) -> str:
        return f"chat {self.number}"

    def send(self, notice: Notice) -> None:
        """Post the notice; raises `NotDelivered`, which never quotes the address."""
        try:
            import apprise
        except ImportError:
            raise NotDelivered(f"notify.chat, number {self.number}, needs the extra `chat`", _INSTALL) from None
        # Its log quotes addresses, and says nothing that the answer does not.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        service = apprise.Apprise.instantiate(self.address())
        if service is None:
            what = f"notify.chat, number {self.number}, is no address that apprise knows"
            raise NotDelivered(what, "See its list of services for how to write yours.")
        kind = apprise.NotifyType.FAILURE if notice.urgent else apprise.NotifyType.INFO
        sent = service.notify(
            title=f"Trueup: {notice.subject}",
            body=harmless(notice.text),
            notify_type=kind,
            body_format=apprise.NotifyFormat.TEXT,
        )
        if not sent:
            what = f"{service.service_name} (notify.chat, number {self.number}) did not take the notice"
            raise NotDelivered(what, "Check the address that its secret holds.")


def harmless(text: str) -> str:
    """With a gap in what would call people by their names."""
    return _CALLS.sub(lambda found: f"{found[0]} ", text)
