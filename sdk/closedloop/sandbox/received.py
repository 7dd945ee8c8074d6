"""What a sandbox was asked lately, and how it answered."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

_KEPT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request and the status it got. No bodies and no headers: they may hold secrets and people."""

    number: int
    at: datetime
    method: str
    path: str
    query: str
    status: int
    milliseconds: float


class ReceivedLog:
    """The last few hundred requests, the newest last; `count` is how many there were in all."""

    def __init__(self, kept: int = _KEPT) -> None:
        self.count = 0
        self._kept: deque[Received] = deque(maxlen=kept)
        self._lock = threading.Lock()

    def note(
        self, *, at: datetime, method: str, path: str, query: str, status: int, milliseconds: float
    ) -> None:
        """Remembers one request."""
        with self._lock:
            self.count += 1
            self._kept.append(
                Received(
                    number=self.count,
                    at=at,
                    method=method,
                    path=path,
                    query=query,
                    status=status,
                    milliseconds=milliseconds,
                )
            )

    def latest(self, most: int = _KEPT) -> list[Received]:
        """The latest requests, the newest first."""
        with self._lock:
            return list(self._kept)[: -most - 1 : -1]


def status_line(status: int) -> str:
    """The status with its phrase, as WSGI wants it."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
