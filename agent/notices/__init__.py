"""Ways to reach a person: mail by the standard library, chat by an optional library, and a heartbeat for whoever
notices when nothing is said any more."""

from agent.notices.chat import Chat
from agent.notices.heartbeat import Heartbeat
from agent.notices.mail import Mail

__all__ = ["Chat", "Heartbeat", "Mail"]
