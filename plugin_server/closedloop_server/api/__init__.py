"""The JSON API under /api/v1: what the pages show, for programs."""

from flask import Flask

from closedloop_server.api import admin, operating, subscriptions, views
from closedloop_server.api.document import Documented
from closedloop_server.api.site import blueprint

__all__ = ["admin", "operating", "register", "subscriptions", "views"]


def register(app: Flask) -> Documented:
    """Puts the resources into the application; returns what describes them."""
    documented = Documented(app)
    documented.register_blueprint(blueprint)
    return documented
