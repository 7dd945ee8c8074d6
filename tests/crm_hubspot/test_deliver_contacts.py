"""Writing feedback to contacts, and what becomes of a delivery that goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from closedloop.crm.hubspot import HubSpotCrm
from closedloop.errors import AuthenticationError, CrmError, QuotaError, RetryableError
from closedloop.loop.feedback import (
    CampaignFeedback,
    Delivery,
    DeliveryResult,
    Feedback,
    PersonFeedback,
    ReasonFeedback,
    ReasonTotal,
)
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import AttributionModel, ObjectType, Outcome, ReasonCode

UPDATE = "/crm/v3/objects/contacts/batch/update"
GUID = "430318c4-abb7-4bf7-a75e-9c5fa8f475a6"
DECIDED_AT = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
OK, NO, LATER = Delivery.DELIVERED, Delivery.REFUSED, Delivery.RETRY


def person(contact: str, **fields: Any) -> PersonFeedback:
    given: dict[str, Any] = {"outcome": Outcome.DISQUALIFIED, "reason": ReasonCode.NO_BUDGET}
    given.update({"decided_at": DECIDED_AT} | fields)
    return PersonFeedback(target=Ref(ObjectType.CONTACT, contact), **given)


def fates(results: list[DeliveryResult]) -> list[Delivery]:
    return [result.delivery for result in results]


def test_a_decision_is_shown_on_its_contact_and_taken_back_again(portal: Any, installed: HubSpotCrm) -> None:
    contact = portal.create("contacts", {"email": "ada@example.com"})
    (result,) = installed.deliver([person(contact, note="No money until May", decided_by="Olga")])
    assert result == DeliveryResult(key=f"person|contact|{contact}", delivery=OK)
    shown = portal.get("contacts", contact)["properties"]
    assert {name: value for name, value in shown.items() if name.startswith("closed_loop")} == {
        "closed_loop_outcome": "Disqualified",
        "closed_loop_reason": "No budget",
        "closed_loop_note": "No money until May",
        "closed_loop_decided_at": "2026-11-20T14:03:00.000Z",
        "closed_loop_decided_by": "Olga",
    }
    installed.deliver([person(contact, outcome=None)])
    shown = portal.get("contacts", contact)["properties"]
    assert not any(value for name, value in shown.items() if name.startswith("closed_loop"))


def test_a_deleted_contact_does_not_hold_up_the_others(portal: Any, installed: HubSpotCrm) -> None:
    contacts = [portal.create("contacts", {"email": f"c{n}@example.com"}) for n in range(3)]
    portal.delete("contacts", contacts[1])
    results = installed.deliver([person(contact) for contact in contacts])
    assert fates(results) == [OK, NO, OK]
    assert (results[1].code, results[1].key) == ("OBJECT_NOT_FOUND", f"person|contact|{contacts[1]}")


def test_a_merged_contact_shows_it_on_the_survivor(portal: Any, installed: HubSpotCrm) -> None:
    kept, merged = (portal.create("contacts", {"email": f"{name}@example.com"}) for name in "ab")
    left = portal.merge("contacts", kept, merged)
    assert fates(installed.deliver([person(merged)])) == [OK]
    assert portal.get("contacts", left)["properties"]["closed_loop_outcome"] == "Disqualified"


def test_more_than_a_batch_holds_and_a_repeated_contact_are_sent_in_order(
    portal: Any, installed: HubSpotCrm, requests: Callable[[str, str], int]
) -> None:
    contacts = [portal.create("contacts", {"email": f"c{n}@example.com"}) for n in range(130)]
    first, last = person(contacts[0], note="first"), person(contacts[0], note="last")
    results = installed.deliver([first, *(person(contact) for contact in contacts[1:]), last])
    assert fates(results) == [OK] * 131
    assert portal.get("contacts", contacts[0])["properties"]["closed_loop_note"] == "last"
    assert requests("POST", UPDATE) == 2
    results = installed.deliver([first, last, person(contacts[1])])
    assert (fates(results), requests("POST", UPDATE)) == ([OK] * 3, 4)


def test_before_the_properties_are_made_nothing_is_sent(portal: Any, connected: HubSpotCrm) -> None:
    contact = portal.create("contacts", {"email": "ada@example.com"})
    (result,) = connected.deliver([person(contact)])
    assert (result.delivery, result.code) == (NO, "PROPERTY_DOESNT_EXIST")
    assert "install" in str(result.message)


MISADDRESSED: list[Feedback] = [
    PersonFeedback(target=Ref(ObjectType.LEAD, "1"), outcome=None),
    person("1/../2"),
    CampaignFeedback(campaign_id="123", model=AttributionModel.PRIMARY, credits={}),
    ReasonFeedback(
        campaign_id=GUID,
        model=AttributionModel.PRIMARY,
        total=ReasonTotal(outcome=Outcome.LOST, reason=None, credit=Decimal(1), decisions=1),
    ),
]


def test_what_hubspot_has_no_place_for_is_refused_and_the_rest_is_sent(
    portal: Any, installed: HubSpotCrm
) -> None:
    contact = portal.create("contacts", {"email": "ada@example.com"})
    results = installed.deliver([*MISADDRESSED, person(contact)])
    assert [(result.delivery, result.code) for result in results] == [
        (NO, "unsupported"),
        (NO, "bad_id"),
        (NO, "bad_id"),
        (NO, "unsupported"),
        (OK, None),
    ]


@pytest.fixture
def contacts_only(double: Any, crm: HubSpotCrm) -> HubSpotCrm:
    """A portal that has our contact properties and answers updates as a test says."""
    names = ["outcome", "reason", "note"]
    properties = {"results": [{"name": f"closed_loop_{name}"} for name in names]}
    double.answer("GET", "/crm/v3/properties/contacts", properties)
    double.answer("GET", "/crm/v3/properties/0-35", {"results": []})
    return crm


def updated(*ids: str, errors: Any = ()) -> dict[str, Any]:
    return {"status": "COMPLETE", "results": [{"id": each} for each in ids], "errors": list(errors)}


def test_only_properties_that_exist_are_written(double: Any, contacts_only: HubSpotCrm) -> None:
    double.answer("POST", UPDATE, updated("1"))
    assert fates(contacts_only.deliver([person("1")])) == [OK]
    assert double.bodies(UPDATE) == [
        {
            "inputs": [
                {
                    "id": "1",
                    "properties": {
                        "closed_loop_outcome": "Disqualified",
                        "closed_loop_reason": "No budget",
                        "closed_loop_note": "",
                    },
                }
            ]
        }
    ]


def test_results_in_another_order_are_told_apart(double: Any, told: Any, contacts_only: HubSpotCrm) -> None:
    failure = {"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"ids": ["2"]}}
    double.answer("POST", UPDATE, told(updated("3", "1", errors=[failure]), 207))
    assert fates(contacts_only.deliver([person(each) for each in "123"])) == [OK, NO, OK]


def test_a_failure_that_names_nobody_is_found_by_sending_singly(
    double: Any, told: Any, contacts_only: HubSpotCrm
) -> None:
    failure = {"status": "error", "category": "VALIDATION_ERROR"}
    one, none = told(updated("1", errors=[failure]), 207), told(updated(errors=[failure]), 207)
    double.answer("POST", UPDATE, one, none, updated("3"))
    results = contacts_only.deliver([person(each) for each in "123"])
    assert [(result.delivery, result.code) for result in results] == [
        (OK, None),
        (NO, "VALIDATION_ERROR"),
        (OK, None),
    ]


def test_one_bad_record_that_spoils_its_whole_batch_is_found_by_halving(
    double: Any, told: Any, contacts_only: HubSpotCrm
) -> None:
    def answer(asked: Any) -> Any:
        ids = [each["id"] for each in asked["inputs"]]
        return told({"category": "VALIDATION_ERROR"}, 400) if "13" in ids else told(updated(*ids))

    double.respond("POST", UPDATE, answer)
    results = contacts_only.deliver([person(str(each)) for each in range(1, 41)])
    assert [result.key for result in results if result.delivery is not OK] == ["person|contact|13"]
    assert len(double.bodies(UPDATE)) <= 13


def test_an_answer_that_says_nothing_about_a_record_is_tried_again(
    double: Any, contacts_only: HubSpotCrm
) -> None:
    double.answer("POST", UPDATE, updated())
    (result,) = contacts_only.deliver([person("1")])
    assert (result.delivery, result.code) == (LATER, "unanswered")


def test_a_property_deleted_meanwhile_is_left_out(double: Any, told: Any, contacts_only: HubSpotCrm) -> None:
    unknown = {"category": "VALIDATION_ERROR", "errors": [{"code": "PROPERTY_DOESNT_EXIST"}]}

    def answer(asked: Any) -> Any:
        double.answer("GET", "/crm/v3/properties/contacts", {"results": [{"name": "closed_loop_outcome"}]})
        sent = asked["inputs"][0]["properties"]
        return told(unknown, 400) if "closed_loop_note" in sent else told(updated("1", "2"))

    double.respond("POST", UPDATE, answer)
    assert fates(contacts_only.deliver([person("1"), person("2")])) == [OK, OK]
    assert len(double.bodies(UPDATE)) == 2


def test_a_property_that_is_refused_for_ever_refuses_all_without_halving(
    double: Any, told: Any, contacts_only: HubSpotCrm
) -> None:
    unknown = {"category": "VALIDATION_ERROR", "errors": [{"code": "PROPERTY_DOESNT_EXIST"}]}
    double.answer("POST", UPDATE, told(unknown, 400))
    assert fates(contacts_only.deliver([person(str(each)) for each in range(50)])) == [NO] * 50
    assert len(double.bodies(UPDATE)) == 2


STOPS: list[tuple[int, dict[str, Any], type[CrmError]]] = [
    (401, {}, AuthenticationError),
    (403, {"category": "MISSING_SCOPES"}, AuthenticationError),
    (429, {"policyName": "DAILY"}, QuotaError),
    (503, {}, RetryableError),
]


@pytest.mark.parametrize("stop", STOPS)
def test_when_nothing_could_be_written_the_error_is_raised(
    double: Any,
    told: Any,
    waits: list[float],
    contacts_only: HubSpotCrm,
    stop: tuple[int, dict[str, Any], type[CrmError]],
) -> None:
    status, body, kind = stop
    double.answer("POST", UPDATE, told(body, status))
    with pytest.raises(kind):
        contacts_only.deliver([person("1"), person("2")])


@pytest.mark.parametrize("stop", STOPS)
def test_when_something_was_written_the_rest_is_to_be_tried_again(
    double: Any,
    told: Any,
    waits: list[float],
    contacts_only: HubSpotCrm,
    stop: tuple[int, dict[str, Any], type[CrmError]],
) -> None:
    status, body, _ = stop
    double.answer("POST", UPDATE, updated("1"), told(body, status))
    results = contacts_only.deliver([person("1"), person("1"), person("1")])
    assert fates(results) == [OK, LATER, LATER]
    assert len({result.code for result in results[1:]}) == 1


def test_a_locked_record_waits_and_the_others_go_through(
    double: Any, told: Any, waits: list[float], contacts_only: HubSpotCrm
) -> None:
    def answer(asked: Any) -> Any:
        ids = [each["id"] for each in asked["inputs"]]
        return told({}, 423) if "2" in ids else told(updated(*ids))

    double.respond("POST", UPDATE, answer)
    results = contacts_only.deliver([person(each) for each in "123"])
    assert fates(results) == [OK, LATER, OK]
    assert results[1].retry_after == 2.0
