"""The webhooks API: the app's one URL, and what it is told there.

Source: HubSpot documentation, "Webhooks API", and its OpenAPI description of 21 August 2026. The words of the
refusals are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from closedloop.sandbox.hubspot.errors import HubSpotError, not_found
from closedloop.sandbox.hubspot.records.record import stamp
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, an_id, inputs_of, mapping
from closedloop.sandbox.hubspot.rest.wire import attempted, batch
from closedloop.sandbox.hubspot.settings.property_forms import required
from closedloop.sandbox.hubspot.webhooks.subscriptions import Subscription

_MOST = 100
# "Must be greater than five" (HubSpot documentation, "Webhooks API").
_FEWEST_REQUESTS = 6
_LARGEST_NUMBER = 2**31 - 1


def get_settings(call: Call) -> Answer:
    """GET: the app's URL and how many requests may be under way at once."""
    _own_app(call)
    settings = call.portal.webhooks.to_wire()
    if settings is None:
        raise not_found()
    return 200, settings


def change_settings(call: Call) -> Answer:
    """PUT: names the app's URL."""
    _own_app(call)
    url, most = _url(call.body), _concurrency(mapping(call.body, "throttling"))
    call.portal.webhooks.put(url, stamp(call.at), most=most)
    return 200, call.portal.webhooks.to_wire()


def clear_settings(call: Call) -> Answer:
    """DELETE: forgets the URL; the subscriptions stay and wait for another."""
    _own_app(call)
    call.portal.webhooks.clear()
    return 204, None


def list_subscriptions(call: Call) -> Answer:
    """GET: every subscription, paused ones too."""
    _own_app(call)
    return 200, {"results": [subscription.to_wire() for subscription in call.portal.subscriptions]}


def create_subscription(call: Call) -> Answer:
    """POST: subscribes; the new subscription is paused unless the body says otherwise."""
    _own_app(call)
    body = call.body
    event_type, kind = required(body, "eventType"), body.get("objectTypeId")
    if event_type.startswith("object.") and kind is None:
        raise HubSpotError("objectTypeId is required for generic subscriptions: [objectTypeId]")
    name = required(body, "propertyName") if event_type.endswith(".propertyChange") else None
    made = call.portal.subscriptions.add(
        event_type,
        None if kind is None else call.portal.kinds.get(str(kind)),
        name,
        stamp(call.at),
        active=_active(body, default=False),
    )
    return 201, made.to_wire()


def get_subscription(call: Call) -> Answer:
    """GET: one subscription."""
    _own_app(call)
    return 200, _subscription(call, call.path["subscription"]).to_wire()


def update_subscription(call: Call) -> Answer:
    """PATCH (PUT in older documentation): lets a subscription pause or go on."""
    _own_app(call)
    found = _subscription(call, call.path["subscription"])
    return 200, _switched(call, found, call.body)


def update_subscriptions(call: Call) -> Answer:
    """POST: lets several subscriptions pause or go on; unknown ones are errors of a 207."""
    _own_app(call)

    def switch(row: dict[str, Any]) -> dict[str, Any]:
        return _switched(call, _subscription(call, an_id(row)), row)

    results, problems = attempted(inputs_of(call.body, _MOST), switch)
    return batch(results, problems, call.at, call.portal.clock())


def delete_subscription(call: Call) -> Answer:
    """DELETE: ends a subscription."""
    _own_app(call)
    call.portal.subscriptions.remove(_subscription(call, call.path["subscription"]))
    return 204, None


def _own_app(call: Call) -> None:
    if call.path["app"] != str(call.portal.app_id):
        raise not_found()


def _subscription(call: Call, number: str) -> Subscription:
    found = call.portal.subscriptions.get(number)
    if found is None:
        raise not_found()
    return found


def _switched(call: Call, subscription: Subscription, body: Mapping[str, Any]) -> dict[str, Any]:
    active = _active(body, default=subscription.active)
    return call.portal.subscriptions.switch(subscription, stamp(call.at), active=active).to_wire()


def _active(body: Mapping[str, Any], *, default: bool) -> bool:
    active = body.get("active", default)
    if not isinstance(active, bool):
        raise HubSpotError("Invalid input JSON on line 1, column 1: active has to be a boolean")
    return active


def _url(body: Mapping[str, Any]) -> str:
    """HubSpot wants HTTPS; an app under test on the same machine rarely has it, so both are taken."""
    url = required(body, "targetUrl")
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"https", "http"} or not parts.netloc:
        raise HubSpotError(f"Invalid target URL: {url}")
    return url


def _concurrency(throttling: Mapping[str, Any]) -> int:
    most = throttling.get("maxConcurrentRequests")
    if most is None:
        raise HubSpotError("Some required fields were not set: [maxConcurrentRequests]")
    if isinstance(most, bool) or not isinstance(most, int) or most < _FEWEST_REQUESTS:
        raise HubSpotError("maxConcurrentRequests must be greater than 5")
    if most > _LARGEST_NUMBER:
        raise HubSpotError("Invalid input JSON on line 1, column 1: maxConcurrentRequests is out of range")
    return most


ROUTES: Routes = (
    ("GET", "webhooks", "/<app>/settings", get_settings),
    ("PUT", "webhooks", "/<app>/settings", change_settings),
    ("DELETE", "webhooks", "/<app>/settings", clear_settings),
    ("GET", "webhooks", "/<app>/subscriptions", list_subscriptions),
    ("POST", "webhooks", "/<app>/subscriptions", create_subscription),
    ("POST", "webhooks", "/<app>/subscriptions/batch/update", update_subscriptions),
    ("GET", "webhooks", "/<app>/subscriptions/<subscription>", get_subscription),
    ("PATCH", "webhooks", "/<app>/subscriptions/<subscription>", update_subscription),
    ("PUT", "webhooks", "/<app>/subscriptions/<subscription>", update_subscription),
    ("DELETE", "webhooks", "/<app>/subscriptions/<subscription>", delete_subscription),
)
