"""Webhooks: what events hold, how they are batched, signed and sent again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from closedloop.sandbox.hubspot import HubSpotError, HubSpotSandbox, Portal
from closedloop.sandbox.hubspot.webhooks.signing import signature_v1, signature_v3


class Receiver:
    """An app's webhook endpoint: keeps what it gets and answers with the statuses it is told to, then 204."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.asked = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.asked.release()
                receiver.gate.wait()
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.deliveries.append((dict(self.headers), body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                """Keeps quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks%2Fhubspot?app=crm%3Aleads"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def batches(self) -> list[list[dict[str, Any]]]:
        return [json.loads(body) for _, body in self.deliveries]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for batch in self.batches for event in batch]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.thread.start()
    yield made
    made.gate.set()
    made.server.shutdown()
    made.thread.join()
    made.server.server_close()


@pytest.fixture
def told(portal: Portal, receiver: Receiver) -> Portal:
    """The portal with the receiver as its app's target."""
    portal.set_target(receiver.url)
    return portal


def test_a_property_change_has_the_documented_fields(
    told: Portal, sandbox: HubSpotSandbox, receiver: Receiver
) -> None:
    rep = told.user_id(told.create_owner("rep@example.com", "Rep", "Sales"))
    deal = told.create("deals", {"dealname": "D"})
    told.subscribe("deal.propertyChange", property_name="closed_lost_reason")
    told.update("deals", deal, {"closed_lost_reason": "Zu teuer 💸", "dealname": "E"}, by=rep)
    assert told.settle()
    (event,) = receiver.events
    assert event.pop("eventId") > 0
    assert abs(event.pop("occurredAt") - sandbox.portal.clock().timestamp() * 1000) < 60_000
    assert event == {
        "subscriptionId": 1,
        "portalId": sandbox.portal_id,
        "appId": sandbox.app_id,
        "subscriptionType": "deal.propertyChange",
        "attemptNumber": 0,
        "changeSource": "CRM_UI",
        "sourceId": f"userId:{rep}",
        "objectId": int(deal),
        "propertyName": "closed_lost_reason",
        "propertyValue": "Zu teuer 💸",
    }


def test_leads_are_told_of_by_generic_events(told: Portal, receiver: Receiver, contact: str) -> None:
    told.subscribe("object.propertyChange", object_type="leads", property_name="hs_pipeline_stage")
    told.subscribe("object.creation", object_type="0-136")
    lead = told.create("leads", {"hs_lead_name": "Ada"}, associations=[("contacts", contact)])
    told.update(
        "leads",
        lead,
        {"hs_pipeline_stage": "unqualified-stage-id", "hs_lead_disqualification_reason": "NO_RESPONSE"},
    )
    assert told.settle()
    assert {event["objectTypeId"] for event in receiver.events} == {"0-136"}
    assert [
        (e["subscriptionType"], e.get("propertyValue"), e.get("changeFlag")) for e in receiver.events
    ] == [
        ("object.creation", None, "NEW"),
        ("object.propertyChange", "new-stage-id", None),
        ("object.propertyChange", "unqualified-stage-id", None),
    ]


def test_every_changed_property_is_an_event_of_its_own(told: Portal, receiver: Receiver) -> None:
    deal = told.create("deals", {"dealname": "D", "dealstage": "contractsent"})
    told.subscribe("deal.propertyChange")
    told.update("deals", deal, {"dealstage": "closedlost", "closed_lost_reason": "Price", "dealname": "D"})
    assert told.settle()
    # Unchanged and calculated properties send nothing; the close date was set by HubSpot.
    assert [e["propertyName"] for e in receiver.events] == ["dealstage", "closed_lost_reason", "closedate"]


def test_nothing_is_sent_of_what_nobody_subscribed_to(told: Portal, receiver: Receiver, contact: str) -> None:
    told.subscribe("contact.deletion")
    told.update("contacts", contact, {"firstname": "Countess"})
    guid = told.create_campaign({"hs_name": "Spring"})
    told.touch(guid, contact, told.clock())
    assert told.settle()
    assert receiver.events == []


@pytest.mark.parametrize(
    ("subscription", "object_type"),
    [
        ("lead.propertyChange", None),
        ("campaign.propertyChange", None),
        ("object.propertyChange", "campaigns"),
        ("object.propertyChange", None),
        ("contact.explosion", None),
        ("company.privacyDeletion", None),
    ],
)
def test_events_that_hubspot_does_not_have_cannot_be_subscribed_to(
    portal: Portal, subscription: str, object_type: str | None
) -> None:
    with pytest.raises(HubSpotError):
        portal.subscribe(subscription, object_type=object_type)


@pytest.mark.parametrize("renews", [True, False])
def test_a_merge_names_all_the_ids(told: Portal, receiver: Receiver, contact: str, renews: bool) -> None:
    told.merges_make_records = renews
    other = told.create("contacts", {"jobtitle": "Countess"})
    told.subscribe("contact.merge")
    left = told.merge("contacts", contact, other)
    assert (left == contact) is not renews
    assert told.settle()
    (event,) = receiver.events
    merged = {"primaryObjectId": int(contact), "mergedObjectIds": [int(other)], "newObjectId": int(left)}
    assert event | merged | {"numberOfPropertiesMoved": 1} == event


def test_an_association_is_told_from_both_sides_and_twice_when_primary(
    told: Portal, receiver: Receiver, contact: str
) -> None:
    company = told.create("companies", {"name": "Engines"})
    told.subscribe("contact.associationChange")
    told.subscribe("company.associationChange")
    told.associate(("contacts", contact), ("companies", company))
    told.dissociate(("contacts", contact), ("companies", company))
    assert told.settle()
    assert not any("objectId" in event for event in receiver.events)
    told_of = [
        (e["associationType"], e["fromObjectId"], e["isPrimaryAssociation"], e["associationRemoved"])
        for e in receiver.events
    ]
    for removed in (False, True):
        for primary in (False, True):
            assert ("CONTACT_TO_COMPANY", int(contact), primary, removed) in told_of
            assert ("COMPANY_TO_CONTACT", int(company), primary, removed) in told_of
    assert len(told_of) == 8


def test_a_privacy_deletion_is_told_as_a_deletion_too(told: Portal, receiver: Receiver, contact: str) -> None:
    told.subscribe("contact.privacyDeletion")
    told.subscribe("contact.deletion")
    told.privacy_delete(contact)
    assert told.settle()
    assert {(e["subscriptionType"], e["objectId"]) for e in receiver.events} == {
        ("contact.privacyDeletion", int(contact)),
        ("contact.deletion", int(contact)),
    }


def test_a_record_that_comes_back_is_told_of(told: Portal, receiver: Receiver, contact: str) -> None:
    told.subscribe("contact.restore")
    told.subscribe("object.restore", object_type="contacts")
    told.delete("contacts", contact)
    told.restore("contacts", contact)
    assert told.settle()
    assert [(e["subscriptionType"], e["objectId"]) for e in receiver.events] == [
        ("contact.restore", int(contact)),
        ("object.restore", int(contact)),
    ]
    assert told.get("contacts", contact)["archived"] is False
    with pytest.raises(HubSpotError):
        told.restore("contacts", contact)


def test_sensitive_values_are_not_seen(told: Portal, receiver: Receiver, contact: str) -> None:
    definition = {
        "name": "diagnosis",
        "label": "Diagnosis",
        "groupName": "contactinformation",
        "type": "string",
        "fieldType": "text",
        "dataSensitivity": "sensitive",
    }
    told.create_property("contacts", definition)
    told.subscribe("contact.propertyChange")
    told.update("contacts", contact, {"diagnosis": "Measles", "firstname": "Countess"})
    assert told.settle()
    hidden, seen = receiver.events
    assert (hidden["propertyName"], hidden["propertyValue"], hidden["isSensitive"]) == (
        "diagnosis",
        "REDACTED",
        True,
    )
    assert (seen["propertyValue"], "isSensitive" in seen) == ("Countess", False)


def test_an_app_that_is_too_slow_gets_the_batch_again(told: Portal, receiver: Receiver) -> None:
    told.subscribe("company.creation")
    told.sender.timeout = 0.05
    receiver.gate.clear()
    told.create("companies", {"name": "C"})
    assert not told.settle(0.1)
    receiver.gate.set()
    assert told.settle()
    first, *_, last = told.deliveries
    assert (first.status, first.attempt, last.status) == (None, 0, 204)
    assert {e["eventId"] for e in receiver.events} == set(last.event_ids)


def test_several_requests_may_be_under_way_at_once(told: Portal, receiver: Receiver) -> None:
    told.subscribe("company.creation")
    told.webhooks.put(receiver.url, "2026-11-20T14:03:00.000Z", most=6)
    receiver.gate.clear()
    made = set()
    for n in range(6):
        made.add(int(told.create("companies", {"name": f"C{n}"})))
        assert receiver.asked.acquire(timeout=10), "each event is sent although the others wait"
    receiver.gate.set()
    assert told.settle()
    assert {e["objectId"] for e in receiver.events} == made
    assert [d.status for d in told.deliveries] == [204] * 6


def test_a_delivery_is_signed_in_both_ways(told: Portal, sandbox: HubSpotSandbox, receiver: Receiver) -> None:
    told.subscribe("company.creation")
    told.create("companies", {"name": "Größe"})
    assert told.settle()
    ((headers, body),) = receiver.deliveries
    secret, timestamp = sandbox.client_secret, headers["X-HubSpot-Request-Timestamp"]
    signed = signature_v3(secret, "POST", receiver.url, body, timestamp)
    assert headers["X-HubSpot-Signature-v3"] == signed
    assert headers["X-HubSpot-Signature"] == signature_v1(secret, body)
    assert headers["X-HubSpot-Signature-Version"] == "v1"
    assert headers["Content-Type"] == "application/json"


def test_a_burst_is_sent_in_batches_of_at_most_a_hundred(told: Portal, receiver: Receiver) -> None:
    told.subscribe("company.creation")
    receiver.gate.clear()
    made = [told.create("companies", {"name": f"C{n}"}) for n in range(251)]
    assert not told.settle(0.01)
    receiver.gate.set()
    assert told.settle()
    sizes = [len(batch) for batch in receiver.batches]
    assert max(sizes) == 100
    assert len(sizes) <= 4
    assert [str(e["objectId"]) for e in receiver.events] == made


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_any_error_makes_it_send_the_batch_again(told: Portal, receiver: Receiver, status: int) -> None:
    told.subscribe("company.creation")
    receiver.statuses = [status, status]
    told.create("companies", {"name": "C"})
    assert told.settle()
    assert [e["attemptNumber"] for e in receiver.events] == [0, 1, 2]
    assert len({e["eventId"] for e in receiver.events}) == 1


def test_a_batch_that_is_refused_eleven_times_is_dropped(
    told: Portal, sandbox: HubSpotSandbox, receiver: Receiver
) -> None:
    told.subscribe("company.creation")
    receiver.statuses = [500] * 11
    told.create("companies", {"name": "C"})
    assert told.settle()
    assert [e["attemptNumber"] for e in receiver.events] == list(range(11))
    assert told.sender.dropped == 1


def test_an_app_that_is_not_there_does_not_stop_the_sender(told: Portal, receiver: Receiver) -> None:
    told.subscribe("company.creation")
    told.set_target("http://127.0.0.1:1/nobody")
    told.create("companies", {"name": "C"})
    assert told.settle()
    assert told.sender.dropped == 1
    told.set_target(receiver.url)
    told.create("companies", {"name": "D"})
    assert told.settle()
    assert len(receiver.events) == 1


def test_without_a_target_nothing_waits(portal: Portal) -> None:
    portal.subscribe("company.creation")
    portal.create("companies", {"name": "C"})
    assert portal.settle(0)


def test_the_portal_stops_although_deliveries_wait(receiver: Receiver) -> None:
    with HubSpotSandbox(webhook_backoff=3600) as sandbox:
        receiver.statuses = [500]
        sandbox.portal.set_target(receiver.url)
        sandbox.portal.subscribe("company.creation")
        sandbox.portal.create("companies", {"name": "C"})
        assert not sandbox.portal.settle(0.2)
    assert len(receiver.deliveries) == 1
