"""The OAuth endpoints: a person's consent, tokens, and what tokens are for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from closedloop.sandbox.hubspot.access.tokens import USER_ID, OAuthError
from closedloop.sandbox.hubspot.errors import HubSpotError, not_found
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Redirect, Routes

_FORM = "application/x-www-form-urlencoded"
_DATED = re.compile(r"/oauth/\d{4}-\d\d/")


def authorise(call: Call) -> Answer:
    """GET: the page where a person lets the app in: here they agree at once and are led back to the app."""
    asked, access = call.request.args, call.access
    target = asked.get("redirect_uri", "")
    if asked.get("client_id") != access.client_id:
        return 400, _page("An invalid app client_id was provided. Please contact the app developer.")
    if not urlsplit(target).scheme or (access.redirect_uris and target not in access.redirect_uris):
        # The words: issue 3 of HubSpot/oauth-quickstart-python.
        return 400, _page(
            "Authorization failed as the redirect URL doesn't match the app's registered redirect URL"
        )
    scopes = f"{asked.get('scope', '')} {asked.get('optional_scope', '')}".split()
    code = {"code": access.authorise(target, scopes)}
    state = {"state": asked["state"]} if "state" in asked else {}
    return 302, Redirect(f"{target}{'&' if urlsplit(target).query else '?'}{urlencode(code | state)}")


def issue_token(call: Call) -> Answer:
    """POST: tokens; version 1 takes its parameters from the query as well, and gives none for the app's
    credentials alone."""
    numbered = call.request.path.startswith("/oauth/v1/")
    form = _form(call, with_query=numbered)
    with _dated(call):
        answer = call.access.issue({**form, "grant_type": ""} if numbered and _of_app(form) else form)
    scopes = answer.pop("scopes")
    if numbered:
        return 200, answer
    use = "access_token" if "refresh_token" in answer else "client_credentials"
    more = {"token_use": use, "hub_id": call.portal.id, "scopes": scopes, "user_id": USER_ID}
    return 200, answer | more


def describe_access_token(call: Call) -> Answer:
    """GET: the portal, user and scopes of an access token (the words of the 404 are not confirmed)."""
    found = call.access.described(call.path["token"], call.portal.id, call.portal.app_id)
    if found is None:
        raise HubSpotError("access token not found", status=404, category="OBJECT_NOT_FOUND")
    return 200, found


def describe_refresh_token(call: Call) -> Answer:
    """GET: the portal, the user and the scopes of a refresh token."""
    found = call.access.described_refresh_token(call.path["token"], call.portal.id)
    if found is None:
        raise HubSpotError("refresh token not found", status=404, category="OBJECT_NOT_FOUND")
    return 200, found


def delete_refresh_token(call: Call) -> Answer:
    """DELETE: forgets a refresh token; its access tokens live on until they end."""
    if not call.access.forget(call.path["token"]):
        raise HubSpotError("refresh token not found", status=404, category="OBJECT_NOT_FOUND")
    return 204, None


def introspect(call: Call) -> Answer:
    """POST: whether a token is good, and what for."""
    form = _form(call)
    with _dated(call):
        call.access.check_client(form)
    token, portal = form.get("token", ""), call.portal
    found = call.access.described(token, portal.id, portal.app_id)
    use = "access_token"
    if found is None:
        found, use = call.access.described_refresh_token(token, portal.id), "refresh_token"
    if found is None:
        return 200, {"active": False}
    ours = {"client_id": call.access.client_id, "app_id": portal.app_id}
    return 200, {"active": True, "token_use": use, **found, **ours}


def revoke(call: Call) -> Answer:
    """POST: forgets a refresh token; one that is not there is no error (RFC 7009)."""
    form = _form(call)
    with _dated(call):
        call.access.check_client(form)
    call.access.forget(form.get("token", ""))
    return 200, None


def describe_private_token(call: Call) -> Answer:
    """POST: the scopes of a private app's token, which the body names (docs/hubspot-behaviour.md of
    scopiousdigital/kalup)."""
    call.access.caller(call.request.headers.get("Authorization", ""))
    scopes = call.access.private_scopes(str(call.body.get("tokenKey", "")))
    if scopes is None:
        raise not_found()
    return 200, {
        "userId": USER_ID,
        "hubId": call.portal.id,
        "appId": call.portal.app_id,
        "scopes": scopes,
        "isUserToken": False,
    }


@contextmanager
def _dated(call: Call) -> Iterator[None]:
    """Lets a dated version refuse in its own form."""
    try:
        yield
    except OAuthError as problem:
        problem.dated = _DATED.match(call.request.path) is not None
        raise


def _of_app(form: dict[str, Any]) -> bool:
    return form.get("grant_type") == "client_credentials"


def _form(call: Call, *, with_query: bool = False) -> dict[str, str]:
    """The parameters; 415 for anything but a form."""
    if call.request.mimetype not in {"", _FORM}:
        raise HubSpotError("HTTP 415 Unsupported Media Type", status=415, category=None)
    query = call.request.args.to_dict() if with_query else {}
    return query | call.request.form.to_dict()


def _page(words: str) -> str:
    return f"<html><body><h1>Couldn't complete the connection</h1><p>{words}</p></body></html>"


ROUTES: Routes = (
    ("GET", "oauth pages", "/authorize", authorise),
    ("GET", "oauth pages", "/<hub>/authorize", authorise),
    ("POST", "oauth", "/token", issue_token),
    ("POST", "oauth introspection", "/token/introspect", introspect),
    ("POST", "oauth introspection", "/token/revoke", revoke),
    ("GET", "oauth tokens", "/access-tokens/<token>", describe_access_token),
    ("GET", "oauth tokens", "/refresh-tokens/<token>", describe_refresh_token),
    ("DELETE", "oauth tokens", "/refresh-tokens/<token>", delete_refresh_token),
    ("POST", "oauth pages", "/v2/private-apps/get/access-token-info", describe_private_token),
)
