"""The pages: for marketers what sales did with each campaign's people, for operators how the server is."""

from closedloop_server.pages import earlier, login, operations, views
from closedloop_server.pages.site import blueprint

__all__ = ["blueprint", "earlier", "login", "operations", "views"]
