"""The webhooks that the CRMs call."""

from closedloop_server.webhooks.views import blueprint

__all__ = ["blueprint"]
