"""The pages for marketers: what sales did with each campaign's people, and why."""

from closedloop_server.pages import login, views
from closedloop_server.pages.site import blueprint

__all__ = ["blueprint", "login", "views"]
