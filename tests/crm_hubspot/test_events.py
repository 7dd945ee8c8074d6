"""What a webhook delivery says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedloop.crm.base import Hints, Ignored
from closedloop.crm.hubspot.events import LARGEST, parse, to_hints
from closedloop.errors import DeliveryRefusedError
from closedloop.mapping import CrmMapping, Mappings, load_mappings
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import CrmName, ObjectType

PORTAL, APP = 111222, 4242
_O = ObjectType


@pytest.fixture(scope="module")
def mapping(mappings: Mappings) -> CrmMapping:
    return mappings.crm(CrmName.HUBSPOT)


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """An event with the fields that every one has, as HubSpot's documentation shows them."""
    return {
        "eventId": 3816279340,
        "subscriptionId": 25,
        "portalId": PORTAL,
        "appId": APP,
        "occurredAt": 1795000000000,
        "subscriptionType": kind,
        "attemptNumber": 0,
        "changeSource": "CRM",
    } | fields


def hints(mapping: CrmMapping, *events: dict[str, Any], app_id: str | None = str(APP)) -> Hints:
    return to_hints(parse(json.dumps(events).encode()), mapping, portal_id=str(PORTAL), app_id=app_id)


def merge(*merged: int) -> dict[str, Any]:
    return {"primaryObjectId": 1, "mergedObjectIds": list(merged), "newObjectId": 9}


def linked(kind: str, left: int = 1, right: int = 2) -> dict[str, Any]:
    return {
        "associationType": kind,
        "fromObjectId": left,
        "toObjectId": right,
        "associationRemoved": False,
        "isPrimaryAssociation": False,
    }


CONTACT, COMPANY, DEAL, LEAD = _O.CONTACT, _O.ACCOUNT, _O.OPPORTUNITY, _O.LEAD
NAMED: list[tuple[dict[str, Any], list[Ref]]] = [
    (event("contact.creation", objectId=1, changeFlag="NEW"), [Ref(CONTACT, "1")]),
    (event("contact.deletion", objectId=1, changeFlag="DELETED"), [Ref(CONTACT, "1")]),
    (event("contact.restore", objectId=1), [Ref(CONTACT, "1")]),
    (event("company.propertyChange", objectId=2, propertyName="name"), [Ref(COMPANY, "2")]),
    (event("deal.propertyChange", objectId=3, propertyName="dealstage", propertyValue="x"), [Ref(DEAL, "3")]),
    (event("object.propertyChange", objectTypeId="0-136", objectId=4, propertyName="a"), [Ref(LEAD, "4")]),
    (event("object.creation", objectTypeId="0-1", objectId=5), [Ref(CONTACT, "5")]),
    (event("object.deletion", objectTypeId="0-3", objectId=6), [Ref(DEAL, "6")]),
    (event("contact.merge", objectId=1, **merge(2, 3)), [Ref(CONTACT, i) for i in ("1", "9", "2", "3")]),
    (event("object.merge", objectTypeId="0-136", **merge(2)), [Ref(LEAD, i) for i in ("1", "9", "2")]),
    (event("deal.associationChange", **linked("DEAL_TO_CONTACT")), [Ref(DEAL, "1"), Ref(CONTACT, "2")]),
    (event("contact.associationChange", **linked("CONTACT_TO_DEAL")), [Ref(CONTACT, "1"), Ref(DEAL, "2")]),
    (
        event("object.associationChange", objectTypeId="0-136", **linked("LEAD_TO_PRIMARY_CONTACT")),
        [Ref(LEAD, "1"), Ref(CONTACT, "2")],
    ),
    (event("deal.associationChange", **linked("DEAL_TO_TICKET")), [Ref(DEAL, "1")]),
    (event("deal.associationChange", **linked("SOMETHING_NEW")), [Ref(DEAL, "1")]),
    ({"eventType": "deal.creation", "portalId": PORTAL, "appId": APP, "objectId": 7}, [Ref(DEAL, "7")]),
]


@pytest.mark.parametrize(
    ("told", "refs"), NAMED, ids=[str(told.get("subscriptionType")) for told, _ in NAMED]
)
def test_an_event_names_the_objects_to_read_again(
    mapping: CrmMapping, told: dict[str, Any], refs: list[Ref]
) -> None:
    assert hints(mapping, told) == Hints(refs=tuple(refs))


def test_a_privacy_deletion_names_whom_to_forget_in_whatever_order_it_comes(mapping: CrmMapping) -> None:
    deletion = event("contact.deletion", objectId=1, changeFlag="DELETED")
    erasure = event("contact.privacyDeletion", objectId=1)
    ada = Ref(CONTACT, "1")
    for events in ([deletion, erasure], [erasure, deletion], [erasure]):
        assert hints(mapping, *events) == Hints(refs=(ada,), erase=(ada,))
    assert hints(mapping, deletion).erase == ()


IGNORED = [
    (event("conversation.newMessage", objectId=1, messageId="a", messageType="MESSAGE"), "conversation"),
    (event("ticket.creation", objectId=1), "unknown_object"),
    (event("object.creation", objectTypeId="2-123", objectId=1), "unknown_object"),
    (event("object.creation", objectId=1), "unknown_object"),
    (event("contact", objectId=1), "unknown_event"),
    (event("contact.creation"), "unknown_event"),
    (event("ticket.associationChange", **linked("TICKET_TO_LINE_ITEM")), "unknown_object"),
]


@pytest.mark.parametrize(("told", "reason"), IGNORED)
def test_an_event_that_needs_no_work_is_counted_under_its_reason(
    mapping: CrmMapping, told: dict[str, Any], reason: str
) -> None:
    assert hints(mapping, told) == Hints(ignored=(Ignored(reason=reason, count=1),))


def test_an_object_that_many_events_name_is_read_once(mapping: CrmMapping) -> None:
    stage = event("object.propertyChange", objectTypeId="0-136", objectId=4, propertyName="hs_pipeline_stage")
    why = stage | {"propertyName": "hs_lead_disqualification_reason", "attemptNumber": 3}
    assert hints(mapping, stage, why, stage, event("ticket.creation", objectId=1)) == Hints(
        refs=(Ref(LEAD, "4"),), ignored=(Ignored(reason="unknown_object", count=1),)
    )


def test_an_id_beyond_what_a_double_can_hold_stays_exact(mapping: CrmMapping) -> None:
    assert hints(mapping, event("deal.creation", objectId=9007199254740993)).refs == (
        Ref(DEAL, "9007199254740993"),
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"portalId": 1}, "foreign_portal"), ({"appId": 1}, "foreign_app"), ({"appId": None}, "foreign_app")],
)
def test_a_delivery_for_somebody_else_is_refused_as_a_whole(
    mapping: CrmMapping, changed: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DeliveryRefusedError) as refused:
        hints(mapping, event("deal.creation", objectId=1), event("deal.creation", objectId=2) | changed)
    assert (refused.value.status, refused.value.reason) == (403, reason)


def test_without_an_app_id_in_the_settings_any_app_of_the_portal_may_speak(mapping: CrmMapping) -> None:
    assert hints(mapping, event("deal.creation", objectId=1, appId=5), app_id=None).refs


BROKEN: list[tuple[Any, int, str]] = [
    (b"", 400, "not_json"),
    (b"\xff\xfe", 400, "not_json"),
    (b"[" * 100_000, 400, "not_json"),
    (b"[" + b"1" * 5000 + b"]", 400, "not_json"),
    (b"{}", 400, "not_events"),
    (b"null", 400, "not_events"),
    (b"[1]", 400, "not_events"),
    ([event("deal.creation", objectId=n) for n in range(101)], 400, "too_many_events"),
    (b" " * (LARGEST + 1), 413, "too_large"),
    ([event("deal.creation", objectId="1/../2")], 400, "bad_event"),
    ([event("deal.creation", objectId=-1)], 400, "bad_event"),
    ([event("deal.creation", objectId=1.5)], 400, "bad_event"),
    ([event("deal.creation", objectId=True)], 400, "bad_event"),
    ([event("deal.creation", objectId=[1])], 400, "bad_event"),
    ([event("deal.creation", objectId=10**21)], 400, "bad_event"),
    ([event("deal.merge", mergedObjectIds=5)], 400, "bad_event"),
    ([event("deal.merge", mergedObjectIds=["x"])], 400, "bad_event"),
    ([event("deal creation", objectId=1)], 400, "bad_event"),
    ([event("deal.creation", objectId=1, objectTypeId=3)], 400, "bad_event"),
    ([{"objectId": 1}], 400, "bad_event"),
]


@pytest.mark.parametrize(("body", "status", "reason"), BROKEN)
def test_a_delivery_that_hubspot_does_not_send_is_refused(body: Any, status: int, reason: str) -> None:
    with pytest.raises(DeliveryRefusedError) as refused:
        parse(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert (refused.value.status, refused.value.reason) == (status, reason)


def test_a_hundred_events_are_not_too_many() -> None:
    assert len(parse(json.dumps([event("deal.creation", objectId=n) for n in range(100)]).encode())) == 100


def test_an_empty_delivery_says_nothing(mapping: CrmMapping) -> None:
    assert hints(mapping) == Hints()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [*event("x", objectId=1), *merge(1), *linked("A_TO_B"), "objectTypeId", "propertyName"]
)
MAPPING = load_mappings().crm(CrmName.HUBSPOT)


@given(st.lists(st.dictionaries(NAMES, JSON), max_size=3))
def test_whatever_a_stranger_sends_is_read_or_refused(told: list[dict[str, Any]]) -> None:
    try:
        found = to_hints(parse(json.dumps(told).encode()), MAPPING, portal_id=str(PORTAL), app_id=None)
    except DeliveryRefusedError:
        return
    assert all(ref.id.isascii() and ref.id.isdigit() for ref in found.refs)
