"""The schema agrees with recorded describe answers, attribute by attribute."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from closedloop.sandbox.salesforce.records.derive import DERIVED
from closedloop.sandbox.salesforce.schema.customising import CustomField
from closedloop.sandbox.salesforce.schema.objects import Objects

OBJECTS = Objects()
RECORDED = ("Account", "Contact", "Lead", "Opportunity", "OpportunityContactRole")
# The recorded org of Account has person accounts and four fields of its own; the reference of the Jigsaw keys
# leads to no object, and the label of an Id is the object's, but for this one.
_DIFFERENT = {
    ("Account", "Name", "compoundFieldName"),
    ("Account", "Name", "extraTypeInfo"),
    ("Account", "JigsawCompanyId", "relationshipName"),
    ("Contact", "JigsawContactId", "relationshipName"),
    ("Lead", "JigsawContactId", "relationshipName"),
    ("OpportunityContactRole", "Id", "label"),
}
# What else the recorded orgs said of an object: Account's is older than the scoping rules, and has a record
# type and default values, as the contact role does.
_OWN = {
    "Account": {"recordTypeInfos", "supportedScopes", "urls"},
    "OpportunityContactRole": {"urls"},
}


@pytest.mark.parametrize("name", RECORDED)
def test_standard_fields_are_described_as_recorded(name: str, http: Any, corpus: Path) -> None:
    recorded = json.loads((corpus / f"salesforce/describe/{name}.json").read_text())
    ours = {f["name"]: f for f in http("GET", f"/sobjects/{name}/describe").json()["fields"]}
    # Fields of the recorded org's own end in __c, and are called custom in none of the recordings.
    theirs = {f["name"]: f for f in recorded["fields"] if not f["name"].endswith("__c")}
    assert [field for field in ours if not field.endswith("__c")] == list(theirs)
    differences = {
        (name, field, key): (value, ours[field][key])
        for field, described in theirs.items()
        for key, value in described.items()
        if ours[field][key] != value
    }
    assert set(differences) == {d for d in _DIFFERENT if d[0] == name}, differences


@pytest.mark.parametrize("name", RECORDED)
def test_an_object_is_described_as_recorded(name: str, http: Any, corpus: Path) -> None:
    recorded = json.loads((corpus / f"salesforce/describe/{name}.json").read_text())
    ours = http("GET", f"/sobjects/{name}/describe").json()
    # The two recordings of version 48.0 are older than three of the keys.
    newer = {"associateEntityType", "associateParentEntity", "sobjectDescribeOption"}
    assert set(recorded) <= set(ours) <= set(recorded) | newer
    apart = {"fields", "childRelationships", "urls", *_OWN.get(name, ())}
    for key in set(recorded) - apart:
        text = json.dumps(recorded[key])
        assert json.dumps(ours[key]) == re.sub(r"/v(\d\d|xx)\.0/", "/v62.0/", text), key
    assert set(recorded["urls"]) - {"defaultValues", *_OWN.get(name, ())} <= set(ours["urls"]) | {"layouts"}


@pytest.mark.parametrize("name", RECORDED[:-1])
def test_child_relationships_have_their_recorded_names(name: str, http: Any, corpus: Path) -> None:
    recorded = json.loads((corpus / f"salesforce/describe/{name}.json").read_text())
    theirs = {(c["childSObject"], c["field"]): c for c in recorded["childRelationships"]}
    ours = http("GET", f"/sobjects/{name}/describe").json()["childRelationships"]
    shared = [child for child in ours if (child["childSObject"], child["field"]) in theirs]
    for child in shared:
        recording = theirs[child["childSObject"], child["field"]]
        assert (child["field"], child["relationshipName"]) == (child["field"], recording["relationshipName"])
        assert child["cascadeDelete"] == recording["cascadeDelete"], child["field"]
    assert shared


def test_describe_global_lists_every_object_briefly(http: Any, corpus: Path) -> None:
    body = http("GET", "/sobjects").json()
    names = [kind.name for kind in OBJECTS]
    assert [s["name"] for s in body["sobjects"]] == [*names, "EntityDefinition", "FieldDefinition"]
    assert set(body) == {"encoding", "maxBatchSize", "sobjects"}
    urls = {s["name"]: set(s["urls"]) for s in body["sobjects"]}
    assert {"sobject", "describe", "rowTemplate", "layouts"} <= urls["Account"]
    assert urls["LeadHistory"] == {"sobject", "describe", "rowTemplate"}


def test_every_object_can_be_described_asked_and_left_alone(http: Any) -> None:
    for brief in http("GET", "/sobjects").json()["sobjects"]:
        whole = http("GET", f"/sobjects/{brief['name']}/describe").json()
        assert whole["name"] == brief["name"]
        names = ",".join(f["name"] for f in whole["fields"])
        assert http.query(f"SELECT {names} FROM {brief['name']} LIMIT 3")["done"]  # noqa: S608
        assert set(whole["urls"]) >= set(brief["urls"])


def test_a_description_that_is_known_is_not_sent_again(http: Any, org: Any, clock: Any) -> None:
    first = http("GET", "/sobjects/Lead/describe")
    known = {"If-Modified-Since": first.headers["Last-Modified"]}
    again = http("GET", "/sobjects/Lead/describe", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    clock.move(seconds=5)
    org.schema.add_field("Lead", CustomField(name="Region__c", type="Text", length=20))
    assert http("GET", "/sobjects/Lead/describe", headers=known).status_code == 200
    assert http("GET", "/sobjects", headers=known).status_code == 200


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("describe/layouts", {"layouts", "recordTypeMappings", "recordTypeSelectorRequired"}),
        ("describe/compactLayouts", {"compactLayouts", "defaultCompactLayoutId"}),
        ("describe/approvalLayouts", {"approvalLayouts"}),
        ("listviews", {"done", "listviews", "nextRecordsUrl", "size", "sobjectType"}),
    ],
)
def test_pages_ask_for_layouts_and_views(path: str, keys: set[str], http: Any) -> None:
    answer = http("GET", f"/sobjects/Account/{path}")
    assert answer.status_code == 200
    assert keys <= set(answer.json())
    assert http("GET", f"/sobjects/LeadHistory/{path}").status_code == 404


def test_the_layout_of_the_master_record_type_has_every_field(http: Any) -> None:
    url = http("GET", "/sobjects/Lead/describe").json()["recordTypeInfos"][0]["urls"]["layout"]
    layout = http("GET", url.removeprefix("/services/data/v62.0")).json()
    assert len(layout["detailLayoutSections"][0]["layoutRows"]) == len(OBJECTS["Lead"].fields)
    assert http("GET", "/sobjects/Lead/describe/layouts/012000000000001AAA").status_code == 404


def test_an_unknown_object_is_not_found(http: Any) -> None:
    answer = http("GET", "/sobjects/Foo/describe")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_stage_picklists_show_what_the_org_has(http: Any, org: Any) -> None:
    org.insert("LeadStatus", {"MasterLabel": "Recycled", "ApiName": "Recycled", "SortOrder": 9})
    fields = {f["name"]: f for f in http("GET", "/sobjects/Lead/describe").json()["fields"]}
    assert fields["Status"]["picklistValues"][-1]["value"] == "Recycled"
    assert fields["Status"]["defaultValue"] == "Open - Not Contacted"


def test_only_administrators_write_setup_objects(http: Any) -> None:
    body = http("GET", "/sobjects/OpportunityStage/describe").json()
    assert not body["createable"]
    assert not any(field["createable"] or field["updateable"] for field in body["fields"])
    answer = http("POST", "/sobjects/OpportunityStage", json={"MasterLabel": "X", "ApiName": "X"})
    assert answer.json()[0]["errorCode"] == "INVALID_TYPE_FOR_OPERATION"


def test_every_derived_field_has_its_derivation() -> None:
    marked = {(s.name, f.name) for s in OBJECTS for f in s.fields.values() if f.derived}
    computed = {(name, field) for name, fields in DERIVED.items() for field in fields}
    assert computed == marked


def test_everything_that_closed_loop_writes_exists_and_may_be_written() -> None:
    member, campaign = OBJECTS["CampaignMember"].fields, OBJECTS["Campaign"].fields
    ours = [f for fields in (member, campaign) for f in fields.values() if f.custom]
    assert len(ours) == 7 + 11
    assert all(f.createable and f.updateable for f in ours)
    assert OBJECTS["Closed_Loop_Campaign_Reason__c"].fields["Closed_Loop_Key__c"].external_id
