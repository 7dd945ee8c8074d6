"""Every address of the application, one by one: who gets in, what changes something, what is told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, request
from werkzeug.routing import Rule

from closedloop_server.access import SAFE_METHODS, Role, Scope, required_by
from closedloop_server.app import create_app
from closedloop_server.hardening import HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import Loop
    from tests.server.security.conftest import Browser

# What is proved here lies before the tables, and is the same on every database.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

OPEN = {
    "pages.login": "signing in",
    "pages.submit": "signing in",
    "pages.logout": "signing out, which a browser does for itself alone",
    "pages.static": "the style sheet of the sign-in page",
    "healthz": "asked by whoever watches the server; it tells nothing but whether it is well",
    "webhooks.salesforce_delivery": "verified by the secret in its address",
    "webhooks.hubspot_delivery": "verified by its signature",
}
"""Everything that answers strangers, and why it may."""
OWN = {"pages.submit", "pages.logout", "pages.logout_everywhere"}
"""What changes something for whoever calls alone, so that no scope is needed."""


def rules(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every route with an address that leads to it."""
    for rule in app.url_map.iter_rules():
        yield rule, re.sub(r"<(?:int:)?[^>]*>", "1", rule.rule)


def changing(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - SAFE_METHODS - {"TRACE"})


def for_programs(rule: Rule) -> bool:
    return rule.rule.startswith("/api/")


def test_the_list_of_open_addresses_names_no_address_that_is_gone(app: Flask) -> None:
    assert set(OPEN) - {rule.endpoint for rule, _ in rules(app)} == set()


def test_a_stranger_gets_nowhere_but_to_the_open_addresses(app: Flask) -> None:
    client = app.test_client()
    for rule, address in rules(app):
        if rule.endpoint in OPEN:
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD", "TRACE"}):
            answer = client.open(address, method=method)
            refused = answer.status_code in {400, 401}
            sent_to_sign_in = answer.status_code == 303 and answer.headers["Location"].startswith("/login")
            assert refused or sent_to_sign_in, f"{method} {address}: {answer.status}"


def test_a_viewer_changes_nothing(app: Flask, browser: Browser, make_token: Callable[..., str]) -> None:
    token = make_token(Role.VIEWER)
    browser.sign_in(token)
    form = browser.form
    for rule, address in rules(app):
        if rule.endpoint in OPEN or rule.endpoint in OWN:
            continue
        for method in changing(rule):
            if for_programs(rule):
                headers = {"Authorization": f"Bearer {token}"}
                answer = app.test_client().open(address, method=method, headers=headers, json={})
            else:
                answer = browser.client.open(address, method=method, data={"form": form})
            assert answer.status_code in {403, 404, 405}, f"{method} {address}: {answer.status}"


def test_every_view_that_changes_something_says_which_scope_it_needs(app: Flask) -> None:
    missing = [
        f"{rule.rule} ({rule.endpoint})"
        for rule, _ in rules(app)
        if changing(rule) and rule.endpoint not in {*OPEN, *OWN, "api.nothing"}
        if scope_of(app, rule) not in {Scope.OPERATE, Scope.ADMIN}
    ]
    assert missing == []


def scope_of(app: Flask, rule: Rule) -> Scope | None:
    """The scope of the view, however deep it is wrapped."""
    view: Any = app.view_functions[rule.endpoint]
    while view is not None:
        if found := required_by(view):
            return found
        view = getattr(view, "__wrapped__", None)
    return None


def test_no_form_is_taken_that_another_site_sent(
    app: Flask, browser: Browser, make_token: Callable[..., str]
) -> None:
    browser.sign_in(make_token())
    for rule, address in rules(app):
        if rule.rule.startswith(("/api/", "/webhooks/")):
            continue
        for method in changing(rule):
            answer = browser.client.open(address, method=method, data={"form": "guessed"})
            assert answer.status_code == 400, f"{method} {address}: {answer.status}"
    assert browser.is_in()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 303),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
    ],
    ids=["silent", "same", "without an origin", "cross-site", "same-site", "evil origin", "like ours"],
)
def test_what_the_browser_says_about_the_forms_origin_counts(
    browser: Browser, make_token: Callable[..., str], headers: dict[str, str], status: int
) -> None:
    browser.sign_in(make_token())
    answer = browser.client.post("/logout", data={"form": browser.form}, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "text/plain", "application/json"])
def test_only_forms_of_the_pages_kind_are_read(
    browser: Browser, make_token: Callable[..., str], kind: str
) -> None:
    browser.sign_in(make_token())
    answer = browser.client.post("/logout", data=f"form={browser.form}", content_type=kind)
    assert answer.status_code == 415


def test_no_answer_allows_scripts_or_styles_of_its_own(
    app: Flask, browser: Browser, make_token: Callable[..., str]
) -> None:
    token = make_token()
    browser.sign_in(token)
    for _, address in rules(app):
        answer = browser.client.get(address, headers={"Authorization": f"Bearer {token}"})
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, address
        assert "script-src" not in policy, address
        assert "unsafe" not in policy, address
        text = answer.get_data(as_text=True) if "html" in answer.content_type else ""
        assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:", text, re.IGNORECASE), address
        for name in set(HEADERS) - {"Content-Security-Policy"}:
            assert answer.headers[name] == HEADERS[name], f"{address}: {name}"


def test_a_query_has_a_length_and_a_form_a_size(browser: Browser, make_token: Callable[..., str]) -> None:
    assert browser.client.get("/login?next=" + "x" * 4_001).status_code == 414
    browser.sign_in(make_token())
    data = {"form": browser.form, "x": "y" * 600_000}
    assert browser.client.post("/logout", data=data).status_code == 413
    assert browser.is_in()


def test_what_is_nested_too_deeply_is_refused_and_no_failure(loop: Loop) -> None:
    app = create_app(loop.services)
    app.add_url_rule("/api/deep", view_func=lambda: json.loads(request.get_data()), methods=["POST"])
    answer = app.test_client().post("/api/deep", data="[" * 100_000 + "]" * 100_000)
    assert answer.status_code == 400
    assert answer.get_json()["error"] == "too_deep"
