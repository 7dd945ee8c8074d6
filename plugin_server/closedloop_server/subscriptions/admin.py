"""What an admin can do with subscriptions: for the pages, the API and the command line alike.

Everything takes the services first. What changes something also takes `who` does it, and is noted in the
audit in the same transaction. What cannot be done is a SubscriptionError whose message may be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection

from closedloop_server.services import Services
from closedloop_server.store import audit
from closedloop_server.store.engine import reading, writing
from closedloop_server.subscriptions import attempts, events, sendings, subscription
from closedloop_server.subscriptions.attempts import Attempt
from closedloop_server.subscriptions.given import (
    given_connections,
    given_description,
    given_name,
    given_types,
)
from closedloop_server.subscriptions.problems import SubscriptionError
from closedloop_server.subscriptions.sending import caller
from closedloop_server.subscriptions.sendings import Sending, SendingState
from closedloop_server.subscriptions.signing import new_secret
from closedloop_server.subscriptions.subscription import State, Subscription
from closedloop_server.subscriptions.testing import send_test
from closedloop_server.work.kinds import Kind, Work

_Find: TypeAlias = Callable[[Connection, Subscription], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A new subscription and the secret that verifies its webhooks: shown now and never again."""

    subscription: Subscription
    secret: str = field(repr=False)


def create(
    services: Services,
    *,
    name: str,
    url: str,
    types: Sequence[str] = (),
    connections: Sequence[str] = (),
    description: str = "",
    who: str,
) -> Created:
    """Makes an active subscription; without `types` it is for every type, without `connections` for all."""
    caller(services).check(url)
    secret, now = new_secret(), services.clock()
    with writing(services.engine) as connection:
        id_ = subscription.create(
            connection,
            name=given_name(connection, name),
            description=given_description(description),
            url=url,
            types=given_types(types),
            connections=given_connections(services, connections),
            now=now,
        )
        subscription.keep_secret(connection, id_, secret, services.cipher, now=now)
        _note(services, connection, who, "create", id_)
        return Created(subscription=subscription.fetch(connection, id_), secret=secret)


def every(services: Services) -> list[Subscription]:
    """Every subscription, by name."""
    with reading(services.engine) as connection:
        return subscription.every(connection)


def one(services: Services, id_: str) -> Subscription:
    """One subscription."""
    with reading(services.engine) as connection:
        return subscription.fetch(connection, id_)


def update(
    services: Services,
    id_: str,
    *,
    name: str | None = None,
    url: str | None = None,
    types: Sequence[str] | None = None,
    connections: Sequence[str] | None = None,
    description: str | None = None,
    who: str,
) -> Subscription:
    """Changes what is given and leaves the rest; what waits already goes to the new address too."""
    if url is not None:
        caller(services).check(url)
    with writing(services.engine) as connection:
        subscription.fetch(connection, id_, lock=True)
        told: dict[str, Any] = {
            "name": None if name is None else given_name(connection, name, of=id_),
            "url": url,
            "types": None if types is None else list(given_types(types)),
            "connections": None if connections is None else list(given_connections(services, connections)),
            "description": None if description is None else given_description(description),
        }
        changed = {column: value for column, value in told.items() if value is not None}
        if changed:
            subscription.change(connection, id_, **changed)
            _note(services, connection, who, "update", id_, changed=sorted(changed))
        return subscription.fetch(connection, id_)


def pause(services: Services, id_: str, *, who: str) -> Subscription:
    """Has everything for a subscription wait."""
    return _put(services, id_, State.PAUSED, "pause", who)


def resume(services: Services, id_: str, *, who: str) -> Subscription:
    """Has a paused or disabled subscription go on; what it missed while disabled is not sent by itself."""
    return _put(services, id_, State.ACTIVE, "resume", who)


def remove(services: Services, id_: str, *, who: str) -> None:
    """Ends a subscription for good: its secrets and URL are forgotten, the log of it stays for a while."""
    now = services.clock()
    with writing(services.engine) as connection:
        subscription.fetch(connection, id_, lock=True)
        subscription.set_state(connection, id_, State.REMOVED, now=now)
        subscription.change(connection, id_, url="", description="")
        subscription.forget_secrets(connection, id_)
        sendings.give_up(connection, id_, error="removed: the subscription was removed")
        _note(services, connection, who, "remove", id_)


def rotate(services: Services, id_: str, *, who: str) -> str:
    """Makes a new secret and returns it, once; the old one signs beside it for a day."""
    secret = new_secret()
    with writing(services.engine) as connection:
        subscription.fetch(connection, id_, lock=True)
        subscription.keep_secret(connection, id_, secret, services.cipher, now=services.clock())
        _note(services, connection, who, "rotate", id_)
    return secret


def test(services: Services, id_: str, *, who: str) -> Attempt:
    """Sends a test now, whatever the state of the subscription, and returns how it went; only once."""
    return send_test(services, id_, who=who)


def replay(services: Services, id_: str, *, event: str, who: str) -> int:
    """Sends one event again, under its old id; returns how many are sent, which is 1."""

    def find(connection: Connection, _: Subscription) -> list[str]:
        if not events.is_id(event) or event not in events.fetch(connection, [event]):
            raise SubscriptionError(
                "there is no such event, or it is older than events are kept", reason="unknown_event"
            )
        return [event]

    return _replay(services, id_, find, who, event=event)


def replay_range(services: Services, id_: str, *, since: datetime, until: datetime, who: str) -> int:
    """Sends every event that was learned in this time and is for the subscription, accepted before or not."""

    def find(connection: Connection, subscriber: Subscription) -> list[str]:
        return sendings.between(connection, subscriber, since, until)

    return _replay(services, id_, find, who, since=since.isoformat(), until=until.isoformat())


def replay_missed(services: Services, id_: str, *, who: str) -> int:
    """Sends everything since the subscription was made that it did not accept and that is not on its way."""
    return _replay(services, id_, sendings.missed, who)


def log(services: Services, id_: str, *, limit: int = 50, before: int | None = None) -> list[Attempt]:
    """The calls to a subscription, the latest first; `before` is the number of the last one shown."""
    with reading(services.engine) as connection:
        subscription.fetch(connection, id_)
        return attempts.of_subscription(connection, id_, limit=limit, before=before)


def sent(
    services: Services,
    id_: str,
    *,
    state: SendingState | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Sending]:
    """What a subscription is told, the newest event first; `before`: learned_at and event_id of the last."""
    with reading(services.engine) as connection:
        subscription.fetch(connection, id_)
        return sendings.of_subscription(connection, id_, state=state, before=before, limit=limit)


def counts(services: Services, id_: str) -> dict[SendingState, int]:
    """How many events wait for a subscription, were sent to it, and failed."""
    with reading(services.engine) as connection:
        return sendings.counts(connection, id_)


def announcements(services: Services) -> list[Subscription]:
    """The subscriptions that were disabled because of their subscriber: every page says so until each is
    resumed or removed."""
    return [each for each in every(services) if each.state is State.DISABLED]


def _put(services: Services, id_: str, state: State, action: str, who: str) -> Subscription:
    with writing(services.engine) as connection:
        before = subscription.fetch(connection, id_, lock=True)
        if before.state is not state:
            subscription.set_state(connection, id_, state, now=services.clock())
            _note(services, connection, who, action, id_)
        found = subscription.fetch(connection, id_)
    services.wake(Work(Kind.SEND))
    return found


def _replay(services: Services, id_: str, find: _Find, who: str, **details: str) -> int:
    with writing(services.engine) as connection:
        subscriber = subscription.fetch(connection, id_, lock=True)
        if subscriber.state is State.DISABLED:
            raise SubscriptionError(
                "the subscription is disabled: resume it first, then replay", reason="not_allowed"
            )
        found = find(connection, subscriber)
        sendings.ask(connection, [(event, id_) for event in found], now=services.clock())
        _note(services, connection, who, "replay", id_, count=len(found), **details)
    services.wake(Work(Kind.SEND))
    return len(found)


def _note(services: Services, connection: Connection, who: str, verb: str, id_: str, **details: Any) -> None:
    audit.note(
        connection,
        who=who,
        action=f"subscription.{verb}",
        target=id_,
        details=details,
        now=services.clock(),
    )
