"""The OAuth endpoints: a refresh token for an access token, and what an access token is for."""

from __future__ import annotations

from closedloop.sandbox.hubspot.asking import Answer, Call


def issue_token(call: Call) -> Answer:
    """POST: an access token; version 1 takes its parameters from the query as well as from the form."""
    numbered = call.request.path.startswith("/oauth/v1/")
    query = call.request.args.to_dict() if numbered else {}
    return 200, call.access.refresh(query | call.request.form.to_dict())


def describe_token(call: Call) -> Answer:
    """GET: the portal, the user and the scopes of an access token."""
    return 200, call.access.described(call.path["token"], call.portal.id, call.portal.app_id)
