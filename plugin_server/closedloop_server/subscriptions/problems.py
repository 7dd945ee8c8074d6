"""What can be wrong with what an admin asks of a subscription."""

from __future__ import annotations

from closedloop.errors import ClosedLoopError


class SubscriptionError(ClosedLoopError):
    """A subscription cannot be made, changed or told as asked; `reason` says why in one word."""
