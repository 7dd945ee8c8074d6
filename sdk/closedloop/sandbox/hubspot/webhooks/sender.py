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

from closedloop.sandbox.hubspot.faults import HubSpotFaults
from closedloop.sandbox.hubspot.records.record import milliseconds
from closedloop.sandbox.hubspot.webhooks.signing import signed_headers
from closedloop.sandbox.posting import Poster, UnreachedError

# HubSpot's documented limits.
BATCH = 100
TIMEOUT_SECONDS = 5.0
RETRIES = 10
USUAL_CONCURRENCY = 10
_KEPT = 1000
# More requests at once than this are promised to nobody in a process of this size.
_MOST_THREADS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt to deliver a batch; `status` is None where no answer came in time."""

    at: datetime
    url: str
    events: int
    event_ids: tuple[int, ...]
    attempt: int
    status: int | None
    milliseconds: float


class WebhookSettings:
    """Where the app wants its events, as the webhooks API shows it."""

    def __init__(self, sender: WebhookSender) -> None:
        self._sender = sender
        self._most = USUAL_CONCURRENCY
        self._created_at = self._updated_at = ""

    def put(self, url: str, at: str, *, most: int | None = None) -> None:
        """Names the app's URL and, where `most` is given, how many requests may be under way at once."""
        if self._sender.target is None:
            self._created_at = at
        self._updated_at = at
        self._sender.set_target(url)
        if most is not None:
            self._most = most
            self._sender.set_concurrency(most)

    def clear(self) -> None:
        """Forgets the URL: the subscriptions wait for another."""
        self._sender.set_target(None)

    def to_wire(self) -> dict[str, Any] | None:
        """The settings as the webhooks API shows them; None where there is no URL."""
        if self._sender.target is None:
            return None
        return {
            "targetUrl": self._sender.target,
            "throttling": {"maxConcurrentRequests": self._most},
            "createdAt": self._created_at,
            "updatedAt": self._updated_at,
        }


@dataclass(order=True, slots=True)
class _Retry:
    due: float
    order: int
    events: list[dict[str, Any]] = field(compare=False)


class WebhookSender:
    """Delivers what it is given, in as many threads as requests may be under way at once.

    `backoff_seconds` is the wait before the first retry; it doubles with each attempt. HubSpot spreads its
    retries over a day. What is refused eleven times is dropped and counted in `dropped`. `concurrency` is
    one, so that events arrive in order, until the app's settings say otherwise; `timeout` is how many seconds
    the app has to answer.
    """

    def __init__(
        self, *, secret: str, faults: HubSpotFaults, clock: Callable[[], datetime], backoff_seconds: float
    ) -> None:
        self._secret = secret
        self._faults = faults
        self._clock = clock
        self._backoff = backoff_seconds
        self._target: str | None = None
        self._changed = threading.Condition()
        self._new: deque[dict[str, Any]] = deque()
        self._retries: list[_Retry] = []
        self._order = count()
        self._sending = 0
        self._running = False
        self._threads: list[threading.Thread] = []
        self.timeout = TIMEOUT_SECONDS
        self.concurrency = 1
        self.dropped = 0
        self.deliveries: deque[Delivery] = deque(maxlen=_KEPT)

    @property
    def target(self) -> str | None:
        """The app's URL."""
        return self._target

    def start(self) -> None:
        """Starts to send."""
        with self._changed:
            self._running = True
            self._man()

    def stop(self) -> None:
        """Ends the threads after the deliveries under way; what still waits is not sent. Safe to repeat."""
        with self._changed:
            self._running = False
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def set_target(self, url: str | None) -> None:
        """Names the app's URL. Events that happened before there was one are not sent."""
        with self._changed:
            self._target = url

    def set_concurrency(self, most: int) -> None:
        """Lets so many requests be under way at once; with more than one, events arrive in any order."""
        with self._changed:
            self.concurrency = most
            self._man()
            self._changed.notify_all()

    def add(self, events: Iterable[dict[str, Any]]) -> None:
        """Takes events to be sent."""
        with self._changed:
            if self._target is not None:
                for event in events:
                    self._take(event)
                self._changed.notify_all()

    def _take(self, event: dict[str, Any]) -> None:
        for seconds, each in self._faults.deliveries(event):
            if seconds <= 0:
                self._new.append(each)
                continue
            due = time.monotonic() + seconds
            heapq.heappush(self._retries, _Retry(due, next(self._order), [each]))

    def settle(self, timeout: float) -> bool:
        """Waits until everything was delivered or dropped; False when the time was too short."""
        with self._changed:
            return self._changed.wait_for(self._is_idle, timeout)

    def _is_idle(self) -> bool:
        return not (self._new or self._retries or self._sending)

    def _man(self) -> None:
        """Starts the threads that are missing."""
        while self._running and len(self._threads) < min(self.concurrency, _MOST_THREADS):
            name = f"hubspot-webhooks-{len(self._threads)}"
            thread = threading.Thread(target=self._run, args=(len(self._threads),), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, number: int) -> None:
        with Poster() as poster:
            while (batch := self._next(number)) is not None:
                taken = self._deliver(poster, batch)
                with self._changed:
                    self._sending -= 1
                    if not taken:
                        self._retry(batch)
                    self._changed.notify_all()

    def _next(self, number: int) -> list[dict[str, Any]] | None:
        """The next batch, once there is one that is due; None when it is time to stop. A thread that is one
        too many, since the concurrency went down, takes none."""
        with self._changed:
            while self._running:
                if number < self.concurrency and (batch := self._due()):
                    self._sending += 1
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

    def _deliver(self, poster: Poster, batch: list[dict[str, Any]]) -> bool:
        """Whether the app took the batch: no connection, no answer in time and any 4xx or 5xx mean no."""
        with self._changed:
            url = self._target
        if url is None:
            return True
        at, started = self._clock(), time.perf_counter()
        status = self._post(poster, url, batch, at)
        self.deliveries.append(
            Delivery(
                at=at,
                url=url,
                events=len(batch),
                event_ids=tuple(event["eventId"] for event in batch),
                attempt=batch[0]["attemptNumber"],
                status=status,
                milliseconds=(time.perf_counter() - started) * 1000,
            )
        )
        return status is not None and status < 400

    def _post(self, poster: Poster, url: str, batch: list[dict[str, Any]], at: datetime) -> int | None:
        body = json.dumps(batch, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
        headers = signed_headers(self._secret, "POST", url, body, str(milliseconds(at)))
        try:
            answer = poster.post(
                url, body, {"Content-Type": "application/json"} | headers, timeout=self.timeout, follow=False
            )
        except UnreachedError:
            return None
        return answer.status_code
