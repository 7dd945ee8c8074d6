"""Sends what is due: several calls at a time, each subscription's own, so that a slow one holds up nobody."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection

from closedloop.errors import SettingsError
from closedloop_server.services import Services
from closedloop_server.store.engine import reading
from closedloop_server.subscriptions import attempts, events, results, sendings, subscription
from closedloop_server.subscriptions.calling import Answer, Caller
from closedloop_server.subscriptions.schedule import next_attempt
from closedloop_server.subscriptions.sendings import Due
from closedloop_server.subscriptions.signing import signed_headers
from closedloop_server.subscriptions.subscription import State, Subscription

AT_ONCE = 16
"""Calls at a time."""
OF_ONE = 4
"""Of them to one subscription that answers; one that fails gets one, which finds out whether it is back."""

_HEADERS = {"content-type": "application/json", "user-agent": "closedloop-webhooks"}
_AFTER_THE_LAST = timedelta(minutes=1)
_LOOK = 0.5


def caller(services: Services) -> Caller:
    """What calls subscribers under these settings."""
    return Caller(allowed=services.settings.webhooks.allow_networks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One call that is about to be made."""

    due: Due
    number: int
    headers: Mapping[str, str]
    body: bytes
    refused: str = ""

    def send(self, caller: Caller) -> Answer:
        """Makes the call, unless it cannot be signed."""
        if self.refused:
            return Answer(error=self.refused)
        return caller.call(self.due.subscription.url, self.headers, self.body)


def letter(services: Services, connection: Connection, due: Due, payload: Mapping[str, Any]) -> Letter:
    """Notes an attempt and returns what to send; the signature is as old as the attempt, the id is not."""
    now = services.clock()
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    again = next_attempt(now, due.attempts + 1, due.event_id + due.subscription.id)
    sendings.begin(connection, due, next_at=again or now + _AFTER_THE_LAST)
    signatures, refused = _signatures(services, connection, due, body)
    return Letter(
        due=due,
        number=attempts.begin(connection, due.event_id, due.subscription.id, now=now),
        headers={**_HEADERS, **signatures},
        body=body,
        refused=refused,
    )


def _signatures(
    services: Services, connection: Connection, due: Due, body: bytes
) -> tuple[Mapping[str, str], str]:
    now = services.clock()
    try:
        secrets = subscription.valid_secrets(connection, due.subscription.id, services.cipher, now=now)
    except SettingsError as error:
        # One subscription whose secret cannot be read must not hold up the others.
        return {}, f"{error.reason}: {error.message}"
    return signed_headers(due.event_id, now, body, secrets), ""


@dataclass(slots=True)
class Sender:
    """Sends until nothing is due. Calls are made in threads; only the turn's own touches the database."""

    services: Services
    caller: Caller
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "webhook"))
    under_way: dict[Future[Answer], Letter] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lets the calls that were made come to their end: none takes longer than its time limit."""
        self.pool.shutdown(wait=True)
        if kind is None or issubclass(kind, Exception):
            self._finish(set(self.under_way))

    def send(self, check: Callable[[], None]) -> None:
        """Makes every call that is due; `check` ends it early by raising."""
        while self._begin() or self.under_way:
            check()
            done, _ = wait(self.under_way, timeout=_LOOK, return_when=FIRST_COMPLETED)
            self._finish(done)

    def _finish(self, done: set[Future[Answer]]) -> None:
        for each in done:
            sent = self.under_way.pop(each)
            results.record(self.services, sent.due, sent.number, each.result())

    def _begin(self) -> bool:
        """Begins as many calls as there is room for; whether there were any."""
        found = self._due()
        if not found:
            return False
        with self.services.writing() as connection:
            subscription.lock(connection, {each.subscription.id for each in found})
            payloads = events.fetch(connection, [each.event_id for each in found])
            letters = [letter(self.services, connection, each, payloads[each.event_id]) for each in found]
        for each in letters:
            self.under_way[self.pool.submit(each.send, self.caller)] = each
        return True

    def _due(self) -> list[Due]:
        """What may be sent now, in turns: the first of every subscription, then the second of every one."""
        if len(self.under_way) >= AT_ONCE:
            return []
        now = self.services.clock()
        busy = Counter(each.due.subscription.id for each in self.under_way.values())
        going = {(each.due.event_id, each.due.subscription.id) for each in self.under_way.values()}
        with reading(self.services.engine) as connection:
            queues = [
                [
                    each
                    for each in sendings.due(connection, subscriber, now=now, limit=OF_ONE * 2)
                    if (each.event_id, subscriber.id) not in going
                ][: _room(subscriber) - busy[subscriber.id]]
                for subscriber in subscription.every(connection)
                if _may_be_told(subscriber, now) and busy[subscriber.id] < _room(subscriber)
            ]
        in_turns = [queue[place] for place in range(OF_ONE) for queue in queues if place < len(queue)]
        return in_turns[: AT_ONCE - len(self.under_way)]


def _room(subscriber: Subscription) -> int:
    return OF_ONE if subscriber.failures == 0 else 1


def _may_be_told(subscriber: Subscription, now: datetime) -> bool:
    return subscriber.state is State.ACTIVE and (
        subscriber.held_until is None or subscriber.held_until <= now
    )
