"""What the webhooks take and what they refuse, and that what is refused leaves no trace."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from closedloop.crm.hubspot import events as hubspot_events
from closedloop.crm.salesforce import events as salesforce_events
from closedloop_server.app import create_app
from closedloop_server.services import Services
from closedloop_server.store import inbox
from closedloop_server.store.engine import writing

if TYPE_CHECKING:
    from tests.server.conftest import Loop

# What is proved here lies before the tables, and is the same on every database.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

SALESFORCE = "/webhooks/salesforce/sales/a-secret-part-of-the-path"
HUBSPOT = "/webhooks/hubspot/marketing"
SECRET = "the-client-secret-of-the-app"


@pytest.fixture
def client(loop: Loop, application: Callable[[Services], Flask]) -> FlaskClient:
    return application(loop.services).test_client()


@pytest.fixture
def untouched(loop: Loop) -> Iterator[None]:
    """Fails the test when it left a row anywhere."""
    before = loop.counts()
    yield
    assert loop.counts() == before


def message(
    *ids: str, organisation: str = "00D5g000004ABCDEA4", sobject: str = "Lead", before: str = ""
) -> bytes:
    """An outbound message, in the form of https://developer.salesforce.com's WSDL of it."""
    notifications = "".join(
        f'<Notification><Id>04l5g00000{number:05d}AAA</Id><sObject xsi:type="sf:{sobject}"'
        f' xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>{id_}</sf:Id></sObject></Notification>'
        for number, id_ in enumerate(ids)
    )
    return (
        f'{before}<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>{organisation}</OrganizationId><ActionId>04k5g000000ABCDAAA</ActionId>"
        f'<SessionId xsi:nil="true"/>{notifications}</notifications></soapenv:Body></soapenv:Envelope>'
    ).encode()


def lead_ids(count: int) -> list[str]:
    return [f"00Q5g00000{number:05d}AAA" for number in range(count)]


def tell_salesforce(client: FlaskClient, body: bytes, path: str = SALESFORCE, **options: Any) -> TestResponse:
    options.setdefault("content_type", "text/xml; charset=utf-8")
    return client.post(path, data=body, **options)


def event(**values: Any) -> dict[str, Any]:
    """An event in the form of HubSpot's webhooks guide."""
    return {
        "eventId": 1,
        "subscriptionId": 2,
        "portalId": 26051000,
        "appId": 777,
        "occurredAt": 1,
        "subscriptionType": "object.propertyChange",
        "attemptNumber": 0,
        "objectId": 801,
        "objectTypeId": "0-136",
        "propertyName": "hs_pipeline_stage",
        "changeSource": "CRM_UI",
        **values,
    }


def signed(body: bytes, at: datetime, *, secret: str = SECRET, uri: str = HUBSPOT) -> dict[str, str]:
    timestamp = str(int(at.timestamp() * 1000))
    text = b"POST" + b"https://loop.example.com" + uri.encode() + body + timestamp.encode()
    digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return {
        "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
        "X-HubSpot-Request-Timestamp": timestamp,
    }


def tell_hubspot(
    client: FlaskClient, body: bytes, headers: dict[str, str], path: str = HUBSPOT, **options: Any
) -> TestResponse:
    options.setdefault("content_type", "application/json")
    return client.post(path, data=body, headers=headers, **options)


def refusal(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    assert set(answer.json) == {"error", "message"}
    return answer.status_code, answer.json["error"]


# What is taken ----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 100])
def test_an_outbound_message_is_stored_and_acknowledged_in_salesforces_own_words(
    loop: Loop, client: FlaskClient, count: int
) -> None:
    body = message(*lead_ids(count))
    answer = tell_salesforce(client, body)
    assert (answer.status_code, answer.mimetype) == (200, "text/xml")
    assert answer.data == salesforce_events.ACKNOWLEDGEMENT
    (row,) = loop.rows("inbox")
    assert (row["connection"], row["body"], row["read_at"]) == ("sales", body, None)
    loop.one_round()
    assert len(loop.rows("hints", connection="sales", object="lead")) == count


def test_the_organisation_may_be_told_in_its_short_form(client: FlaskClient) -> None:
    body = message(*lead_ids(1), organisation="00D5g000004ABCDEA4"[:15])
    assert tell_salesforce(client, body).status_code == 200


def test_every_secret_is_good_while_it_is_being_changed(client: FlaskClient) -> None:
    answer = tell_salesforce(client, message(*lead_ids(1)), "/webhooks/salesforce/sales/the-next-one")
    assert answer.status_code == 200


@pytest.mark.parametrize("secret", [SECRET, "an-older-secret"])
def test_signed_events_are_stored_and_answered(loop: Loop, client: FlaskClient, secret: str) -> None:
    body = json.dumps([event(objectId=number) for number in range(1, 101)]).encode()
    answer = tell_hubspot(client, body, signed(body, loop.clock(), secret=secret))
    assert (answer.status_code, answer.json) == (200, {"stored": True, "known": False})
    loop.one_round()
    assert len(loop.rows("hints", connection="marketing", object="lead")) == 100


def test_hubspot_signs_the_public_address_as_it_was_called_query_and_escapes_included(
    loop: Loop, client: FlaskClient
) -> None:
    body = json.dumps([event()]).encode()
    called = f"{HUBSPOT}?from=a%20b&to=x%2Cy"
    headers = signed(body, loop.clock(), uri=f"{HUBSPOT}?from=a%20b&to=x,y")
    headers["X-Forwarded-Host"] = "evil.example.net"
    assert tell_hubspot(client, body, headers, called).status_code == 200


def test_the_same_delivery_again_is_answered_and_not_stored_again(loop: Loop, client: FlaskClient) -> None:
    body = json.dumps([event()]).encode()
    headers = signed(body, loop.clock())
    answers = [tell_hubspot(client, body, headers).json for _ in range(2)]
    assert answers == [{"stored": True, "known": False}, {"stored": True, "known": True}]
    for _ in range(2):
        assert tell_salesforce(client, message(*lead_ids(1))).data == salesforce_events.ACKNOWLEDGEMENT
    assert len(loop.rows("inbox")) == 2


def test_the_workers_are_woken_when_a_delivery_was_stored(loop: Loop) -> None:
    woken: list[int] = []
    services = replace(loop.services, wake=lambda _: woken.append(len(loop.rows("inbox"))))
    tell_salesforce(create_app(services).test_client(), message(*lead_ids(1)))
    assert woken == [1]


@pytest.mark.parametrize(
    ("told", "ignored"),
    [
        (event(objectTypeId="2-999"), "unknown_object"),
        (
            {
                **event(subscriptionType="object.associationChange", associationType="TICKET_TO_THING"),
                "objectId": None,
                "objectTypeId": None,
            },
            "unknown_object",
        ),
        (event(subscriptionType="conversation.newMessage"), "conversation"),
    ],
)
def test_events_that_need_no_work_are_counted_with_the_reason(
    loop: Loop, client: FlaskClient, told: dict[str, Any], ignored: str
) -> None:
    body = json.dumps([told]).encode()
    assert tell_hubspot(client, body, signed(body, loop.clock())).status_code == 200
    loop.one_round()
    (row,) = loop.rows("inbox")
    assert (row["hints"], row["ignored"], row["error"]) == (0, [{"reason": ignored, "count": 1}], None)


def test_an_association_change_points_at_both_its_ends(loop: Loop, client: FlaskClient) -> None:
    told = event(
        subscriptionType="object.associationChange",
        associationType="DEAL_TO_CONTACT",
        fromObjectId=901,
        toObjectId=501,
        associationRemoved=True,
        objectTypeId="0-3",
    )
    del told["objectId"]
    body = json.dumps([told]).encode()
    assert tell_hubspot(client, body, signed(body, loop.clock())).status_code == 200
    loop.one_round()
    found = {(row["object"], row["crm_id"]) for row in loop.rows("hints")}
    assert found == {("opportunity", "901"), ("contact", "501")}


def test_notifications_about_an_object_that_nothing_maps_are_counted(loop: Loop, client: FlaskClient) -> None:
    assert tell_salesforce(client, message(*lead_ids(3), sobject="Thing__c")).status_code == 200
    loop.one_round()
    (row,) = loop.rows("inbox")
    assert row["ignored"] == [{"reason": "unknown_object", "count": 3}]


# What is refused --------------------------------------------------------------------------------


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/salesforce/sales/wrong",
        "/webhooks/salesforce/nobody/a-secret-part-of-the-path",
        "/webhooks/salesforce/marketing/the-client-secret-of-the-app",
        "/webhooks/salesforce/sales/%00",
        "/webhooks/salesforce/sales/%F0%9F%98%80",
        "/webhooks/hubspot/sales",
        "/webhooks/hubspot/nobody",
    ],
)
def test_an_unknown_connection_and_a_wrong_secret_look_the_same(client: FlaskClient, path: str) -> None:
    answer = tell_salesforce(client, message(*lead_ids(1)), path)
    assert refusal(answer) == (404, "unknown_webhook")
    other = tell_salesforce(client, b"", "/webhooks/salesforce/no/no")
    assert answer.data == other.data


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("path", [SALESFORCE, HUBSPOT])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(client: FlaskClient, path: str, method: str) -> None:
    answer = client.open(path, method=method)
    assert refusal(answer) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_an_address_without_its_secret_is_refused_in_json_too(client: FlaskClient) -> None:
    answer = client.post("/webhooks/salesforce/sales/", data=b"", content_type="text/xml")
    assert refusal(answer) == (404, "not_found")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (message(*lead_ids(1), organisation="00D5g000009ZZZZEAW"), 403, "foreign_organisation"),
        (message(*lead_ids(101)), 400, "notification_count"),
        (message(), 400, "notification_count"),
        (message("https://evil.example.net/x"), 400, "bad_id"),
        (
            message(*lead_ids(1), before='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
            400,
            "doctype",
        ),
        (message(*lead_ids(1), before="<!DOCTYPE x>"), 400, "doctype"),
        (message(*lead_ids(1))[:-9], 400, "not_xml"),
        (b"", 400, "not_xml"),
        (b"\xff\xfe<\x00", 400, "not_xml"),
        (b"{}", 400, "not_xml"),
        (b"<hello/>", 400, "not_soap"),
        (b" " * (salesforce_events.LARGEST + 1), 413, "too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_no_message_of_this_organisation_is_refused(
    client: FlaskClient, body: bytes, status: int, reason: str
) -> None:
    assert refusal(tell_salesforce(client, body)) == (status, reason)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "", "text"]
)
def test_a_wrong_content_type_is_refused(loop: Loop, client: FlaskClient, content_type: str) -> None:
    answer = tell_salesforce(client, message(*lead_ids(1)), content_type=content_type)
    assert refusal(answer) == (415, "wrong_content_type")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("content_type", ["text/xml", "text/plain", ""])
def test_events_that_are_not_said_to_be_json_are_refused(
    loop: Loop, client: FlaskClient, content_type: str
) -> None:
    body = json.dumps([event()]).encode()
    answer = tell_hubspot(client, body, signed(body, loop.clock()), content_type=content_type)
    assert refusal(answer) == (415, "wrong_content_type")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("path", "largest", "content_type"),
    [
        (SALESFORCE, salesforce_events.LARGEST, "text/xml"),
        (HUBSPOT, hubspot_events.LARGEST, "application/json"),
    ],
)
def test_a_huge_body_that_does_not_say_its_length_is_refused(
    client: FlaskClient, path: str, largest: int, content_type: str
) -> None:
    """As the server hands on a chunked request: no length, and an input that ends by itself."""

    class Endless:
        taken = 0

        def read(self, size: int = -1) -> bytes:
            assert size >= 0, "a body without an end must never be read whole"
            self.taken += size
            assert self.taken < largest + 1_000_000, "it goes on reading after the limit"
            return b" " * size

        def readinto(self, buffer: bytearray) -> int:
            piece = self.read(len(buffer))
            buffer[: len(piece)] = piece
            return len(piece)

    answer = client.post(
        path,
        content_type=content_type,
        environ_overrides={
            "wsgi.input": Endless(),
            "wsgi.input_terminated": True,
            "CONTENT_LENGTH": "",
        },
    )
    assert refusal(answer) == (413, "too_large")


@dataclass
class Sent:
    """A delivery as it should be, to be spoilt."""

    body: bytes
    now: datetime

    @property
    def headers(self) -> dict[str, str]:
        return signed(self.body, self.now)


V1 = {"X-HubSpot-Signature": "0" * 64, "X-HubSpot-Signature-Version": "v1"}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda _: {}, "no_signature"),
        (lambda _: V1, "no_signature"),
        (lambda sent: {**sent.headers, **V1, "X-HubSpot-Signature-v3": "AAAA"}, "bad_signature"),
        (lambda sent: {**sent.headers, "X-HubSpot-Signature-v3": "é"}, "bad_signature"),
        (lambda sent: signed(sent.body, sent.now, secret="another"), "bad_signature"),
        (lambda sent: signed(sent.body + b" ", sent.now), "bad_signature"),
        (lambda sent: signed(sent.body, sent.now, uri="/elsewhere"), "bad_signature"),
        (lambda sent: signed(sent.body, sent.now - timedelta(minutes=5, seconds=1)), "stale"),
        (lambda sent: signed(sent.body, sent.now + timedelta(minutes=5, seconds=1)), "stale"),
        (lambda sent: {**sent.headers, "X-HubSpot-Request-Timestamp": "1e13"}, "bad_timestamp"),
        (lambda sent: {**sent.headers, "X-HubSpot-Request-Timestamp": "-1"}, "bad_timestamp"),
    ],
)
def test_what_the_app_did_not_sign_now_is_refused(
    loop: Loop, client: FlaskClient, spoil: Callable[[Sent], dict[str, str]], reason: str
) -> None:
    sent = Sent(json.dumps([event()]).encode(), loop.clock())
    assert refusal(tell_hubspot(client, sent.body, spoil(sent))) == (401, reason)


def test_a_delivery_that_is_replayed_later_is_stale(loop: Loop, client: FlaskClient) -> None:
    body = json.dumps([event()]).encode()
    headers = signed(body, loop.clock())
    assert tell_hubspot(client, body, headers).status_code == 200
    loop.clock.pass_(minutes=6)
    assert refusal(tell_hubspot(client, body, headers)) == (401, "stale")


@pytest.mark.usefixtures("untouched")
def test_the_signature_is_checked_before_the_body_is_looked_at(client: FlaskClient) -> None:
    assert refusal(tell_hubspot(client, b"{not json", {})) == (401, "no_signature")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("told", "status", "reason"),
    [
        ([event(objectId=number) for number in range(101)], 400, "too_many_events"),
        ([event(portalId=1)], 403, "foreign_portal"),
        ([event(), event(portalId=1)], 403, "foreign_portal"),
        ([event(appId=1)], 403, "foreign_app"),
        ({"events": []}, 400, "not_events"),
        (["event"], 400, "not_events"),
        ([{"portalId": 26051000}], 400, "bad_event"),
        ([event(objectId="../x")], 400, "bad_event"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_no_batch_of_events_of_this_portal_is_refused(
    loop: Loop, client: FlaskClient, told: object, status: int, reason: str
) -> None:
    body = json.dumps(told).encode()
    assert refusal(tell_hubspot(client, body, signed(body, loop.clock()))) == (status, reason)


@pytest.mark.usefixtures("untouched")
def test_a_connection_without_a_secret_takes_nothing(loop: Loop) -> None:
    bare = tuple(replace(each, webhook_secrets=()) for each in loop.services.settings.connections)
    settings = replace(loop.services.settings, connections=bare)
    client = create_app(replace(loop.services, settings=settings)).test_client()
    body = json.dumps([event()]).encode()
    assert refusal(tell_salesforce(client, message(*lead_ids(1)))) == (404, "unknown_webhook")
    assert refusal(tell_hubspot(client, body, signed(body, loop.clock()))) == (401, "no_secret")
    assert refusal(tell_hubspot(client, body, signed(body, loop.clock(), secret=""))) == (401, "no_secret")


# What was stored and cannot be read -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "error"),
    [("sales", "not_xml: "), ("gone", "no_connection: "), ("marketing", "not_json: ")],
)
def test_a_stored_delivery_that_cannot_be_read_keeps_the_reason_and_holds_up_nobody(
    loop: Loop, client: FlaskClient, name: str, error: str
) -> None:
    with writing(loop.engine) as connection:
        inbox.keep(connection, name, content_type="text/xml", body=b"ann@example.com", now=loop.clock())
    tell_salesforce(client, message(*lead_ids(1)))
    loop.one_round()
    first, second = loop.rows("inbox")
    assert first["error"].startswith(error)
    assert "ann@" not in first["error"]
    assert (second["hints"], second["error"]) == (1, None)
    assert None not in {first["read_at"], second["read_at"]}


def test_a_reader_that_breaks_on_a_body_does_not_stop_the_next(
    loop: Loop, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_(body: bytes) -> object:
        raise KeyError(body)

    tell_salesforce(client, message(*lead_ids(1)))
    body = json.dumps([event()]).encode()
    tell_hubspot(client, body, signed(body, loop.clock()))
    monkeypatch.setattr(salesforce_events, "parse", break_)
    loop.one_round()
    first, second = loop.rows("inbox")
    assert first["error"] == "unreadable: the reader failed with KeyError"
    assert second["hints"] == 1
