"""Whatever is sent to the webhooks is taken or refused with a reason, and what is refused leaves nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from closedloop.crm.hubspot import events as hubspot
from closedloop.errors import DeliveryRefusedError

if TYPE_CHECKING:
    from tests.server.attack.conftest import Forms
    from tests.server.conftest import Loop

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

# The database stays from example to example; so does the clock.
ATTACK = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

IDS = st.one_of(
    st.integers(),
    st.integers(min_value=0, max_value=10**21),
    st.sampled_from([26051000, "26051000", 777, "801", "", " 1", "1e3", "٣", "../x", True, 1.0, 10**20]),
    st.none(),
    st.text(max_size=5),
)
WORDS = st.one_of(
    st.sampled_from(
        ["object.propertyChange", "contact.privacyDeletion", "object.merge", "contact.", ".", "x"]
    ),
    st.sampled_from(
        ["object.associationChange", "DEAL_TO_CONTACT", "0-1", "0-136", "conversation.newMessage", ""]
    ),
    st.none(),
    st.text(max_size=8),
    st.integers(),
)
EVENT = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("objectId", "fromObjectId", "toObjectId", "primaryObjectId", "newObjectId"), IDS),
        **dict.fromkeys(("subscriptionType", "eventType", "objectTypeId", "propertyName"), WORDS),
        "associationType": WORDS,
        "mergedObjectIds": st.one_of(st.none(), st.lists(IDS, max_size=3), st.text(max_size=3)),
        "portalId": st.one_of(st.just(26051000), st.just(26051000), IDS),
        "appId": st.one_of(st.just(777), st.just(777), IDS),
        "propertyValue": st.one_of(st.text(max_size=5), st.floats()),
    },
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def is_answered(loop: Loop, before: dict[str, int], answer: TestResponse, taken: bool) -> None:
    """A delivery was taken and left a row, or was refused with a reason and left none."""
    grown = {name: count - before[name] for name, count in loop.counts().items() if count != before[name]}
    assert answer.status_code in {200, 400, 401, 403, 404, 413, 415}, answer.data
    if answer.status_code == 200:
        assert taken
        assert grown in ({"inbox": 1}, {})  # nothing for bytes that an example had before
    else:
        assert grown == {}
        assert answer.json is not None
        assert set(answer.json) == {"error", "message"}
        assert answer.json["error"].isidentifier()


def tell_hubspot(client: FlaskClient, forms: type[Forms], loop: Loop, body: bytes) -> TestResponse:
    headers = forms.signed(body, loop.clock())
    return client.post(forms.hubspot, data=body, headers=headers, content_type="application/json")


@ATTACK
@given(events=st.lists(EVENT, max_size=4))
@example(events=[{"portalId": 26051000, "subscriptionType": "", "eventType": "contact.creation"}])
@example(events=[{"portalId": 26051000, "subscriptionType": "x", "objectId": "\ud800"}])
def test_any_signed_events_are_taken_or_refused_and_read_without_a_failure(
    loop: Loop, client: FlaskClient, forms: type[Forms], events: list[dict[str, Any]]
) -> None:
    body = json.dumps(events).encode()
    before = loop.counts()
    is_answered(loop, before, tell_hubspot(client, forms, loop, body), taken=True)
    loop.one_round()
    assert [row["error"] for row in loop.rows("inbox") if row["error"] is not None] == []


@ATTACK
@given(told=JSON)
@example(told=float("nan"))
def test_any_signed_json_is_taken_or_refused(
    loop: Loop, client: FlaskClient, forms: type[Forms], told: object
) -> None:
    body = json.dumps(told).encode()
    is_answered(loop, loop.counts(), tell_hubspot(client, forms, loop, body), taken=told == [])


@ATTACK
@given(body=st.binary(max_size=300))
@example(body=b"[" * 200_000)
@example(body=b'[{"portalId":' * 50_000)
@example(body=b"[" + b"9" * 10_000 + b"]")
@example(body=b"\xef\xbb\xbf[]")
@example(body="[]".encode("utf-16"))
def test_any_signed_bytes_are_refused(
    loop: Loop, client: FlaskClient, forms: type[Forms], body: bytes
) -> None:
    before = loop.counts()
    is_answered(loop, before, tell_hubspot(client, forms, loop, body), taken=False)


@ATTACK
@given(
    body=st.binary(max_size=60),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "X-HubSpot-Signature-v3",
                "X-HubSpot-Signature",
                "X-HubSpot-Request-Timestamp",
                "Content-Encoding",
            ]
        ),
        st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=50),
    ),
)
@pytest.mark.usefixtures("untouched")
def test_nothing_that_is_not_signed_is_taken(
    client: FlaskClient, forms: type[Forms], body: bytes, headers: dict[str, str]
) -> None:
    answer = client.post(forms.hubspot, data=body, headers=headers, content_type="application/json")
    assert answer.status_code in {401, 415}


XML = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "<!DOCTYPE x>",
            '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
            '<!DOCTYPE x [<!ENTITY a "b">]>',
            "<?xml version='1.0' encoding='utf-16'?>",
            "<?xml version='1.1'?>",
            "<?php evil() ?>",
            "<![CDATA[<sf:Id>x</sf:Id>]]>",
            "&lol;",
            "&#0;",
            "<sf:Id>00Q5g000000ABCDAAB</sf:Id>",
            "<a:b xmlns:a='urn:x'/>",
            "</sObject>",
            "<" * 50,
        ]
    ),
)


@ATTACK
@given(
    parts=st.fixed_dictionaries(
        {"inner": XML, "before": XML},
        optional={"organisation": st.one_of(st.just("00D5g000004ABCDEA4"), st.text(max_size=18))},
    )
)
def test_any_message_with_the_secret_is_taken_or_refused_and_read_without_a_failure(
    loop: Loop, client: FlaskClient, forms: type[Forms], parts: dict[str, str]
) -> None:
    body = forms.message(**parts)
    counts = loop.counts()
    answer = client.post(forms.salesforce, data=body, content_type="text/xml")
    is_answered(loop, counts, answer, taken=True)
    loop.one_round()
    assert [row["error"] for row in loop.rows("inbox") if row["error"] is not None] == []


@ATTACK
@given(
    body=st.binary(max_size=300),
    cut=st.integers(min_value=0, max_value=800),
    mime=st.sampled_from(["text/xml"]),
)
@pytest.mark.usefixtures("untouched")
def test_any_bytes_and_any_piece_of_a_message_are_refused(
    client: FlaskClient, forms: type[Forms], body: bytes, cut: int, mime: str
) -> None:
    whole = forms.message()
    for each in (body, whole[: min(cut, len(whole) - 1)], whole[:cut] + b"\0" + whole[cut:]):
        answer = client.post(forms.salesforce, data=each, content_type=mime)
        assert answer.status_code == 400, each


@ATTACK
@given(path=st.text(st.characters(exclude_characters="?#"), max_size=30))
@example(path="sales/\x00")
@example(path="sales/\ud800")
@example(path="../../healthz")
@example(path="sales/../sales/x")
@example(path="%2e%2e/sales")
@example(path="SALES/a-secret-part-of-the-path")
@example(path="sales//a-secret-part-of-the-path")
@example(path="sales/a-secret-part-of-the-path/")
@example(path="sales/A-secret-part-of-the-path")
@pytest.mark.usefixtures("untouched")
def test_no_other_path_takes_a_message(client: FlaskClient, forms: type[Forms], path: str) -> None:
    quoted = path.encode("utf-8", "surrogatepass").decode("latin-1")
    answer = client.post(
        "/webhooks/salesforce/x",
        data=forms.message(),
        content_type="text/xml",
        environ_overrides={"PATH_INFO": f"/webhooks/salesforce/{quoted}"},
    )
    assert answer.status_code in {400, 404, 405, 308}
    assert b"Ack" not in answer.data


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENT, max_size=3))
@example(
    events=[{"portalId": 26051000, "appId": 777, "subscriptionType": "object.merge", "primaryObjectId": ""}]
)
@example(events=[{"portalId": 26051000, "appId": 777, "subscriptionType": "a", "mergedObjectIds": []}])
@example(events=[{"portalId": "26051000", "appId": "777", "eventType": "a", "objectId": 10**20}])
def test_the_quick_check_refuses_exactly_what_the_reader_behind_it_refuses(
    database: str, events: list[dict[str, Any]]
) -> None:
    """What one takes and the other does not would be acknowledged and lost, or sent again for a day."""
    body = json.dumps(events).encode()
    assert verdict_of_check(body) == verdict_of_reader(body)


def verdict_of_check(body: bytes) -> str:
    try:
        hubspot.check(body, portal_id="26051000", app_id="777")
    except DeliveryRefusedError as error:
        return error.reason
    return "taken"


def verdict_of_reader(body: bytes) -> str:
    try:
        told = hubspot.parse(body)
        foreign = [event for event in told if event.portal_id != "26051000" or event.app_id != "777"]
    except DeliveryRefusedError as error:
        return error.reason
    if not foreign:
        return "taken"
    return "foreign_portal" if foreign[0].portal_id != "26051000" else "foreign_app"
