"""A clock that the sandboxes and the server share, so that weeks of sales work fit into seconds."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta


class DemoClock:
    """Runs at the speed of a real clock from `start` on, and can be put forward, never back."""

    def __init__(self, start: datetime) -> None:
        self._lock = threading.Lock()
        self._base = start
        self._since = time.monotonic()

    def __call__(self) -> datetime:
        """The time it shows."""
        with self._lock:
            return self._now()

    def advance_to(self, moment: datetime) -> None:
        """Puts the clock forward; a moment that is over is no reason to go back."""
        with self._lock:
            self._base, self._since = max(moment, self._now()), time.monotonic()

    def _now(self) -> datetime:
        return self._base + timedelta(seconds=time.monotonic() - self._since)
