"""Custom fields and objects that come and go while the org runs, and who may see them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from tests.sandbox_salesforce.conftest import Clock, Http

from closedloop.sandbox.salesforce import Org, SalesforceSandbox
from closedloop.sandbox.salesforce.schema.customising import CustomField, CustomObject

THING = CustomObject(name="Thing__c", label="Thing")
# Of each type: what describe calls it, a value as it is given, and as it is answered.
Example = tuple[CustomField, str, Any, Any]
TYPES: list[Example] = [
    (CustomField(name="F__c", type="Checkbox"), "boolean", True, True),
    (CustomField(name="F__c", type="Currency", scale=2), "currency", 12500, 12500.0),
    (CustomField(name="F__c", type="Date"), "date", "2026-02-28", "2026-02-28"),
    (
        CustomField(name="F__c", type="DateTime"),
        "datetime",
        "2026-02-28T10:00:00Z",
        "2026-02-28T10:00:00.000+0000",
    ),
    (CustomField(name="F__c", type="Email"), "email", "a@example.com", "a@example.com"),
    (CustomField(name="F__c", type="Html"), "textarea", "<b>x</b>", "<b>x</b>"),
    (CustomField(name="F__c", type="LongTextArea", length=1000), "textarea", "x", "x"),
    (
        CustomField(name="F__c", type="MultiselectPicklist", values=[("a", "A"), ("b", "B")]),
        "multipicklist",
        "b;a;b",
        "a;b",
    ),
    (CustomField(name="F__c", type="Number", precision=5, scale=2), "double", 1.005, 1.01),
    (CustomField(name="F__c", type="Number", scale=0), "double", "7", 7.0),
    (CustomField(name="F__c", type="Percent", scale=1), "percent", 12.34, 12.3),
    (CustomField(name="F__c", type="Phone"), "phone", "+49 30 1", "+49 30 1"),
    (CustomField(name="F__c", type="Picklist", values=[("a", "A")]), "picklist", "free", "free"),
    (CustomField(name="F__c", type="Text", length=5), "string", "abcde", "abcde"),
    (CustomField(name="F__c", type="TextArea"), "textarea", "x", "x"),
    (CustomField(name="F__c", type="Time"), "time", "12:30:00", "12:30:00.000Z"),
    (CustomField(name="F__c", type="Url"), "url", "https://example.com", "https://example.com"),
]
REFUSED: list[tuple[CustomField, Any, str]] = [
    (CustomField(name="F__c", type="Text", length=3), "abcd", "STRING_TOO_LONG"),
    (CustomField(name="F__c", type="Text", length=3, required=True), None, "REQUIRED_FIELD_MISSING"),
    (CustomField(name="F__c", type="Email"), "no address", "INVALID_EMAIL_ADDRESS"),
    (CustomField(name="F__c", type="Number", precision=3), 1000, "NUMBER_OUTSIDE_VALID_RANGE"),
    (CustomField(name="F__c", type="Number"), "many", "JSON_PARSER_ERROR"),
    (CustomField(name="F__c", type="Checkbox"), "maybe", "JSON_PARSER_ERROR"),
    (CustomField(name="F__c", type="Time"), "25:00:00", "JSON_PARSER_ERROR"),
    (
        CustomField(name="F__c", type="Picklist", values=[("a", "A")], restricted=True),
        "b",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    ),
    (
        CustomField(name="F__c", type="MultiselectPicklist", values=[("a", "A")], restricted=True),
        "a;b",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    ),
    (CustomField(name="F__c", type="Text", formula="Name"), "x", "INVALID_FIELD_FOR_INSERT_UPDATE"),
    (CustomField(name="F__c", type="AutoNumber"), "1", "INVALID_FIELD_FOR_INSERT_UPDATE"),
    (CustomField(name="F__c", type="Lookup", refers_to=["Account"]), "x", "MALFORMED_ID"),
]


def names(rows: list[tuple[Any, ...]]) -> list[str]:
    return [f"{number}-{row[0].type}" for number, row in enumerate(rows)]


@pytest.mark.parametrize("example", TYPES, ids=names(TYPES))
def test_a_custom_field_of_every_type_is_there_at_once(example: Example, http: Any, org: Org) -> None:
    field, described, given, answered = example
    assert org.schema.add_field("Account", field)
    fields = {f["name"]: f for f in http("GET", "/sobjects/Account/describe").json()["fields"]}
    assert (fields["F__c"]["type"], fields["F__c"]["custom"]) == (described, True)
    answer = http("POST", "/sobjects/Account", json={"Name": "A", "F__c": given})
    assert answer.status_code == 201, answer.text
    assert http.records("SELECT F__c FROM Account") == [{"F__c": answered}]


@pytest.mark.parametrize(("field", "given", "code"), REFUSED, ids=names(REFUSED))
def test_a_custom_field_refuses_what_it_cannot_hold(
    field: CustomField, given: Any, code: str, http: Any, org: Org
) -> None:
    org.schema.add_field("Account", field)
    answer = http("POST", "/sobjects/Account", json={"Name": "A", "F__c": given})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_a_custom_object_is_there_at_once(http: Any, org: Org) -> None:
    kind = org.schema.add_object(THING)
    assert "Thing__c" in [s["name"] for s in http("GET", "/sobjects").json()["sobjects"]]
    answer = http("POST", "/sobjects/Thing__c", json={})
    made = answer.json()["id"]
    assert made.startswith(kind.prefix)
    assert http("GET", f"/sobjects/Thing__c/{made}").json()["Name"] == made  # what a blank name becomes
    assert org.schema.add_object(CustomObject(name="Other__c")).prefix != kind.prefix


def test_records_are_counted_up(http: Any, org: Org) -> None:
    org.schema.add_object(CustomObject(name="Thing__c", number_format="T-{0000}"))
    org.schema.add_field("Thing__c", CustomField(name="N__c", type="AutoNumber", number_format="{0}/x"))
    for _ in range(2):
        org.insert("Thing__c", {})
    assert http.records("SELECT Name, N__c FROM Thing__c") == [
        {"Name": "T-0001", "N__c": "1/x"},
        {"Name": "T-0002", "N__c": "2/x"},
    ]


def test_a_master_takes_its_details_along(http: Any, org: Org) -> None:
    org.schema.add_object(THING)
    field = CustomField(name="Of__c", type="MasterDetail", refers_to=["Account"], relationship="Things")
    org.schema.add_field("Thing__c", field)
    fields = {f["name"]: f for f in http("GET", "/sobjects/Thing__c/describe").json()["fields"]}
    assert "OwnerId" not in fields
    assert (fields["Of__c"]["cascadeDelete"], fields["Of__c"]["relationshipOrder"]) == (True, 0)
    assert "OwnerId" not in org.schema.add_object(THING).fields  # as a second deployment does
    account = org.insert("Account", {"Name": "A"})
    thing = org.insert("Thing__c", {"Of__c": account})
    rows = http.records("SELECT Id, (SELECT Id FROM Things__r) FROM Account")
    assert [row["Id"] for row in rows[0]["Things__r"]["records"]] == [thing]
    org.delete("Account", account)
    assert org.rows("Thing__c") == []


@pytest.mark.parametrize(("constraint", "left"), [("SetNull", [None]), ("Cascade", [])])
def test_a_lookup_says_what_becomes_of_it(constraint: str, left: list[Any], org: Org) -> None:
    org.schema.add_object(THING)
    field = CustomField(name="Of__c", type="Lookup", refers_to=["Lead"], delete_constraint=constraint)
    org.schema.add_field("Thing__c", field)
    lead = org.insert("Lead", {"LastName": "A", "Company": "B"})
    org.insert("Thing__c", {"Of__c": lead})
    org.delete("Lead", lead)
    assert [row["Of__c"] for row in org.rows("Thing__c")] == left


def test_a_lookup_may_forbid_the_deletion(http: Any, org: Org, lead: str) -> None:
    org.schema.add_object(THING)
    field = CustomField(name="Of__c", type="Lookup", refers_to=["Lead"], delete_constraint="Restrict")
    org.schema.add_field("Thing__c", field)
    org.insert("Thing__c", {"Of__c": lead})
    answer = http("DELETE", f"/sobjects/Lead/{lead}")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "DELETE_FAILED")


def test_a_place_has_two_parts(http: Any, org: Org) -> None:
    org.schema.add_field("Account", CustomField(name="Place__c", type="Location", scale=4))
    org.insert("Account", {"Name": "A", "Place__Latitude__s": 52.52, "Place__Longitude__s": 13.405})
    org.insert("Account", {"Name": "B"})
    found = http.records("SELECT Place__c, Place__Latitude__s FROM Account ORDER BY Name")
    assert found[0] == {"Place__c": {"latitude": 52.52, "longitude": 13.405}, "Place__Latitude__s": 52.52}
    assert found[1]["Place__c"] is None


def test_records_are_found_by_a_new_external_id_and_by_a_parents(http: Any, org: Org) -> None:
    field = CustomField(name="Key__c", type="Text", length=20, external_id=True, unique=True)
    org.schema.add_field("Account", field)
    path = "/sobjects/Account/Key__c/one"
    assert http("PATCH", path, json={"Name": "A"}).status_code == 201
    assert http("PATCH", path, json={"Name": "B"}).json()["created"] is False
    answer = http("POST", "/sobjects/Account", json={"Name": "C", "Key__c": "ONE"})
    assert answer.json()[0]["errorCode"] == "DUPLICATE_VALUE"
    body = {"LastName": "D", "Account": {"Key__c": "one"}}
    assert http("POST", "/sobjects/Contact", json=body).status_code == 201
    assert http.records("SELECT Account.Name FROM Contact")[0]["Account"]["Name"] == "B"
    answer = http("POST", "/sobjects/Contact", json=body | {"Account": {"Key__c": "two"}})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


def test_case_counts_where_the_field_says_so(org: Org, http: Any) -> None:
    field = CustomField(name="Key__c", type="Text", length=9, unique=True, case_sensitive=True)
    org.schema.add_field("Account", field)
    for key in ("one", "ONE"):
        org.insert("Account", {"Name": "A", "Key__c": key})
    answer = http("POST", "/sobjects/Account", json={"Name": "A", "Key__c": "one"})
    assert answer.json()[0]["errorCode"] == "DUPLICATE_VALUE"


def test_records_that_there_are_get_new_fields_and_lose_old_ones(http: Any, org: Org) -> None:
    org.insert("Account", {"Name": "A"})
    org.schema.add_field("Account", CustomField(name="Is__c", type="Checkbox", default=True))
    assert not org.schema.add_field("Account", CustomField(name="Is__c", type="Checkbox", label="Is it?"))
    assert http.records("SELECT Is__c FROM Account") == [{"Is__c": True}]
    org.schema.remove_field("Account", "Is__c")
    answer = http("GET", "/query", params={"q": "SELECT Is__c FROM Account"})
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD"
    org.schema.add_field("Account", CustomField(name="Is__c", type="Checkbox"))
    assert http.records("SELECT Is__c FROM Account") == [{"Is__c": False}]


def test_an_object_goes_with_its_records_and_what_refers_to_it(http: Any, org: Org) -> None:
    org.schema.add_object(THING)
    org.insert("Thing__c", {})
    org.schema.add_field("Account", CustomField(name="Of__c", type="Lookup", refers_to=["Thing__c"]))
    org.schema.remove_object("Thing__c")
    assert http("GET", "/sobjects/Thing__c/describe").status_code == 404
    assert "Of__c" not in org.known("Account").fields
    org.schema.add_object(THING)
    assert org.rows("Thing__c") == []


def test_orgs_do_not_share_what_is_added(org: Org) -> None:
    org.schema.add_field("Account", CustomField(name="Own__c", type="Text"))
    assert "Own__c" not in SalesforceSandbox().org.known("Account").fields


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "F__c", "type": "Blob"},
        {"name": "F", "type": "Text"},
        {"name": "F__c", "type": "Lookup"},
    ],
    ids=lambda wrong: "-".join(wrong.values()),
)
def test_a_field_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"custom field|refers to"):
        CustomField(**wrong)


def test_only_what_is_custom_can_be_removed(org: Org) -> None:
    with pytest.raises(ValueError, match="no custom field"):
        org.schema.remove_field("Account", "Name")
    with pytest.raises(ValueError, match="standard object"):
        org.schema.remove_object("Account")
    with pytest.raises(ValueError, match="ends in __c"):
        CustomObject(name="Thing")


@pytest.fixture
def guarded(clock: Clock) -> Iterator[tuple[Org, Http]]:
    sandbox = SalesforceSandbox(clock=clock, field_security=True)
    with sandbox, requests.Session() as session:
        session.trust_env = False
        yield sandbox.org, Http(sandbox, session)


def grant(org: Org, http: Http, *, edit: bool) -> None:
    parent = http("POST", "/sobjects/PermissionSet", json={"Name": "See", "Label": "See"}).json()["id"]
    permission = {"ParentId": parent, "SobjectType": "Account", "Field": "Account.Secret__c"}
    may = {"PermissionsRead": True, "PermissionsEdit": edit}
    assert http("POST", "/sobjects/FieldPermissions", json=permission | may).status_code == 201
    body = {"AssigneeId": org.integration_user_id, "PermissionSetId": parent}
    assert http("POST", "/sobjects/PermissionSetAssignment", json=body).status_code == 201


def test_a_new_field_is_seen_by_nobody_before_it_is_granted(guarded: tuple[Org, Http]) -> None:
    org, http = guarded
    org.schema.add_field("Account", CustomField(name="Secret__c", type="Text"))
    query = {"q": "SELECT Secret__c FROM Account"}
    body = {"Name": "A", "Secret__c": "x"}
    assert http("GET", "/query", params=query).json()[0]["errorCode"] == "INVALID_FIELD"
    assert http("POST", "/sobjects/Account", json=body).json()[0]["errorCode"] == "INVALID_FIELD"
    described = http("GET", "/sobjects/Account/describe").json()["fields"]
    assert "Secret__c" not in [f["name"] for f in described]
    org.insert("Account", body)  # an administrator sees it
    grant(org, http, edit=False)
    assert http.records("SELECT Secret__c FROM Account") == [{"Secret__c": "x"}]
    answer = http("POST", "/sobjects/Account", json=body)
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_a_grant_ends_with_its_assignment(guarded: tuple[Org, Http]) -> None:
    org, http = guarded
    org.schema.add_field("Account", CustomField(name="Secret__c", type="Text"))
    grant(org, http, edit=True)
    assert http("POST", "/sobjects/Account", json={"Name": "A", "Secret__c": "x"}).status_code == 201
    assignment = http.records("SELECT Id FROM PermissionSetAssignment")[0]["Id"]
    assert http("DELETE", f"/sobjects/PermissionSetAssignment/{assignment}").status_code == 204
    answer = http("GET", "/query", params={"q": "SELECT Secret__c FROM Account"})
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD"


def test_an_object_is_granted_too_and_required_fields_come_with_it(guarded: tuple[Org, Http]) -> None:
    org, http = guarded
    org.schema.add_object(THING)
    org.schema.add_field("Thing__c", CustomField(name="Must__c", type="Text", required=True))
    org.schema.add_field(
        "Account", CustomField(name="Of__c", type="Lookup", refers_to=["Thing__c"]), visible=True
    )
    assert http("GET", "/sobjects/Thing__c/describe").status_code == 404
    answer = http("GET", "/query", params={"q": "SELECT Of__r.Name FROM Account"})
    assert answer.status_code == 400
    parent = org.insert("PermissionSet", {"Name": "See", "Label": "See"})
    may = {"PermissionsRead": True, "PermissionsCreate": True, "PermissionsEdit": True}
    org.insert("ObjectPermissions", {"ParentId": parent, "SobjectType": "Thing__c", **may})
    org.insert("PermissionSetAssignment", {"AssigneeId": org.integration_user_id, "PermissionSetId": parent})
    assert http("POST", "/sobjects/Thing__c", json={"Must__c": "x"}).status_code == 201
    assert http("GET", "/query", params={"q": "SELECT Of__r.Name FROM Account"}).status_code == 200


@pytest.mark.parametrize("field", ["Account.No__c", "Lead.Name"])
def test_nothing_is_granted_that_is_not_there(field: str, http: Any, org: Org) -> None:
    parent = org.insert("PermissionSet", {"Name": "See", "Label": "See"})
    body = {"ParentId": parent, "SobjectType": "Account", "Field": field, "PermissionsRead": True}
    answer = http("POST", "/sobjects/FieldPermissions", json=body)
    assert answer.json()[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_the_schema_can_be_queried_as_it_is_now(http: Any, org: Org) -> None:
    soql = (
        "SELECT QualifiedApiName, DataType FROM FieldDefinition "
        "WHERE EntityDefinition.QualifiedApiName = 'Thing__c'"
    )
    assert http.records(soql) == []
    org.schema.add_object(THING)
    org.schema.add_field("Thing__c", CustomField(name="Of__c", type="Lookup", refers_to=["Account"]))
    org.schema.add_field("Thing__c", CustomField(name="N__c", type="Number", precision=5, scale=2))
    found = {row["QualifiedApiName"]: row["DataType"] for row in http.records(soql)}
    assert (found["Of__c"], found["N__c"], found["Name"]) == ("Lookup(Account)", "Number(3, 2)", "Text(80)")
    entities = http.records(
        "SELECT Label, KeyPrefix FROM EntityDefinition WHERE QualifiedApiName = 'Thing__c'"
    )
    assert entities == [{"Label": "Thing", "KeyPrefix": "a00"}]
    body = http.query(
        "SELECT DurableId, (SELECT DurableId FROM Fields) FROM EntityDefinition WHERE DurableId = 'Lead'"
    )
    assert body["records"][0]["Fields"]["records"][0]["DurableId"] == "Lead.Id"
