"""What an answer means: for the event, and for the subscription that gave it."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import Connection

from closedloop_server.services import Services
from closedloop_server.subscriptions import attempts, events, sendings, subscription
from closedloop_server.subscriptions.calling import Answer
from closedloop_server.subscriptions.event_types import EventType
from closedloop_server.subscriptions.events import Event
from closedloop_server.subscriptions.payloads import data_of
from closedloop_server.subscriptions.problems import SubscriptionError
from closedloop_server.subscriptions.schedule import hold_until, next_attempt, retry_after
from closedloop_server.subscriptions.sendings import Due, SendingState
from closedloop_server.subscriptions.subscription import State, Subscription

log = logging.getLogger(__name__)

GONE = 410
"""By which a subscriber says that it wants nothing more."""
_MANY = 30


def record(services: Services, due: Due, number: int, answer: Answer) -> None:
    """Keeps what came of an attempt, and what follows from it."""
    now = services.clock()
    with services.writing() as connection:
        subscriber = _locked(connection, due)
        attempts.finish(connection, number, answer)
        if subscriber is None:
            return  # removed meanwhile
        over = answer.accepted or answer.status == GONE or subscriber.state is State.DISABLED
        again = None if over else _again(due, answer, now)
        _settle(connection, due, answer, again)
        if answer.accepted:
            _well(connection, subscriber)
        elif subscriber.state is not State.DISABLED:
            _failed(connection, services, subscriber, answer, given_up=again is None, now=now)


def explained(answer: Answer) -> str:
    """Why an answer is none that counts."""
    if answer.accepted or answer.status is None:
        return answer.error
    if 300 <= answer.status < 400:
        return f"redirect: answered {answer.status}; redirects are not followed: give the final URL"
    return f"status: answered {answer.status}, expected 200 to 299"


def _locked(connection: Connection, due: Due) -> Subscription | None:
    try:
        return subscription.fetch(connection, due.subscription.id, lock=True)
    except SubscriptionError:
        return None


def _settle(connection: Connection, due: Due, answer: Answer, again: datetime | None) -> None:
    """Notes what became of the event."""
    ended = SendingState.SENT if answer.accepted else SendingState.FAILED
    sendings.finish(
        connection,
        due,
        ended if again is None else SendingState.WAITING,
        status=answer.status,
        error=explained(answer),
        next_at=again,
    )


def _again(due: Due, answer: Answer, now: datetime) -> datetime | None:
    at = next_attempt(now, due.attempts + 1, due.event_id + due.subscription.id)
    asked = retry_after(answer.retry_after, now)
    return max(at, now + asked) if at is not None and asked is not None else at


def _well(connection: Connection, subscriber: Subscription) -> None:
    if subscriber.failures:
        subscription.change(connection, subscriber.id, failures=0, failing_since=None, held_until=None)


def _failed(
    connection: Connection,
    services: Services,
    subscriber: Subscription,
    answer: Answer,
    *,
    given_up: bool,
    now: datetime,
) -> None:
    since = subscriber.failing_since or now
    failures = subscriber.failures + 1
    held = hold_until(now, failures, retry_after(answer.retry_after, now))
    subscription.change(connection, subscriber.id, failures=failures, failing_since=since, held_until=held)
    if answer.status == GONE:
        _disable(connection, subscriber, "it answered 410: it wants nothing more", now)
    elif _hopeless(failures, given_up=given_up) and now - since >= services.settings.webhooks.disable_after:
        why = f"nothing got through since {since:%Y-%m-%d %H:%M} UTC"
        _disable(connection, subscriber, why, now, last=explained(answer))


def _hopeless(failures: int, *, given_up: bool) -> bool:
    """Whether more than a moment speaks against a subscriber.

    An event had all its attempts, or many had some: one failure after weeks without an event is not enough.
    """
    return given_up or failures >= _MANY


def _disable(
    connection: Connection, subscriber: Subscription, why: str, now: datetime, *, last: str = ""
) -> None:
    """Disables a subscription, and says so to everybody but itself. What the last answer was (`last`) admins
    see alone: it may name an address in somebody's network, which is no other subscriber's business."""
    told = f"{why}; the last answer: {last}" if last else why
    subscription.set_state(connection, subscriber.id, State.DISABLED, why=told, now=now)
    lost = sendings.give_up(connection, subscriber.id, error="disabled: the subscription was disabled")
    log.warning("subscription %s is disabled with %d events unsent: %s", subscriber.id, lost, told)
    type_ = EventType.SUBSCRIPTION_DISABLED
    event = Event(
        id=events.event_id(type_, subscriber.id, now.isoformat()),
        type=type_,
        occurred_at=now,
        learned_at=now,
        subscription=subscriber.id,
        data=data_of(type_, subscription=subscriber.id, name=subscriber.name, why=why),
    )
    events.append(connection, [event])
