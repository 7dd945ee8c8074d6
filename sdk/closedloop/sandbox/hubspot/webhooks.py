"""Sends webhook events to the app's one URL: in batches, signed, again and again until it takes them."""

from __future__ import annotations

import heapq
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

import requests

from closedloop.sandbox.hubspot.records import milliseconds
from closedloop.sandbox.hubspot.signing import signed_headers

# HubSpot's documented limits.
BATCH = 100
TIMEOUT_SECONDS = 5
RETRIES = 10


@dataclass(order=True, slots=True)
class _Retry:
    due: float
    order: int
    events: list[dict[str, Any]] = field(compare=False)


class WebhookSender:
    """One thread that delivers what it is given.

    `backoff_seconds` is the wait before the first retry; it doubles with each attempt. HubSpot spreads its
    retries over a day. What is refused eleven times is dropped and counted in `dropped`.
    """

    def __init__(self, *, secret: str, clock: Callable[[], datetime], backoff_seconds: float) -> None:
        self._secret = secret
        self._clock = clock
        self._backoff = backoff_seconds
        self._target: str | None = None
        self._changed = threading.Condition()
        self._new: deque[dict[str, Any]] = deque()
        self._retries: list[_Retry] = []
        self._order = count()
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of this machine has no way to 127.0.0.1
        self._sending = False
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.dropped = 0
        self.deliveries = 0

    def start(self) -> None:
        """Starts to send."""
        self._thread = threading.Thread(target=self._run, name="hubspot-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after the delivery under way; what is still waiting is not sent. Safe to repeat."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._session.close()

    def set_target(self, url: str) -> None:
        """Names the app's URL. Events that happened before there was one are not sent."""
        with self._changed:
            self._target = url

    def add(self, events: Iterable[dict[str, Any]]) -> None:
        """Takes events to be sent."""
        with self._changed:
            if self._target is not None:
                self._new.extend(events)
                self._changed.notify_all()

    def settle(self, timeout: float) -> bool:
        """Waits until everything was delivered or dropped; False when the time was too short."""
        with self._changed:
            return self._changed.wait_for(self._is_idle, timeout)

    def _is_idle(self) -> bool:
        return not (self._new or self._retries or self._sending)

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            taken = self._deliver(batch)
            with self._changed:
                self._sending = False
                if not taken:
                    self._retry(batch)
                self._changed.notify_all()

    def _next(self) -> list[dict[str, Any]] | None:
        """The next batch, once there is one that is due; None when it is time to stop."""
        with self._changed:
            while not self._stopping:
                if batch := self._due():
                    self._sending = True
                    return batch
                wait = self._retries[0].due - time.monotonic() if self._retries else None
                self._changed.wait(None if wait is None else max(0.0, wait))
            return None

    def _due(self) -> list[dict[str, Any]]:
        if self._retries and self._retries[0].due <= time.monotonic():
            return heapq.heappop(self._retries).events
        return [self._new.popleft() for _ in range(min(BATCH, len(self._new)))]

    def _retry(self, batch: list[dict[str, Any]]) -> None:
        attempt = batch[0]["attemptNumber"] + 1
        if attempt > RETRIES:
            self.dropped += len(batch)
            return
        again = [event | {"attemptNumber": attempt} for event in batch]
        due = time.monotonic() + self._backoff * 2 ** (attempt - 1)
        heapq.heappush(self._retries, _Retry(due, next(self._order), again))

    def _deliver(self, batch: list[dict[str, Any]]) -> bool:
        """Whether the app took the batch: no connection, no answer in time and any 4xx or 5xx mean no."""
        with self._changed:
            url = self._target or ""
        body = json.dumps(batch, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
        timestamp = str(milliseconds(self._clock()))
        headers = signed_headers(self._secret, "POST", url, body, timestamp)
        try:
            answer = self._session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json", **headers},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException:
            return False
        self.deliveries += 1
        return answer.status_code < 400
