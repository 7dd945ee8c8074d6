"""The pages for operators and admins: what runs, what waits, what was refused, and who may do what."""

from closedloop_server.pages.operations import (
    audit,
    connections,
    deliveries,
    inbox,
    subscriptions,
    system,
    tokens,
)

__all__ = ["audit", "connections", "deliveries", "inbox", "subscriptions", "system", "tokens"]
