"""The JSON API under /api/v1: what the pages show, for programs."""

from closedloop_server.api.views import blueprint

__all__ = ["blueprint"]
