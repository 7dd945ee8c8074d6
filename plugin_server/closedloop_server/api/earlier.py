"""The earlier time that a request asks about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from closedloop_server.access import services


def as_of(arguments: dict[str, Any]) -> datetime | None:
    """The time asked for, and not one that is still to come; None: what is known now."""
    wanted: datetime | None = arguments.get("as_of")
    return None if wanted is None else min(wanted, services().clock())
