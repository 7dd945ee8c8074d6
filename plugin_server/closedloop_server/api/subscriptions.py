"""The resources of the webhooks that this server sends: who is told, and how that went."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from marshmallow import Schema, fields

from closedloop_server.access import Scope, services, viewer
from closedloop_server.api.arguments import BeforeArguments, LimitArguments, Moment, text
from closedloop_server.api.fields import Answer, Instant
from closedloop_server.api.operating_answers import DoneAnswer
from closedloop_server.api.site import blueprint
from closedloop_server.subscriptions import admin
from closedloop_server.subscriptions.attempts import Attempt
from closedloop_server.subscriptions.event_types import CHOOSABLE, EventType
from closedloop_server.subscriptions.subscription import State, Subscription

_SUBSCRIPTIONS: dict[str, Any] = {
    "scope": Scope.ADMIN,
    "tag": "Subscriptions",
    "refusals": (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
}


class SubscriptionAnswer(Answer):
    """A subscriber; empty `types` or `connections` mean all. `why` says why it is disabled."""

    id = fields.String()
    name = fields.String()
    description = fields.String()
    url = fields.String()
    types = fields.List(fields.Enum(EventType, by_value=True))
    connections = fields.List(fields.String())
    state = fields.Enum(State, by_value=True)
    why = fields.String()
    state_since = Instant()
    created_at = Instant()
    failing_since = Instant(allow_none=True)
    held_until = Instant(allow_none=True)


class SubscriptionsAnswer(Answer):
    """Every subscription, by name."""

    subscriptions = fields.List(fields.Nested(SubscriptionAnswer))


class CreatedAnswer(Answer):
    """A new subscription and the secret that verifies its webhooks, shown this once."""

    subscription = fields.Nested(SubscriptionAnswer)
    secret = fields.String()


class SecretAnswer(Answer):
    """The secret that verifies webhooks, shown this once."""

    secret = fields.String()


class AttemptAnswer(Answer):
    """One call. Without a duration it is under way, or ended with the process that made it."""

    number = fields.Integer()
    event_id = fields.String()
    type = fields.Enum(EventType, by_value=True)
    at = Instant()
    duration_ms = fields.Integer(allow_none=True)
    status = fields.Integer(allow_none=True)
    error = fields.String()
    answer = fields.String()
    accepted = fields.Boolean()


class AttemptsAnswer(Answer):
    """Calls, the latest first. `next_before` is null on the last page."""

    attempts = fields.List(fields.Nested(AttemptAnswer))
    next_before = fields.Integer(allow_none=True)


def _types() -> fields.List[Any]:
    return fields.List(
        fields.String(metadata={"enum": [each.value for each in CHOOSABLE]}),
        metadata={"description": "Only these events; empty: all."},
    )


class ChangeBody(Schema):
    """What is to be changed; what is left out stays."""

    name = text(100, "What it is called.")
    url = text(2000, "Where webhooks are sent.", format="uri")
    types = _types()
    connections = fields.List(
        fields.String(), metadata={"description": "Only what these connections are about; empty: all."}
    )
    description = text(500, "What it is for.")


class CreateBody(ChangeBody):
    """A subscription to be added."""

    name = text(100, "What it is called.", required=True)
    url = text(2000, "Where webhooks are sent.", required=True, format="uri")


class AttemptArguments(BeforeArguments, LimitArguments):
    """Which calls."""


class ReplayBody(Schema):
    """What is sent again: one `event`, those learned from `since` (else: all) until `until` (else: now), or,
    with none of them, all that the subscriber did not accept."""

    event = text(40, "The event's id.")
    since = Moment(metadata={"description": "The first moment that counts."})
    until = Moment(metadata={"description": "The first moment that does not count any more."})


@blueprint.resource("/subscriptions", SubscriptionsAnswer, scope=Scope.ADMIN, tag="Subscriptions")
def subscriptions(_: dict[str, Any]) -> dict[str, Any]:
    """Every subscription."""
    return {"subscriptions": admin.every(services())}


@blueprint.resource(
    "/subscriptions",
    CreatedAnswer,
    method="POST",
    body=CreateBody,
    status=HTTPStatus.CREATED,
    refusals=(HTTPStatus.CONFLICT,),
    scope=Scope.ADMIN,
    tag="Subscriptions",
)
def create_subscription(arguments: dict[str, Any]) -> admin.Created:
    """Adds a subscription; the answer shows its secret this once."""
    return admin.create(services(), **arguments, who=viewer().name)


@blueprint.resource("/subscriptions/<id_>", SubscriptionAnswer, **_SUBSCRIPTIONS)
def subscription(_: dict[str, Any], id_: str) -> Subscription:
    """One subscription."""
    return admin.one(services(), id_)


@blueprint.resource(
    "/subscriptions/<id_>", SubscriptionAnswer, method="PATCH", body=ChangeBody, **_SUBSCRIPTIONS
)
def update_subscription(arguments: dict[str, Any], id_: str) -> Subscription:
    """Changes what is given and leaves the rest."""
    return admin.update(services(), id_, **arguments, who=viewer().name)


@blueprint.resource("/subscriptions/<id_>", DoneAnswer, method="DELETE", **_SUBSCRIPTIONS)
def remove_subscription(_: dict[str, Any], id_: str) -> dict[str, Any]:
    """Ends a subscription for good."""
    admin.remove(services(), id_, who=viewer().name)
    return {"count": 1}


@blueprint.resource("/subscriptions/<id_>/pause", SubscriptionAnswer, method="POST", **_SUBSCRIPTIONS)
def pause_subscription(_: dict[str, Any], id_: str) -> Subscription:
    """Has its webhooks wait."""
    return admin.pause(services(), id_, who=viewer().name)


@blueprint.resource("/subscriptions/<id_>/resume", SubscriptionAnswer, method="POST", **_SUBSCRIPTIONS)
def resume_subscription(_: dict[str, Any], id_: str) -> Subscription:
    """Lets its webhooks go on; enables one that was disabled."""
    return admin.resume(services(), id_, who=viewer().name)


@blueprint.resource("/subscriptions/<id_>/rotate", SecretAnswer, method="POST", **_SUBSCRIPTIONS)
def rotate_subscription(_: dict[str, Any], id_: str) -> dict[str, Any]:
    """Makes a new secret, shown this once; the old one signs beside it for a day."""
    return {"secret": admin.rotate(services(), id_, who=viewer().name)}


@blueprint.resource("/subscriptions/<id_>/test", AttemptAnswer, method="POST", **_SUBSCRIPTIONS)
def send_test(_: dict[str, Any], id_: str) -> Attempt:
    """Sends a test now, and tells how it went."""
    return admin.test(services(), id_, who=viewer().name)


@blueprint.resource(
    "/subscriptions/<id_>/replay", DoneAnswer, method="POST", body=ReplayBody, **_SUBSCRIPTIONS
)
def replay_subscription(arguments: dict[str, Any], id_: str) -> dict[str, Any]:
    """Sends events again: one, those of a time, or all that were missed."""
    who = viewer().name
    if "event" in arguments:
        return {"count": admin.replay(services(), id_, event=arguments["event"], who=who)}
    if not arguments:
        return {"count": admin.replay_missed(services(), id_, who=who)}
    since = arguments.get("since") or admin.one(services(), id_).created_at
    until = arguments.get("until") or services().clock()
    return {"count": admin.replay_range(services(), id_, since=since, until=until, who=who)}


@blueprint.resource(
    "/subscriptions/<id_>/attempts", AttemptsAnswer, arguments=AttemptArguments, **_SUBSCRIPTIONS
)
def attempts(arguments: dict[str, Any], id_: str) -> dict[str, Any]:
    """The calls to a subscription, the latest first."""
    limit = arguments["limit"]
    found = admin.log(services(), id_, limit=limit + 1, before=arguments.get("before"))
    return {
        "attempts": found[:limit],
        "next_before": found[limit - 1].number if len(found) > limit else None,
    }
