"""A clock that several processes share, and that can be put forward."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from multiprocessing.sharedctypes import Synchronized
from typing import TypeAlias

Offset: TypeAlias = "Synchronized[float]"
"""The seconds by which the shared clock differs from the machine's; a `multiprocessing.Value("d")`."""


class SharedClock:
    """Shows the machine's time plus an offset that every process of a run sees."""

    def __init__(self, offset: Offset) -> None:
        self._offset = offset

    def __call__(self) -> datetime:
        """The time it shows."""
        return datetime.fromtimestamp(time.time() + self._offset.value, UTC)

    def advance_to(self, moment: datetime) -> None:
        """Puts the clock forward; a moment that is over is no reason to go back."""
        with self._offset.get_lock():
            self._offset.value = max(self._offset.value, moment.timestamp() - time.time())
