"""The webhooks API: the app's address and its subscriptions, and the log of what was delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from hubspot import HubSpot
from hubspot.webhooks import (
    BatchInputSubscriptionBatchUpdateRequest,
    SettingsChangeRequest,
    SubscriptionCreateRequest,
    SubscriptionPatchRequest,
    ThrottlingSettings,
)

from closedloop.sandbox.hubspot import HubSpotError, HubSpotSandbox, Portal

Call = Callable[..., requests.Response]
NOBODY = "http://127.0.0.1:1/nobody"


@pytest.fixture
def developer(sandbox: HubSpotSandbox) -> Iterator[Call]:
    """Calls the webhooks API of the app with the developer's key."""
    with requests.Session() as session:
        session.trust_env = False

        def send(method: str, path: str, prefix: str = "/webhooks/v3", **more: Any) -> requests.Response:
            url = f"{sandbox.url}{prefix}/{sandbox.app_id}{path}"
            return session.request(method, url, params={"hapikey": sandbox.developer_key}, timeout=10, **more)

        yield send


def test_the_client_sets_the_app_up(sandbox: HubSpotSandbox, portal: Portal) -> None:
    hub = HubSpot(api_key=sandbox.developer_key, host=sandbox.url, base_url=sandbox.url, retry=False).webhooks
    change = SettingsChangeRequest(
        target_url=NOBODY, throttling=ThrottlingSettings(max_concurrent_requests=12)
    )
    app = sandbox.app_id
    hub.settings_api.configure(app, change)
    settings = hub.settings_api.get_all(app)
    assert (settings.target_url, settings.throttling.max_concurrent_requests) == (NOBODY, 12)
    made = hub.subscriptions_api.create(
        app, SubscriptionCreateRequest(event_type="contact.propertyChange", property_name="firstname")
    )
    assert (made.active, made.property_name) == (False, "firstname")
    lead = hub.subscriptions_api.create(
        app, SubscriptionCreateRequest(event_type="object.creation", object_type_id="0-136", active=True)
    )
    assert (lead.active, lead.object_type_id) == (True, "0-136")
    hub.subscriptions_api.update(int(made.id), app, SubscriptionPatchRequest(active=True))
    batch = BatchInputSubscriptionBatchUpdateRequest(
        inputs=[{"id": int(lead.id), "active": False}, {"id": 99, "active": False}]
    )
    answer = hub.subscriptions_api.update_batch(app, batch)
    assert ([r.active for r in answer.results], answer.num_errors) == ([False], 1)
    assert [s.active for s in hub.subscriptions_api.get_all(app).results] == [True, False]
    hub.subscriptions_api.archive(int(made.id), app)
    assert [s.id for s in hub.subscriptions_api.get_all(app).results] == [lead.id]
    hub.settings_api.clear(app)
    assert portal.sender.target is None


@pytest.mark.parametrize(
    "prefix", ["/webhooks/2026-03", "/app-webhooks/2025-09", "/app-webhooks/2026-03", "/app-webhooks/2026-09"]
)
def test_the_dated_paths_lead_to_the_same(developer: Call, prefix: str) -> None:
    body = {"eventType": "deal.creation", "active": True}
    made = developer("POST", "/subscriptions", prefix, json=body)
    assert made.status_code == 201
    assert developer("GET", f"/subscriptions/{made.json()['id']}").json() == made.json()
    put = developer("PUT", f"/subscriptions/{made.json()['id']}", prefix, json={"active": False})
    assert (put.status_code, put.json()["active"]) == (200, False)


def test_only_the_developer_and_the_apps_own_token_may_change_them(
    sandbox: HubSpotSandbox, call: Call
) -> None:
    path = f"/webhooks/v3/{sandbox.app_id}/subscriptions"
    assert call("GET", path).status_code == 200
    for query in ("", "?hapikey=wrong"):
        answer = requests.get(sandbox.url + path + query, timeout=10)
        assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")
    url = f"{sandbox.url}/crm/v3/objects/contacts?hapikey={sandbox.developer_key}"
    assert requests.get(url, timeout=10).status_code == 401
    assert call("GET", "/webhooks/v3/7/subscriptions").status_code == 404


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "[eventType]"),
        ({"eventType": "contact.explosion"}, "contact.explosion"),
        ({"eventType": "lead.creation"}, "lead.creation"),
        ({"eventType": "product.associationChange"}, "product.associationChange"),
        ({"eventType": "object.creation"}, "[objectTypeId]"),
        ({"eventType": "object.creation", "objectTypeId": "0-35"}, "object.creation"),
        ({"eventType": "object.creation", "objectTypeId": "butterflies"}, "butterflies"),
        ({"eventType": "contact.propertyChange"}, "[propertyName]"),
        ({"eventType": "contact.creation", "active": "yes"}, "boolean"),
    ],
    ids=["nothing", "action", "leads", "products", "no type", "campaigns", "no object", "property", "active"],
)
def test_a_subscription_that_cannot_be_is_refused(developer: Call, body: dict[str, Any], words: str) -> None:
    answer = developer("POST", "/subscriptions", json=body)
    assert (answer.status_code, words in answer.json()["message"]) == (400, True), answer.text
    assert developer("GET", "/subscriptions").json() == {"results": []}


@pytest.mark.parametrize(
    "event", ["ticket.creation", "line_item.propertyChange", "product.deletion", "conversation.newMessage"]
)
def test_every_documented_event_can_be_subscribed_to(developer: Call, event: str) -> None:
    body = {"eventType": event, "propertyName": "hs_object_id"}
    assert developer("POST", "/subscriptions", json=body).json()["eventType"] == event


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"throttling": {"maxConcurrentRequests": 10}}, "[targetUrl]"),
        ({"targetUrl": "ftp://example.com", "throttling": {"maxConcurrentRequests": 10}}, "target URL"),
        ({"targetUrl": "https://[", "throttling": {"maxConcurrentRequests": 10}}, "target URL"),
        ({"targetUrl": "https://a.example.com"}, "[maxConcurrentRequests]"),
        ({"targetUrl": "https://a.example.com", "throttling": {"maxConcurrentRequests": 5}}, "greater"),
        ({"targetUrl": "https://a.example.com", "throttling": {"maxConcurrentRequests": "9"}}, "greater"),
        ({"targetUrl": "https://a.example.com", "throttling": 9}, "throttling"),
    ],
    ids=["no address", "scheme", "broken", "no number", "few", "text", "no object"],
)
def test_settings_that_cannot_be_are_refused(developer: Call, body: dict[str, Any], words: str) -> None:
    answer = developer("PUT", "/settings", json=body)
    assert (answer.status_code, words in answer.json()["message"]) == (400, True), answer.text
    assert developer("GET", "/settings").status_code == 404


def test_an_app_has_a_thousand_subscriptions(developer: Call, portal: Portal) -> None:
    for _ in range(1000):
        portal.subscribe("contact.creation")
    assert developer("POST", "/subscriptions", json={"eventType": "deal.creation"}).status_code == 400


def test_unknown_subscriptions_are_not_found(developer: Call) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        for number in ("7", "seven", "٧"):
            answer = developer(method, f"/subscriptions/{number}", json={"active": True})
            assert (answer.status_code, answer.json()["category"]) == (404, "OBJECT_NOT_FOUND")


def test_a_paused_subscription_hears_nothing(developer: Call, portal: Portal) -> None:
    made = developer("POST", "/subscriptions", json={"eventType": "company.creation"}).json()["id"]
    portal.set_target(NOBODY)
    portal.create("companies", {"name": "C"})
    assert portal.settle(5)
    assert portal.deliveries == []
    developer("PATCH", f"/subscriptions/{made}", json={"active": True})
    portal.create("companies", {"name": "D"})
    assert portal.settle(20)
    assert [d.attempt for d in portal.deliveries] == list(range(11))
    first = portal.deliveries[0]
    assert (first.url, first.events, first.status, len(first.event_ids)) == (NOBODY, 1, None, 1)


def test_ids_of_subscriptions_are_not_given_again(developer: Call) -> None:
    body = {"eventType": "company.creation"}
    first = developer("POST", "/subscriptions", json=body).json()["id"]
    developer("DELETE", f"/subscriptions/{first}")
    assert developer("POST", "/subscriptions", json=body).json()["id"] != first


def test_a_portal_refuses_what_hubspot_does_not_offer(portal: Portal) -> None:
    with pytest.raises(HubSpotError):
        portal.subscribe("campaign.creation")
