"""Who may open and do what on the pages and in the API of operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from closedloop_server.access import Role

OF_OPERATORS = ("/operations/", "/operations/connections", "/operations/inbox", "/operations/deliveries")
OF_ADMINS = ("/operations/subscriptions", "/operations/tokens", "/operations/audit")
ACTIONS = {
    "/operations/connections/salesforce-emea/pause": Role.OPERATOR,
    "/operations/connections/salesforce-emea/resume": Role.OPERATOR,
    "/operations/connections/salesforce-emea/read-again": Role.OPERATOR,
    "/operations/inbox/7/replay": Role.OPERATOR,
    "/operations/inbox/replay": Role.OPERATOR,
    "/operations/deliveries/try-again": Role.OPERATOR,
    "/operations/subscriptions": Role.ADMIN,
    "/operations/subscriptions/sub_111111111111111111111111": Role.ADMIN,
    "/operations/subscriptions/sub_111111111111111111111111/test": Role.ADMIN,
    "/operations/subscriptions/sub_111111111111111111111111/rotate": Role.ADMIN,
    "/operations/subscriptions/sub_111111111111111111111111/pause": Role.ADMIN,
    "/operations/subscriptions/sub_111111111111111111111111/resume": Role.ADMIN,
    "/operations/subscriptions/sub_111111111111111111111111/remove": Role.ADMIN,
    "/operations/subscriptions/sub_111111111111111111111111/replay": Role.ADMIN,
    "/operations/tokens": Role.ADMIN,
    "/operations/tokens/revoke": Role.ADMIN,
}
RANK = list(Role)


@pytest.mark.parametrize("role", list(Role))
def test_a_page_opens_for_whom_it_is(watched: Any, role: Role) -> None:
    client = watched.client(role)
    for page in (*OF_OPERATORS, *OF_ADMINS):
        needed = Role.OPERATOR if page in OF_OPERATORS else Role.ADMIN
        expected = 200 if RANK.index(role) >= RANK.index(needed) else 403
        assert client.get(page).status_code == expected, page


@pytest.mark.parametrize("role", list(Role))
def test_the_navigation_shows_only_what_opens(watched: Any, role: Role) -> None:
    home = watched.client(role).get("/").get_data(as_text=True)
    assert (">Operations</a>" in home) == (role is not Role.VIEWER)
    if role is not Role.VIEWER:
        page = watched.client(role).get("/operations/").get_data(as_text=True)
        assert (">Tokens</a>" in page) == (role is Role.ADMIN)


def test_strangers_are_sent_to_sign_in(watched: Any) -> None:
    answer = watched.app.test_client().get("/operations/inbox")
    assert answer.status_code == 303
    assert "/login" in answer.location


def test_every_action_of_the_pages_is_tested_here(watched: Any) -> None:
    routed = {
        str(rule)
        for rule in watched.app.url_map.iter_rules()
        if str(rule).startswith("/operations/") and "POST" in (rule.methods or ())
    }
    told = {
        action.replace("salesforce-emea", "<name>")
        .replace("/sub_111111111111111111111111", "/<id_>")
        .replace("/7/", "/<int:number>/")
        for action in ACTIONS
    }
    assert routed == told


@pytest.mark.parametrize("action", ACTIONS)
def test_nobody_below_the_role_may_act(operated: Any, form_of: Callable[..., str], action: str) -> None:
    for role in RANK[: RANK.index(ACTIONS[action])]:
        client = operated.client(role)
        answer = client.post(action, data={"form": form_of(client), "sure": "yes"})
        assert answer.status_code == 403, role


@pytest.mark.parametrize("action", ACTIONS)
def test_a_form_of_another_site_does_nothing(watched: Any, action: str) -> None:
    client = watched.client(Role.ADMIN)
    assert client.post(action, data={"sure": "yes"}).status_code == 400
    assert client.post(action, data={"sure": "yes", "form": "guessed"}).status_code == 400


@pytest.mark.parametrize("role", list(Role))
def test_the_api_keeps_the_same_roles(watched: Any, role: Role) -> None:
    headers = {"Authorization": f"Bearer {watched.tokens[role]}"}
    for path, needed in {
        "/system": Role.OPERATOR,
        "/connections": Role.OPERATOR,
        "/inbox": Role.OPERATOR,
        "/deliveries?connection=salesforce-emea": Role.OPERATOR,
        "/subscriptions": Role.ADMIN,
        "/tokens": Role.ADMIN,
        "/audit": Role.ADMIN,
    }.items():
        answer = watched.app.test_client().get(f"/api/v1{path}", headers=headers)
        allowed = RANK.index(role) >= RANK.index(needed)
        assert answer.status_code == (200 if allowed else 403), path
        if not allowed:
            assert answer.get_json()["error"] == "insufficient_scope"
