"""Custom objects: defined through the schemas API, used through the objects API, by HubSpot's client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from hubspot.crm.schemas.exceptions import ApiException

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]
SCHEMAS = "/crm/v3/schemas"
CAR: dict[str, Any] = {
    "name": "car",
    "labels": {"singular": "Car", "plural": "Cars"},
    "primaryDisplayProperty": "model",
    "secondaryDisplayProperties": ["vin"],
    "requiredProperties": ["vin"],
    "searchableProperties": ["model"],
    "properties": [
        {"name": "model", "label": "Model"},
        {"name": "vin", "label": "VIN", "type": "string", "fieldType": "text", "hasUniqueValue": True},
        {"name": "price", "label": "Price", "type": "number", "fieldType": "number"},
    ],
    "associatedObjects": ["CONTACT"],
}
# What others recorded of a custom schema (the tests of airbytehq/airbyte's source-hubspot).
KEYS = {
    *("labels", "requiredProperties", "searchableProperties", "primaryDisplayProperty", "description"),
    *("secondaryDisplayProperties", "archived", "restorable", "metaType", "id", "fullyQualifiedName"),
    *("createdAt", "updatedAt", "createdByUserId", "updatedByUserId", "objectTypeId", "properties"),
    *("associations", "name", "allowsSensitiveProperties"),
}


@pytest.fixture
def car(hub: Any) -> Any:
    return hub.crm.schemas.core_api.create(object_schema_egg=CAR)


def test_a_schema_is_made_listed_and_read_by_the_client(hub: Any, portal: Portal, car: Any) -> None:
    assert car.object_type_id.startswith("2-")
    assert car.fully_qualified_name == f"p{portal.id}_car"
    (listed,) = hub.crm.schemas.core_api.get_all().results
    assert listed.object_type_id == car.object_type_id
    for name in (car.object_type_id, car.fully_qualified_name):
        assert hub.crm.schemas.core_api.get_by_id(name).primary_display_property == "model"


@pytest.mark.parametrize(
    "area", [SCHEMAS, "/crm-object-schemas/v3/schemas", "/crm-object-schemas/2026-03/schemas"]
)
def test_a_schema_has_the_recorded_keys(call: Call, area: str) -> None:
    made = call("POST", area, json=CAR)
    assert (made.status_code, set(made.json())) == (201, KEYS)
    (listed,) = call("GET", area).json()["results"]
    assert listed == made.json()
    own = {row["name"] for row in listed["properties"] if not row.get("hubspotDefined")}
    assert own == {"model", "vin", "price"}


def test_records_of_a_custom_type_are_made_found_and_associated(hub: Any, contact: str, car: Any) -> None:
    objects = hub.crm.objects
    types = [{"associationCategory": "USER_DEFINED", "associationTypeId": _link_to(car, "0-1")}]
    body = {
        "properties": {"model": "Roadster", "vin": "V1", "price": "5"},
        "associations": [{"to": {"id": contact}, "types": types}],
    }
    made = objects.basic_api.create(car.object_type_id, body)
    for name in (car.object_type_id, car.fully_qualified_name, "p_car"):
        assert objects.basic_api.get_by_id(name, made.id).id == made.id
    assert objects.basic_api.get_by_id(car.object_type_id, "V1", id_property="vin").id == made.id
    assert objects.search_api.do_search(car.object_type_id, {"query": "road"}).total == 1
    dear = {"propertyName": "price", "operator": "GT", "value": "4.5"}
    linked = {"propertyName": "associations.contact", "operator": "EQ", "value": contact}
    body = {"filterGroups": [{"filters": [dear, linked]}]}
    assert objects.search_api.do_search(car.object_type_id, body).total == 1
    read = hub.crm.contacts.basic_api.get_by_id(contact, associations=[car.object_type_id])
    (row,) = read.associations[car.fully_qualified_name].results
    assert (row.id, row.type) == (made.id, "contact_to_car")


def _link_to(schema: Any, type_id: str) -> int:
    return next(int(row.id) for row in schema.associations if row.to_object_type_id == type_id)


def test_required_properties_are_demanded(call: Call, car: Any) -> None:
    answer = call("POST", f"/crm/v3/objects/{car.object_type_id}", json={"properties": {"model": "X"}})
    assert answer.status_code == 400
    assert answer.json()["message"] == "Error creating CAR. Some required properties were not set."
    assert answer.json()["context"] == {"properties": ["vin"]}


def test_a_base_name_is_no_type(call: Call, car: Any) -> None:
    assert call("GET", "/crm/v3/objects/car").status_code == 400


def test_a_schema_is_changed(call: Call, car: Any) -> None:
    body = {"labels": {"plural": "Motors"}, "requiredProperties": ["model"]}
    answer = call("PATCH", f"{SCHEMAS}/{car.object_type_id}", json=body)
    assert answer.json()["labels"] == {"singular": "Car", "plural": "Motors"}
    made = call("POST", f"/crm/v3/objects/{car.object_type_id}", json={"properties": {"model": "X"}})
    assert made.status_code == 201


def test_a_type_goes_only_after_its_records(hub: Any, portal: Portal, car: Any) -> None:
    made = portal.create(car.object_type_id, {"vin": "1"})
    with pytest.raises(ApiException, match="400"):
        hub.crm.schemas.core_api.archive(car.object_type_id)
    portal.delete(car.object_type_id, made)
    hub.crm.schemas.core_api.archive(car.object_type_id)
    assert hub.crm.schemas.core_api.get_all().results == []
    assert len(hub.crm.schemas.core_api.get_all(archived=True).results) == 1


def test_associations_are_defined_and_taken_back(call: Call, portal: Portal, car: Any) -> None:
    path = f"{SCHEMAS}/{car.object_type_id}/associations"
    body = {"fromObjectTypeId": car.object_type_id, "toObjectTypeId": "0-3", "name": "car_to_deal"}
    made = call("POST", path, json=body)
    assert (made.status_code, made.json()["name"]) == (201, "car_to_deal")
    one, deal = portal.create(car.object_type_id, {"vin": "1"}), portal.create("deals", {"dealname": "D"})
    portal.associate((car.object_type_id, one), ("deals", deal))
    portal.dissociate((car.object_type_id, one), ("deals", deal))
    assert call("DELETE", f"{path}/{made.json()['id']}").status_code == 204
    assert call("DELETE", f"{path}/{made.json()['id']}").status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": "9lives"}, 400),
        ({"name": ""}, 400),
        ({"labels": None}, 400),
        ({"primaryDisplayProperty": "colour"}, 400),
        ({"requiredProperties": ["colour"]}, 400),
        ({"associatedObjects": ["butterflies"]}, 400),
        ({"properties": 5}, 400),
        ({"properties": [{"label": "x"}]}, 400),
        ({"properties": [{"name": "model", "label": "M", "type": "nonsense", "fieldType": "text"}]}, 400),
        ({"name": "CAR"}, 409),
    ],
)
def test_a_schema_that_makes_no_sense_is_refused(
    call: Call, car: Any, change: dict[str, Any], status: int
) -> None:
    body = {**CAR, "name": "bus", **change}
    assert call("POST", SCHEMAS, json=body).status_code == status
    assert len(call("GET", SCHEMAS).json()["results"]) == 1


def test_the_schema_of_contacts_has_the_recorded_words(call: Call) -> None:
    read = call("GET", "/crm-object-schemas/2026-03/schemas/contacts").json()
    assert set(read) == KEYS
    told = ("id", "fullyQualifiedName", "metaType", "objectTypeId", "primaryDisplayProperty", "name")
    assert [read[name] for name in told] == ["1", "CONTACT", "HUBSPOT", "0-1", "firstname", "CONTACT"]
    assert {"279", "4"} <= {row["id"] for row in read["associations"]}


def test_an_admin_defines_a_type_by_hand(portal: Portal) -> None:
    type_id = portal.create_schema(CAR)
    made = portal.create(type_id, {"vin": "1", "model": "A"})
    assert portal.get(type_id, made)["properties"]["model"] == "A"
