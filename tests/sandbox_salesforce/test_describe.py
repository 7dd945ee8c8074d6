"""The schema agrees with recorded describe answers, attribute by attribute."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from closedloop.sandbox.salesforce.derive import DERIVED
from closedloop.sandbox.salesforce.objects import Objects

OBJECTS = Objects()
RECORDED = ("Account", "Contact", "Lead", "Opportunity", "OpportunityContactRole")
# Words for people, or switches that differ between orgs and editions: nothing a program should rely on.
_FREE = {"label", "extraTypeInfo", "permissionable", "searchPrefilterable"}
# The recorded orgs have more industries, person accounts, and two fields that cannot be filtered.
_DIFFERENT = {
    ("Account", "Name", "compoundFieldName"),
    ("Account", "Industry", "picklistValues"),
    ("Lead", "Industry", "picklistValues"),
    ("Opportunity", "Fiscal", "byteLength"),
    ("Opportunity", "ForecastCategory", "picklistValues"),
    ("Opportunity", "ForecastCategoryName", "picklistValues"),
    ("Opportunity", "HasOpenActivity", "filterable"),
    ("Opportunity", "HasOpenActivity", "sortable"),
    ("Opportunity", "HasOverdueTask", "filterable"),
    ("Opportunity", "HasOverdueTask", "sortable"),
}


@pytest.mark.parametrize("name", RECORDED)
def test_standard_fields_are_described_as_recorded(name: str, http: Any, corpus: Path) -> None:
    recorded = json.loads((corpus / f"salesforce/describe/{name}.json").read_text())
    ours = http("GET", f"/sobjects/{name}/describe").json()
    theirs = {field["name"]: field for field in recorded["fields"]}
    standard = [field for field in ours["fields"] if not field["custom"]]
    assert len(standard) >= 11
    differences = {
        (name, field["name"], key): (value, field[key])
        for field in standard
        for key, value in theirs[field["name"]].items()
        if key not in _FREE and field[key] != value
    }
    assert set(differences) <= _DIFFERENT, differences


@pytest.mark.parametrize("name", RECORDED)
def test_an_object_is_described_with_the_recorded_keys(name: str, http: Any, corpus: Path) -> None:
    recorded = json.loads((corpus / f"salesforce/describe/{name}.json").read_text())
    ours = http("GET", f"/sobjects/{name}/describe").json()
    # The two recordings of version 48.0 are older than three of the keys.
    newer = {"associateEntityType", "associateParentEntity", "sobjectDescribeOption"}
    assert set(recorded) <= set(ours) <= set(recorded) | newer
    assert ours["keyPrefix"] == recorded["keyPrefix"]


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
    assert [s["name"] for s in body["sobjects"]] == [kind.name for kind in OBJECTS]
    assert set(body) == {"encoding", "maxBatchSize", "sobjects"}
    assert set(body["sobjects"][0]["urls"]) == {"sobject", "describe", "rowTemplate"}


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
