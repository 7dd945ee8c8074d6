"""What a sandbox was asked lately, and how it answered."""

from __future__ import annotations

import threading
import time
from collections import deque
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from werkzeug import Request
from werkzeug.http import http_date

_KEPT = 500


class Received(NamedTuple):
    """One request and the status it got. No bodies and no headers; an address may name people."""

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

    def note(self, request: Request, *, at: datetime, status: int, started: float) -> None:
        """Remembers one request, which came when `time.perf_counter` said `started`."""
        milliseconds = (time.perf_counter() - started) * 1000
        query = request.environ.get("QUERY_STRING", "")
        with self._lock:
            self.count += 1
            self._kept.append(
                Received(self.count, at, request.method, request.path, query, status, milliseconds)
            )

    def latest(self, most: int = _KEPT) -> list[Received]:
        """The latest requests, the newest first."""
        with self._lock:
            return list(self._kept)[: -most - 1 : -1]


def date_header(at: datetime) -> str:
    """The time as the `Date` of an answer: many answers are given in one second."""
    return _date(at.replace(microsecond=0))


_date = lru_cache(maxsize=16)(http_date)


@lru_cache
def status_line(status: int) -> str:
    """The status with its phrase, as WSGI wants it."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
