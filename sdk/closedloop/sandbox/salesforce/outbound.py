"""Outbound messages: queued when a flow fires, sent from a thread until the receiver acknowledges them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import requests

from closedloop.sandbox.salesforce.derive import value
from closedloop.sandbox.salesforce.envelope import Message, acknowledged, envelope
from closedloop.sandbox.salesforce.ids import new_id
from closedloop.sandbox.salesforce.schema import SObject
from closedloop.sandbox.salesforce.tables import Row

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.records import Records

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
    when_changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Notification:
    id: str
    action_id: str
    record_id: str
    queued: float
    due: float
    attempts: int = 0


class Outbound:
    """The org's outbound messages. They wait in the queue until `start`."""

    def __init__(self, org: Records, timing: Timing) -> None:
        self._org = org
        self._timing = timing
        self._subscriptions: dict[str, _Subscription] = {}
        self._queue: dict[str, _Notification] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.failures: deque[str] = deque(maxlen=20)

    def subscribe(
        self,
        kind: SObject,
        fields: Sequence[str],
        endpoint: str,
        *,
        when_changed: Sequence[str],
        action_id: str,
    ) -> None:
        """Adds a definition: one object, fixed fields, one address."""
        self._subscriptions[action_id] = _Subscription(
            action_id=action_id,
            kind=kind,
            fields=_proper(kind, fields),
            endpoint=endpoint,
            when_changed=_proper(kind, when_changed),
        )

    def triggered(self, kind: SObject, old: Row | None, new: Row) -> list[str]:
        """The definitions whose flow fires on this write."""
        return [
            s.action_id
            for s in self._subscriptions.values()
            if s.kind is kind
            and (old is None or any(self._differs(kind, old, new, f) for f in s.when_changed))
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
        with self._changed:
            self._queue[notification.id] = notification
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
        with requests.Session() as session:
            session.trust_env = False
            while (batch := self._next()) is not None:
                self._deliver(session, batch)

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

    def _deliver(self, session: requests.Session, batch: list[_Notification]) -> None:
        subscription = self._subscriptions[batch[0].action_id]
        messages = self._messages(subscription, batch)
        failure = self._post(session, subscription, messages) if messages else None
        with self._changed:
            if failure is None:
                for notification in batch:
                    del self._queue[notification.id]
            else:
                self.failures.append(failure)
                self._put_off(batch)
            self._changed.notify_all()

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

    def _post(
        self, session: requests.Session, subscription: _Subscription, messages: list[Message]
    ) -> str | None:
        body = envelope(self._org.organization_id, subscription.action_id, messages)
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        try:
            answer = session.post(
                subscription.endpoint, data=body, headers=headers, timeout=self._timing.answer_timeout
            )
        except requests.RequestException as error:
            return f"the receiver cannot be reached: {type(error).__name__}"
        if acknowledged(answer.status_code, answer.content):
            return None
        return f"the receiver answered {answer.status_code} without an acknowledgement"

    def _put_off(self, batch: list[_Notification]) -> None:
        now = time.monotonic()
        for n in batch:
            if now - n.queued > self._timing.dropped_after:
                del self._queue[n.id]
                continue
            wait = min(self._timing.first_retry * 2**n.attempts, self._timing.longest_retry)
            self._queue[n.id] = replace(n, due=now + wait, attempts=n.attempts + 1)


def _proper(kind: SObject, names: Sequence[str]) -> tuple[str, ...]:
    found = (kind.field(name) for name in names)
    return tuple(f.name for f in found if f is not None)
