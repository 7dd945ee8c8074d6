"""The resources for admins: tokens, and who changed what."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from marshmallow import Schema, fields, validate

from closedloop.errors import SettingsError
from closedloop_server.access import Role, Scope, services, viewer
from closedloop_server.api.arguments import BeforeArguments, LimitArguments, Whole, text
from closedloop_server.api.operating_answers import AuditAnswer, DoneAnswer, MadeTokenAnswer, TokensAnswer
from closedloop_server.api.problems import RequestError
from closedloop_server.api.site import blueprint
from closedloop_server.operating import tokens as operating
from closedloop_server.store.audit import entries
from closedloop_server.store.engine import reading

_ACCESS: dict[str, Any] = {"scope": Scope.ADMIN, "tag": "Access"}


class AuditArguments(BeforeArguments, LimitArguments):
    """Which entries of the audit."""


class TokenBody(Schema):
    """A token to be made."""

    name = fields.String(
        required=True,
        # What `create_token` takes: something printable that is not blank.
        validate=[
            validate.Length(min=1, max=100),
            validate.Regexp(r"^[ -~]*[!-~][ -~]*$", error="Must be printable ASCII and not blank."),
        ],
        metadata={"description": "Who or what uses it.", "examples": ["reporting"]},
    )
    role = fields.Enum(Role, by_value=True, required=True, metadata={"description": "What it may do."})
    days = Whole(
        validate=validate.Range(min=1, max=3650),
        metadata={"description": "How long it holds; left out: until it is revoked."},
    )


class RevokeBody(Schema):
    """A token to be revoked."""

    name = text(100, "The token's name.", required=True)


@blueprint.resource("/audit", AuditAnswer, arguments=AuditArguments, **_ACCESS)
def audited(arguments: dict[str, Any]) -> dict[str, Any]:
    """Who changed what about this installation, the newest first."""
    limit = arguments["limit"]
    with reading(services().engine) as connection:
        found = entries(connection, limit=limit + 1, before=arguments.get("before"))
    return {
        "entries": found[:limit],
        "next_before": found[limit - 1].id if len(found) > limit else None,
    }


@blueprint.resource("/tokens", TokensAnswer, **_ACCESS)
def tokens(_: dict[str, Any]) -> dict[str, Any]:
    """Every token that was ever made, the newest first."""
    return {"tokens": operating.every(services())}


@blueprint.resource(
    "/tokens", MadeTokenAnswer, method="POST", body=TokenBody, status=HTTPStatus.CREATED, **_ACCESS
)
def create_token(arguments: dict[str, Any]) -> dict[str, Any]:
    """Makes a token; the answer shows it this once."""
    days = arguments.get("days")
    ends = services().clock() + timedelta(days=days) if days else None
    try:
        made = operating.create(
            services(), name=arguments["name"], role=arguments["role"], expires_at=ends, who=viewer().name
        )
    except SettingsError as exc:
        raise RequestError(exc.message, reason="bad_argument") from exc
    return {"token": made}


@blueprint.resource("/tokens/revoke", DoneAnswer, method="POST", body=RevokeBody, **_ACCESS)
def revoke_token(arguments: dict[str, Any]) -> dict[str, Any]:
    """Ends every valid token of a name, and the sessions that they opened; tells how many there were."""
    return {"count": operating.revoke(services(), name=arguments["name"], who=viewer().name)}
