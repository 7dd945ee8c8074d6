"""Outbound messages: queued when a flow fires, sent from a thread until the receiver acknowledges them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from closedloop.sandbox.posting import Poster, UnreachedError
from closedloop.sandbox.salesforce.envelope import Message, acknowledged, envelope
from closedloop.sandbox.salesforce.ids import new_id
from closedloop.sandbox.salesforce.records.derive import value
from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.schema.sobject import SObject

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.records.records import Records

Fires = Callable[["Row | None", "Row"], bool]
"""Whether a flow fires on a write: the row before it, None for a new one, and the row after."""

# The most notifications that Salesforce puts into one message.
_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long the sender waits, in seconds. The real one's retry interval grows to two hours."""

    first_retry: float = 0.05
    longest_retry: float = 1.0
    answer_timeout: float = 30.0
    dropped_after: float = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subscription:
    action_id: str
    kind: SObject
    fields: tuple[str, ...]
    endpoint: str
    fires: Fires


@dataclass(frozen=True, slots=True, kw_only=True)
class _Notification:
    id: str
    action_id: str
    record_id: str
    queued: float
    due: float
    attempts: int = 0
    copy: int = 0

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from every other, and from itself when it is sent several times."""
        return self.id, self.copy


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message that was sent, with how it went."""

    at: datetime
    endpoint: str
    sobject: str
    notifications: int
    result: str


class Outbound:
    """The org's outbound messages. They wait in the queue until `start`."""

    def __init__(self, org: Records, timing: Timing) -> None:
        self._org = org
        self._timing = timing
        self._subscriptions: dict[str, _Subscription] = {}
        self._queue: dict[tuple[str, int], _Notification] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.failures: deque[str] = deque(maxlen=20)
        self.deliveries: deque[Delivery] = deque(maxlen=200)

    def subscribe(
        self,
        kind: SObject,
        fields: Sequence[str],
        endpoint: str,
        *,
        when_changed: Sequence[str],
        action_id: str,
    ) -> None:
        """Adds a definition that fires for every new record, and when one of the fields changes."""
        watched = _proper(kind, when_changed)

        def fires(old: Row | None, new: Row) -> bool:
            return old is None or any(self._differs(kind, old, new, field) for field in watched)

        self.define(kind, fields, endpoint, fires=fires, action_id=action_id)

    def define(
        self, kind: SObject, fields: Sequence[str], endpoint: str, *, fires: Fires, action_id: str
    ) -> None:
        """Adds a definition, or changes the one of that id: one object, fixed fields, one address."""
        self._subscriptions[action_id] = _Subscription(
            action_id=action_id,
            kind=kind,
            fields=_proper(kind, fields),
            endpoint=endpoint,
            fires=fires,
        )

    @property
    def subscribed(self) -> bool:
        """Whether there is any definition."""
        return bool(self._subscriptions)

    def withdraw(self, action_id: str) -> None:
        """Takes a definition back, with what waits to be sent for it."""
        with self._changed:
            self._subscriptions.pop(action_id, None)
            self._queue = {key: n for key, n in self._queue.items() if n.action_id != action_id}
            self._changed.notify_all()

    def triggered(self, kind: SObject, old: Row | None, new: Row) -> list[str]:
        """The definitions whose flow fires on this write."""
        return [
            s.action_id
            for s in self._subscriptions.values()
            if s.kind.name == kind.name and s.fires(old, new)
        ]

    def enqueue(self, action_id: str, record_id: str) -> None:
        """Queues a notification about the record."""
        now = time.monotonic()
        notification = _Notification(
            id=new_id("04l", self._org.number()),
            action_id=action_id,
            record_id=record_id,
            queued=now,
            due=now,
        )
        subscription = self._subscriptions.get(action_id)
        sobject = subscription.kind.name if subscription else ""
        copies = enumerate(self._org.faults.messages(notification, sobject))
        with self._changed:
            for copy, (seconds, each) in copies:
                queued = replace(each, due=now + seconds, copy=copy)
                self._queue[queued.key] = queued
            self._changed.notify_all()

    def start(self) -> None:
        """Begins to send."""
        self._thread = threading.Thread(target=self._run, name="outbound", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the sender after the message it is sending; what was not acknowledged is lost."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def settle(self, timeout: float) -> bool:
        """Waits until the queue is empty; False when it is not after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue, timeout)

    def _differs(self, kind: SObject, old: Row, new: Row, field: str) -> bool:
        tables = self._org.tables
        return bool(value(tables, kind.name, old, field) != value(tables, kind.name, new, field))

    def _run(self) -> None:
        with Poster() as poster:
            while (batch := self._next()) is not None:
                self._deliver(poster, batch)

    def _next(self) -> list[_Notification] | None:
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                due = [n for n in self._queue.values() if n.due <= now]
                if due:
                    return [n for n in due if n.action_id == due[0].action_id][:_BATCH]
                wait = min((n.due for n in self._queue.values()), default=None)
                self._changed.wait(None if wait is None else wait - now)
        return None

    def _deliver(self, poster: Poster, batch: list[_Notification]) -> None:
        subscription = self._subscriptions.get(batch[0].action_id)
        if subscription is None:  # withdrawn since it was taken from the queue
            return
        messages = self._messages(subscription, batch)
        failure = self._post(poster, subscription, messages) if messages else None
        if messages:
            self._note(subscription, len(messages), failure)
        with self._changed:
            if failure is None:
                for notification in batch:
                    self._queue.pop(notification.key, None)
            else:
                self.failures.append(failure)
                self._put_off(batch)
            self._changed.notify_all()

    def _note(self, subscription: _Subscription, notifications: int, failure: str | None) -> None:
        self.deliveries.append(
            Delivery(
                at=self._org.clock(),
                endpoint=subscription.endpoint,
                sobject=subscription.kind.name,
                notifications=notifications,
                result=failure or "acknowledged",
            )
        )

    def _messages(self, subscription: _Subscription, batch: list[_Notification]) -> list[Message]:
        # A message shows the record as it is when it is sent, not as it was when the flow fired.
        kind = subscription.kind
        with self._org.lock:
            rows = [(n, self._org.tables.get(kind.name, n.record_id)) for n in batch]
            return [
                Message(
                    id=n.id,
                    sobject=kind.name,
                    values={name: self._org.value(kind, row, name) for name in ("Id", *subscription.fields)},
                )
                for n, row in rows
                if row is not None
            ]

    def _post(self, poster: Poster, subscription: _Subscription, messages: list[Message]) -> str | None:
        body = envelope(self._org.organization_id, subscription.action_id, messages)
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        try:
            answer = poster.post(
                subscription.endpoint, body, headers, timeout=self._timing.answer_timeout, follow=True
            )
        except UnreachedError as error:
            return f"the receiver cannot be reached: {error}"
        if acknowledged(answer.status_code, answer.content):
            return None
        return f"the receiver answered {answer.status_code} without an acknowledgement"

    def _put_off(self, batch: list[_Notification]) -> None:
        now = time.monotonic()
        for n in batch:
            if n.key not in self._queue:
                continue
            if now - n.queued > self._timing.dropped_after:
                del self._queue[n.key]
                continue
            wait = min(self._timing.first_retry * 2**n.attempts, self._timing.longest_retry)
            self._queue[n.key] = replace(n, due=now + wait, attempts=n.attempts + 1)


def _proper(kind: SObject, names: Sequence[str]) -> tuple[str, ...]:
    found = (kind.field(name) for name in names)
    return tuple(f.name for f in found if f is not None)
