"""The local HTTP interface. Loads FastAPI and uvicorn, so nothing imports it before it is needed."""

from agent.faces.api.guard import Limits
from agent.faces.api.server import CannotListen, Server, serve

__all__ = ["CannotListen", "Limits", "Server", "serve"]
