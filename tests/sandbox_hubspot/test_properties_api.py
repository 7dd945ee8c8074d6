"""The properties API: definitions made, changed, archived and brought back, and the groups they stand in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from hubspot.crm.properties import (
    BatchInputPropertyCreate,
    BatchInputPropertyName,
    BatchReadInputPropertyName,
    PropertyGroupCreate,
    PropertyGroupUpdate,
)

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]
PATH = "/crm/v3/properties/contacts"
TIER = {
    "name": "tier",
    "label": "Tier",
    "groupName": "contactinformation",
    "type": "enumeration",
    "fieldType": "select",
    "options": [
        {"label": "Gold", "value": "gold", "displayOrder": 0, "hidden": False},
        {"label": "Tin", "value": "tin", "displayOrder": 1, "hidden": False},
    ],
}
TEXT = {**TIER, "name": "nickname", "label": "Nickname", "type": "string", "fieldType": "text"}
del TEXT["options"]


@pytest.fixture
def tier(call: Call) -> dict[str, Any]:
    """A property of the portal's own, as the answer that made it has it."""
    answer = call("POST", PATH, json=TIER)
    assert answer.status_code == 201
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": None}, "[name]"),
        ({"label": ""}, "[label]"),
        ({"type": None}, "[type]"),
        ({"groupName": None}, "[groupName]"),
        ({"fieldType": 3}, "[fieldType]"),
        ({"type": "colour"}, "Enum"),
        ({"fieldType": "dropdown"}, "Enum"),
        ({"groupName": "nowhere"}, "does not exist"),
        ({"name": "Tier Level"}, "invalid"),
        ({"name": "1st"}, "invalid"),
        ({"name": "x" * 101}, "invalid"),
        ({"options": None}, "options"),
        ({"options": "gold"}, "list of objects"),
        ({"options": [{"label": "A"}]}, "[value]"),
        ({"options": [{"label": "A", "value": "a"}, {"label": "B", "value": "a"}]}, "same value"),
        ({"hasUniqueValue": "yes"}, "boolean"),
        ({"dataSensitivity": "secret"}, "Enum"),
        ({"externalOptions": True}, "externalOptions"),
        ({"type": "bool", "fieldType": "booleancheckbox"}, "true and false"),
        ({"currencyPropertyName": "deal_currency_code"}, "currency"),
        ({"textDisplayHint": ""}, "hint"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_definition_that_cannot_be_is_refused(call: Call, changes: dict[str, Any], words: str) -> None:
    answer = call("POST", PATH, json=TIER | changes)
    assert (answer.status_code, words in answer.json()["message"]) == (400, True), answer.text
    assert answer.json()["category"] == "VALIDATION_ERROR"
    assert call("GET", f"{PATH}/tier").status_code == 404


def test_a_taken_name_is_refused_with_its_name(call: Call, tier: dict[str, Any]) -> None:
    answer = call("POST", PATH, json=TIER)
    assert answer.status_code == 409
    body = answer.json()
    assert body["message"] == "A property named 'tier' already exists."
    assert (body["category"], body["subCategory"]) == (
        "OBJECT_ALREADY_EXISTS",
        "Properties.PROPERTY_WITH_NAME_EXISTS",
    )


def test_a_custom_property_says_whether_it_is_archived(call: Call, tier: dict[str, Any]) -> None:
    assert (tier["archived"], "hubspotDefined" in tier) == (False, False)
    own = call("GET", f"{PATH}/email").json()
    assert (own["hubspotDefined"], "archived" in own) == (True, False)


def test_an_archived_property_is_found_only_when_asked_for(call: Call, tier: dict[str, Any]) -> None:
    assert call("DELETE", f"{PATH}/tier").status_code == 204
    assert call("GET", f"{PATH}/tier").status_code == 404
    assert call("DELETE", f"{PATH}/tier").status_code == 404
    assert call("PATCH", f"{PATH}/tier", json={"label": "T"}).status_code == 404
    gone = call("GET", f"{PATH}/tier?archived=true").json()
    assert (gone["archived"], gone["archivedAt"] >= gone["createdAt"]) == (True, True)
    listed = call("GET", f"{PATH}?archived=true").json()["results"]
    assert [p["name"] for p in listed] == ["tier"]


def test_a_property_comes_back_with_its_values_when_it_is_made_anew(
    call: Call, portal: Portal, contact: str, tier: dict[str, Any]
) -> None:
    portal.update("contacts", contact, {"tier": "gold"})
    call("DELETE", f"{PATH}/tier")
    read = call("GET", f"/crm/v3/objects/contacts/{contact}?properties=tier").json()
    assert "tier" not in read["properties"]
    made = call("POST", PATH, json=TIER | {"label": "Level"}).json()
    assert (made["label"], made["createdAt"]) == ("Level", tier["createdAt"])
    read = call("GET", f"/crm/v3/objects/contacts/{contact}?properties=tier").json()
    assert read["properties"]["tier"] == "gold"


def test_an_option_that_is_gone_stays_on_records_and_is_taken_no_more(
    call: Call, portal: Portal, contact: str, tier: dict[str, Any]
) -> None:
    portal.update("contacts", contact, {"tier": "tin"})
    answer = call("PATCH", f"{PATH}/tier", json={"options": TIER["options"][:1]})
    assert [o["value"] for o in answer.json()["options"]] == ["gold"]
    assert portal.get("contacts", contact)["properties"]["tier"] == "tin"
    path = f"/crm/v3/objects/contacts/{contact}"
    refused = call("PATCH", path, json={"properties": {"tier": "tin"}}).json()
    assert refused["errors"][0]["code"] == "INVALID_OPTION"


def test_a_change_keeps_what_it_does_not_name(call: Call, tier: dict[str, Any]) -> None:
    body = {
        "description": "How dear",
        "hidden": True,
        "displayOrder": 4,
        "label": None,
        "hasUniqueValue": True,
        "dataSensitivity": "sensitive",
        "name": "other",
    }
    changed = call("PATCH", f"{PATH}/tier", json=body).json()
    assert (changed["description"], changed["hidden"], changed["displayOrder"]) == ("How dear", True, 4)
    for kept in ("name", "label", "options", "hasUniqueValue", "dataSensitivity", "createdAt"):
        assert changed[kept] == tier[kept]


@pytest.mark.parametrize(
    "body",
    [{"type": "colour"}, {"fieldType": "dropdown"}, {"groupName": "nowhere"}, {"options": [{"label": "A"}]}],
    ids=["type", "field type", "group", "options"],
)
def test_a_wrong_change_changes_nothing(call: Call, tier: dict[str, Any], body: dict[str, Any]) -> None:
    assert call("PATCH", f"{PATH}/tier", json=body | {"label": "New"}).status_code == 400
    assert call("GET", f"{PATH}/tier").json() == tier


def test_a_formula_makes_a_property_calculated_and_keeps_what_it_uses(call: Call, contact: str) -> None:
    base = {**TEXT, "name": "score_a", "type": "number", "fieldType": "number"}
    formula = {
        **base,
        "name": "score_b",
        "calculationFormula": "score_a * 2",
        "numberDisplayHint": "percentage",
    }
    assert call("POST", PATH, json=base).status_code == 201
    made = call("POST", PATH, json=formula).json()
    assert (made["calculated"], made["fieldType"]) == (True, "calculation_equation")
    assert (made["calculationFormula"], made["numberDisplayHint"]) == ("score_a * 2", "percentage")
    refused = call("PATCH", f"/crm/v3/objects/contacts/{contact}", json={"properties": {"score_b": "1"}})
    assert refused.json()["errors"][0]["code"] == "READ_ONLY_VALUE"
    used = call("DELETE", f"{PATH}/score_a")
    assert used.status_code == 400
    body = used.json()
    assert body["subCategory"] == "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE"
    assert body["message"].startswith("Property: score_a of object type 0-1 is currently used in 1 places")
    assert body["errors"][0]["context"]["parentName"] == ["0-1/score_b"]
    assert [call("DELETE", f"{PATH}/score_{x}").status_code for x in "ba"] == [204, 204]


def test_a_unique_property_takes_a_value_once_and_finds_by_it(call: Call, portal: Portal) -> None:
    assert call("POST", PATH, json=TEXT | {"hasUniqueValue": True}).json()["hasUniqueValue"] is True
    one = portal.create("contacts", {"nickname": "countess"})
    other = portal.create("contacts", {"lastname": "B"})
    body = {"properties": {"nickname": "countess"}}
    assert call("PATCH", f"/crm/v3/objects/contacts/{other}", json=body).status_code == 400
    found = call("GET", "/crm/v3/objects/contacts/countess?idProperty=nickname").json()
    assert found["id"] == one


def test_ten_properties_of_a_type_can_be_unique(call: Call) -> None:
    path = "/crm/v3/properties/companies"
    body = {**TEXT, "groupName": "companyinformation", "hasUniqueValue": True}
    made = [call("POST", path, json=body | {"name": f"key_{n}"}).status_code for n in range(11)]
    assert made == [201] * 10 + [400]


def test_sensitive_properties_are_listed_apart(call: Call) -> None:
    assert call("POST", PATH, json=TEXT | {"dataSensitivity": "sensitive"}).status_code == 201
    names = [p["name"] for p in call("GET", f"{PATH}?dataSensitivity=sensitive").json()["results"]]
    assert names == ["nickname"]
    assert "nickname" not in [p["name"] for p in call("GET", PATH).json()["results"]]
    assert call("GET", f"{PATH}/nickname").status_code == 404
    assert call("GET", f"{PATH}/nickname?dataSensitivity=sensitive").status_code == 200
    assert call("GET", f"{PATH}/email?dataSensitivity=sensitive").status_code == 404


def test_the_client_makes_reads_and_archives_batches(hub: Any, call: Call) -> None:
    api = hub.crm.properties.batch_api
    body = BatchInputPropertyCreate(
        inputs=[
            {
                "name": name,
                "label": name,
                "groupName": "contactinformation",
                "type": "string",
                "fieldType": "text",
            }
            for name in ("one", "two")
        ]
    )
    assert [p.name for p in api.create("contacts", body).results] == ["one", "two"]
    names = [{"name": name} for name in ("one", "two", "nobody")]
    api.archive("contacts", BatchInputPropertyName(inputs=names))
    for archived, expected in ((False, set()), (True, {"one", "two"})):
        asked = BatchReadInputPropertyName(archived=archived, inputs=names)
        assert {p.name for p in api.read("contacts", asked).results} == expected
    many = {"inputs": [{"name": "x"}] * 101}
    for operation in ("read", "create", "archive"):
        assert call("POST", f"{PATH}/batch/{operation}", json=many).status_code == 400


def test_groups_are_made_changed_and_archived(hub: Any, call: Call) -> None:
    api = hub.crm.properties.groups_api
    api.create("contacts", PropertyGroupCreate(name="loop", label="Loop", display_order=3))
    changed = api.update("contacts", "loop", PropertyGroupUpdate(label="The loop"))
    assert (changed.label, changed.display_order) == ("The loop", 3)
    assert call("POST", PATH, json=TEXT | {"groupName": "loop"}).status_code == 201
    refused = call("DELETE", f"{PATH}/groups/loop")
    assert (refused.status_code, set(refused.json())) == (400, {"status", "message", "correlationId"})
    nested = json.loads(refused.json()["message"])
    assert nested["subCategory"] == "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES"
    call("DELETE", f"{PATH}/nickname")
    assert call("DELETE", f"{PATH}/groups/loop").status_code == 204
    assert "loop" not in [g["name"] for g in call("GET", f"{PATH}/groups").json()["results"]]
    for method in ("PATCH", "DELETE"):
        assert (
            call(method, f"{PATH}/groups/loop", json={"label": "X"}).json()["category"] == "OBJECT_NOT_FOUND"
        )


def test_a_taken_group_is_refused(call: Call) -> None:
    body = {"name": "contactinformation", "label": "Mine"}
    answer = call("POST", f"{PATH}/groups", json=body)
    assert (answer.status_code, answer.json()["category"]) == (409, "OBJECT_ALREADY_EXISTS")
    assert call("POST", f"{PATH}/groups", json={"name": "x"}).status_code == 400


def test_an_owner_property_has_its_options_elsewhere(call: Call, contact: str) -> None:
    body = TIER | {
        "name": "second_owner",
        "externalOptions": True,
        "referencedObjectType": "OWNER",
        "options": [],
    }
    made = call("POST", PATH, json=body).json()
    assert (made["externalOptions"], made["referencedObjectType"]) == (True, "OWNER")
    path = f"/crm/v3/objects/contacts/{contact}"
    assert call("PATCH", path, json={"properties": {"second_owner": "640000001"}}).status_code == 200


@pytest.mark.parametrize("body", ["", "[]", "{", '"x"'])
def test_what_is_no_object_is_refused(call: Call, body: str) -> None:
    for method, path in (("POST", PATH), ("PATCH", f"{PATH}/email"), ("POST", f"{PATH}/groups")):
        answer = call(method, path, data=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
