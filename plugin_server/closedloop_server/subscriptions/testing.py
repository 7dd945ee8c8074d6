"""The test button: one event made for it, sent now, whatever the state of the subscription."""

from __future__ import annotations

import secrets

from closedloop_server.services import Services
from closedloop_server.store import audit
from closedloop_server.store.engine import writing
from closedloop_server.subscriptions import attempts, events, subscription
from closedloop_server.subscriptions.attempts import Attempt
from closedloop_server.subscriptions.event_types import EventType
from closedloop_server.subscriptions.events import Event
from closedloop_server.subscriptions.payloads import data_of
from closedloop_server.subscriptions.sending import caller, letter
from closedloop_server.subscriptions.sendings import Due
from closedloop_server.subscriptions.subscription import State, Subscription
from closedloop_server.work.kinds import Kind, Work


def send_test(services: Services, id_: str, *, who: str) -> Attempt:
    """Sends a test to a subscription and returns how it went. One that answers again is told what waits."""
    with writing(services.engine) as connection:
        subscriber = subscription.fetch(connection, id_, lock=True)
        event = _event(services, subscriber)
        events.write(connection, [event])
        sent = letter(
            services, connection, Due(event_id=event.id, subscription=subscriber, attempts=0), event.payload
        )
        audit.note(connection, who=who, action="subscription.test", target=id_, now=services.clock())
    answer = sent.send(caller(services))
    with writing(services.engine) as connection:
        attempts.finish(connection, sent.number, answer)
        if answer.accepted and subscriber.state is State.ACTIVE:
            subscription.change(connection, id_, failures=0, failing_since=None, held_until=None)
        found = attempts.one(connection, sent.number)
    services.wake(Work(Kind.SEND))
    return found


def _event(services: Services, subscriber: Subscription) -> Event:
    now, type_ = services.clock(), EventType.SUBSCRIPTION_TEST
    return Event(
        id=events.event_id(type_, subscriber.id, secrets.token_hex(8)),
        type=type_,
        occurred_at=now,
        learned_at=now,
        subscription=subscriber.id,
        data=data_of(type_, subscription=subscriber.id, name=subscriber.name),
    )
