"""Labels and limits of associations, and the associations API of version 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from hubspot.crm.associations import BatchInputPublicAssociation, BatchInputPublicObjectId
from hubspot.crm.associations.v4.schema import (
    PublicAssociationDefinitionCreateRequest,
    PublicAssociationDefinitionUpdateRequest,
)

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]
LABELS = "/crm/v4/associations/contacts/companies/labels"
LIMITS = "/crm/associations/v4/definitions/configurations"
PLAIN = "/crm/v3/associations/contacts/companies/batch"


@pytest.fixture
def company(portal: Portal) -> str:
    return portal.create("companies", {"name": "Engines"})


@pytest.fixture
def partner(call: Call) -> tuple[int, int]:
    """The two numbers of a label of the portal's own, from contact to company and back."""
    body = {"label": "Partner", "inverseLabel": "Partner of", "name": "partner"}
    there, back = call("POST", LABELS, json=body).json()["results"]
    assert (there["label"], back["label"], there["category"]) == ("Partner", "Partner of", "USER_DEFINED")
    return there["typeId"], back["typeId"]


def labels_of(call: Call, left: str, record_id: str, right: str) -> list[str | None]:
    (row,) = call("GET", f"/crm/v4/objects/{left}/{record_id}/associations/{right}").json()["results"]
    return [t["label"] for t in row["associationTypes"]]


def labelled(call: Call, contact: str, company: str, type_id: int) -> requests.Response:
    spec = [{"associationCategory": "USER_DEFINED", "associationTypeId": type_id}]
    return call("PUT", f"/crm/v4/objects/contacts/{contact}/associations/companies/{company}", json=spec)


def test_the_client_makes_changes_and_deletes_a_label(
    hub: Any, call: Call, contact: str, company: str
) -> None:
    api = hub.crm.associations.v4.schema.definitions_api
    made = api.create(
        "contacts", "companies", PublicAssociationDefinitionCreateRequest(label="Board", name="board")
    ).results
    assert [m.label for m in made] == ["Board", "Board"]
    assert labelled(call, contact, company, made[0].type_id).status_code == 201
    change = PublicAssociationDefinitionUpdateRequest(
        association_type_id=made[0].type_id, label="Director", inverse_label="Directed by"
    )
    api.update("contacts", "companies", change)
    assert "Director" in labels_of(call, "contacts", contact, "companies")
    assert "Directed by" in labels_of(call, "companies", company, "contacts")
    assert "Director" in [t.label for t in api.get_all("contacts", "companies").results]
    api.remove("companies", "contacts", made[1].type_id)
    assert labels_of(call, "contacts", contact, "companies") == [None]
    assert labels_of(call, "companies", company, "contacts") == [None]
    assert "Director" not in [t.label for t in api.get_all("contacts", "companies").results]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "x"}, "[label]"),
        ({"label": "X"}, "[name]"),
        ({"label": "Partner", "name": "other"}, "already exists on ObjectType pair"),
        ({"label": "Other", "name": "partner"}, "already exists for portal"),
    ],
    ids=["label", "name", "taken label", "taken name"],
)
def test_a_label_that_cannot_be_is_refused(
    call: Call, partner: tuple[int, int], body: dict[str, str], words: str
) -> None:
    answer = call("POST", LABELS, json=body)
    assert (answer.status_code, words in answer.json()["message"]) == (400, True), answer.text


def test_fifty_labels_fill_a_pair(call: Call) -> None:
    made = [call("POST", LABELS, json={"label": f"L{n}", "name": f"l{n}"}).status_code for n in range(51)]
    assert made == [200] * 50 + [437]


def test_hubspots_own_kinds_cannot_be_changed(call: Call) -> None:
    assert call("PUT", LABELS, json={"associationTypeId": 1, "label": "X"}).status_code == 400
    assert call("DELETE", f"{LABELS}/279").status_code == 400


def test_a_limit_is_set_and_kept_to(call: Call, portal: Portal, contact: str, partner: Any) -> None:
    there, _ = partner
    row = {"category": "USER_DEFINED", "typeId": there, "maxToObjectIds": 1}
    made = call("POST", f"{LIMITS}/contacts/companies/batch/create", json={"inputs": [row]})
    assert made.status_code == 201
    shown = {
        "category": "USER_DEFINED",
        "typeId": there,
        "userEnforcedMaxToObjectIds": 1,
        "label": "Partner",
    }
    assert made.json()["results"] == [shown]
    assert call("GET", f"{LIMITS}/all").json()["results"] == [shown]
    assert shown in call("GET", f"{LIMITS}/contacts/companies").json()["results"]
    companies = [portal.create("companies", {"name": f"C{n}"}) for n in range(2)]
    assert [labelled(call, contact, each, there).status_code for each in companies] == [201, 400]
    more = call(
        "POST", f"{LIMITS}/contacts/companies/batch/update", json={"inputs": [row | {"maxToObjectIds": 2}]}
    )
    assert (more.status_code, "label" in more.json()["results"][0]) == (200, False)
    assert labelled(call, contact, companies[1], there).status_code == 201
    purge = {"inputs": [{"category": "USER_DEFINED", "typeId": there}]}
    assert call("POST", f"{LIMITS}/contacts/companies/batch/purge", json=purge).status_code == 204
    assert call("GET", f"{LIMITS}/all").json() == {"results": []}


def test_a_limit_of_no_kind_is_an_error_of_a_207(call: Call) -> None:
    rows = [{"category": "HUBSPOT_DEFINED", "typeId": 5, "maxToObjectIds": 1}]
    answer = call("POST", f"{LIMITS}/contacts/companies/batch/create", json={"inputs": rows})
    assert answer.status_code == 207
    (error,) = answer.json()["errors"]
    assert error["subCategory"] == "crm.associations.INVALID_ASSOCIATION_TYPE"
    assert error["message"] == "0-5 is not a valid association type between CONTACT and COMPANY"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "a request body was expected"),
        ('"contact_to_company"', "java.util.HashSet"),
        ("{}", "java.util.HashSet"),
        ("[{}]", "[associationCategory, associationTypeId]"),
        ('[{"associationCategory": "HUBSPOT_DEFINED"}]', "[associationTypeId]"),
        ('[{"associationCategory": "USER_DEFINED", "associationTypeId": 279}]', "1-279 is not a valid"),
        ('[{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": "x"}]', "associationTypeId"),
        ("[7]", "list of objects"),
    ],
    ids=["nothing", "text", "object", "no fields", "no number", "other category", "no whole", "numbers"],
)
def test_kinds_that_cannot_be_read_are_refused(
    call: Call, contact: str, company: str, body: str, words: str
) -> None:
    path = f"/crm/v4/objects/contacts/{contact}/associations/companies/{company}"
    answer = call("PUT", path, data=body)
    assert (answer.status_code, words in answer.json()["message"]) == (400, True), answer.text


def test_with_the_unlabelled_association_go_the_labels(
    call: Call, contact: str, company: str, partner: tuple[int, int]
) -> None:
    labelled(call, contact, company, partner[0])
    plain = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}
    row = {"from": {"id": contact}, "to": {"id": company}, "types": [plain]}
    path = "/crm/v4/associations/contacts/companies/batch/labels/archive"
    assert call("POST", path, json={"inputs": [row]}).status_code == 204
    assert call("GET", f"/crm/v4/objects/contacts/{contact}/associations/companies").json()["results"] == []


def test_people_and_companies_are_associated_among_themselves(
    call: Call, portal: Portal, contact: str
) -> None:
    friend = portal.create("contacts", {"lastname": "Babbage"})
    path = f"/crm/v4/objects/contacts/{contact}/associations/default/contacts/{friend}"
    assert call("PUT", path).status_code == 200
    for one, other in ((contact, friend), (friend, contact)):
        (row,) = call("GET", f"/crm/v4/objects/contacts/{one}/associations/contacts").json()["results"]
        assert (row["toObjectId"], row["associationTypes"][0]["typeId"]) == (int(other), 449)
    assert call("DELETE", path.replace("default/", "")).status_code == 204
    assert call("GET", f"/crm/v4/objects/contacts/{friend}/associations/contacts").json() == {"results": []}
    child, parent = (portal.create("companies", {"name": name}) for name in ("Child", "Parent"))
    spec = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 14}]
    assert call(
        "PUT", f"/crm/v4/objects/companies/{child}/associations/companies/{parent}", json=spec
    ).json()["labels"] == ["Parent Company"]
    assert "Child Company" in labels_of(call, "companies", parent, "companies")


def test_a_report_is_sent_to_a_user(call: Call, portal: Portal) -> None:
    user = portal.user_id(portal.create_owner("rep@example.com", "Rep", "Sales"))
    body = call("POST", f"/crm/v4/associations/usage/high-usage-report/{user}").json()
    assert (body["userEmail"], body["userId"]) == ("rep@example.com", user)
    assert call("POST", "/crm/v4/associations/usage/high-usage-report/7").status_code == 404


def test_the_client_of_version_3_makes_reads_and_takes_associations(
    hub: Any, portal: Portal, contact: str, company: str
) -> None:
    alone = portal.create("contacts", {"lastname": "Alone"})
    api = hub.crm.associations.batch_api
    rows = [{"from": {"id": contact}, "to": {"id": company}, "type": "contact_to_company"}]
    made = api.create("contacts", "companies", BatchInputPublicAssociation(inputs=rows))
    assert [(r._from.id, r.to.id, r.type) for r in made.results] == [(contact, company, "contact_to_company")]
    asked = BatchInputPublicObjectId(inputs=[{"id": contact}, {"id": alone}])
    read = api.read("contacts", "companies", asked)
    assert {(t.id, t.type) for t in read.results[0].to} == {
        (company, "contact_to_company"),
        (company, "contact_to_company_unlabeled"),
    }
    assert read.errors[0].sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"
    api.archive("contacts", "companies", BatchInputPublicAssociation(inputs=rows))
    assert [t.type for t in api.read("contacts", "companies", asked).results[0].to] == [
        "contact_to_company_unlabeled"
    ]


@pytest.mark.parametrize(
    ("row", "sub_category"),
    [
        ({"type": "deal_to_contact"}, "crm.associations.INVALID_ASSOCIATION_TYPE"),
        ({"from": {"id": "99"}}, "crm.associations.FROM_OBJECT_NOT_FOUND"),
        ({"to": {"id": "99"}}, "crm.associations.TO_OBJECT_NOT_FOUND"),
        ({"type": None}, None),
        ({"to": {}}, None),
        ({"to": "company"}, None),
    ],
    ids=["kind", "from", "to", "no kind", "no id", "no object"],
)
def test_what_version_3_refuses_does_not_hold_up_the_others(
    call: Call, contact: str, company: str, row: dict[str, Any], sub_category: str | None
) -> None:
    good = {"from": {"id": contact}, "to": {"id": company}, "type": "1"}
    answer = call("POST", f"{PLAIN}/create", json={"inputs": [good | row, good]})
    assert (answer.status_code, len(answer.json()["results"])) == (207, 1)
    assert answer.json()["errors"][0].get("subCategory") == sub_category


def test_version_3_associates_two_records_by_name(call: Call, contact: str, company: str) -> None:
    path = f"/crm/v3/objects/contacts/{contact}/associations/companies/{company}"
    made = call("PUT", f"{path}/contact_to_company_unlabeled")
    assert (made.status_code, made.json()["id"]) == (200, contact)
    assert made.json()["associations"]["companies"]["results"] == [
        {"id": company, "type": "contact_to_company_unlabeled"}
    ]
    assert call("DELETE", f"{path}/279").status_code == 204
    assert call("GET", path.rpartition("/")[0]).json() == {"results": []}
    assert call("PUT", f"{path}/friend").status_code == 400


def test_version_3_names_the_kinds(call: Call, partner: tuple[int, int]) -> None:
    rows = call("GET", "/crm/v3/associations/contacts/companies/types").json()["results"]
    assert {(row["id"], row["name"]) for row in rows} == {
        ("1", "contact_to_company"),
        ("279", "contact_to_company_unlabeled"),
        (str(partner[0]), "partner"),
    }


def test_a_custom_object_is_associated_and_labelled(call: Call, contact: str) -> None:
    schema = {
        "name": "machine",
        "labels": {"singular": "Machine", "plural": "Machines"},
        "primaryDisplayProperty": "serial",
        "properties": [{"name": "serial", "label": "Serial", "type": "string", "fieldType": "text"}],
        "associatedObjects": ["CONTACT"],
    }
    made = call("POST", "/crm/v3/schemas", json=schema)
    assert made.status_code == 201, made.text
    kind = made.json()["objectTypeId"]
    machine = call("POST", f"/crm/v3/objects/{kind}", json={"properties": {"serial": "1"}}).json()["id"]
    path = f"/crm/v4/objects/{kind}/{machine}/associations/default/contacts/{contact}"
    assert call("PUT", path).status_code == 200
    (row,) = call("GET", f"/crm/v4/objects/contacts/{contact}/associations/{kind}").json()["results"]
    assert (row["toObjectId"], row["associationTypes"][0]["category"]) == (int(machine), "USER_DEFINED")
    labels = f"/crm/v4/associations/{kind}/companies/labels"
    there, _ = call("POST", labels, json={"label": "Owner", "name": "machine_owner"}).json()["results"]
    assert [r["label"] for r in call("GET", labels).json()["results"]] == [None, "Owner"]
    plain = next(r["typeId"] for r in call("GET", labels).json()["results"] if r["label"] is None)
    refused = call("DELETE", f"{labels}/{plain}")
    assert refused.json()["message"].startswith("Definition with label still exists")
    assert call("DELETE", f"{labels}/{there['typeId']}").status_code == 204
    assert call("DELETE", f"{labels}/{plain}").status_code == 204
