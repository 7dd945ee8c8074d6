"""The package that an admin deploys, held against the schema of the Metadata API."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from closedloop.crm.salesforce.describes import Described, Field
from closedloop.crm.salesforce.install import package, plan
from closedloop.errors import SettingsError
from closedloop.mapping import CrmMapping, load_mappings
from closedloop.schema.vocabulary import CrmName

XSD = "{http://www.w3.org/2001/XMLSchema}"
METADATA = "http://soap.sforce.com/2006/04/metadata"
ENDPOINT = "https://hooks.example.com/webhooks/salesforce/main/secret?a=1&b=2"


class Org:
    """As much of a connected org as installing looks at."""

    def __init__(self, mapping: CrmMapping, described: Mapping[str, Mapping[str, Field]]) -> None:
        self.mapping = mapping
        self.describes = self
        self._described = described

    def get(self, sobject: str) -> Described | None:
        fields = self._described.get(sobject)
        return None if fields is None else Described(name=sobject, fields=fields)


def fields(**types: str) -> dict[str, Field]:
    return {name.lower(): Field(name=name, type=kind, updateable=True) for name, kind in types.items()}


@pytest.fixture
def org(mapping: CrmMapping) -> Any:
    return Org(
        mapping,
        {
            "Lead": fields(
                Status="picklist",
                Disqualified_Reason__c="picklist",
                Disqualified_Reason_Details__c="textarea",
            ),
            "Opportunity": fields(StageName="picklist", Loss_Reason__c="picklist"),
            "Campaign": fields(Closed_Loop_Won__c="double", Closed_Loop_Lost__c="string"),
            "CampaignMember": fields(),
        },
    )


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    """The types of the Metadata API, from the WSDL that comes with simple-salesforce, as root elements."""
    wsdl = etree.fromstring(resources.files("simple_salesforce").joinpath("metadata.wsdl").read_bytes())
    schemas = wsdl.findall(f".//{XSD}schema")
    (found,) = [one for one in schemas if one.get("targetNamespace") == METADATA]
    for name in ("CustomObject", "Flow", "Package", "PermissionSet", "Workflow"):
        etree.SubElement(found, f"{XSD}element", name=name, type=f"tns:{name}")
    return etree.XMLSchema(etree.fromstring(etree.tostring(found)))  # takes the WSDL's prefixes along


def test_the_plan_names_everything_that_is_written_and_what_is_there(org: Any) -> None:
    changes = {(change.object, change.name): change for change in plan(org)}
    assert len(changes) == 7 + 11 + 1 + 1 + 7
    assert changes["Campaign", "Closed_Loop_Won__c"].exists
    assert not changes["CampaignMember", "Closed_Loop_Outcome__c"].exists
    assert changes["Closed_Loop_Campaign_Reason__c", None].type == "CustomObject"
    assert changes["Closed_Loop_Campaign_Reason__c", "Closed_Loop_Key__c"].external_id
    assert not any(change.problem for change in changes.values() if not change.exists)


def test_the_plan_tells_a_field_that_cannot_be_used(org: Any) -> None:
    problems = {change.name: change.problem for change in plan(org) if change.problem}
    assert problems == {
        "Closed_Loop_Lost__c": "it is a string, expected currency or double or int or percent"
    }


def test_every_file_of_the_package_is_valid_metadata(
    org: Any, schema: etree.XMLSchema, tmp_path: Path
) -> None:
    written = package(tmp_path, org, endpoint=ENDPOINT, integration_user="robot@example.com")
    assert sorted(path.relative_to(tmp_path).as_posix() for path in written) == [
        "deploy/flows/Closed_Loop_Lead_Created.flow",
        "deploy/flows/Closed_Loop_Lead_Updated.flow",
        "deploy/flows/Closed_Loop_Opportunity_Created.flow",
        "deploy/flows/Closed_Loop_Opportunity_Updated.flow",
        "deploy/objects/Campaign.object",
        "deploy/objects/CampaignMember.object",
        "deploy/objects/Closed_Loop_Campaign_Reason__c.object",
        "deploy/package.xml",
        "deploy/permissionsets/Closed_Loop_Integration.permissionset",
        "deploy/permissionsets/Closed_Loop_Viewer.permissionset",
        "deploy/workflows/Lead.workflow",
        "deploy/workflows/Opportunity.workflow",
        "remove/destructiveChanges.xml",
        "remove/package.xml",
    ]
    for path in written:
        document = etree.parse(path)
        schema.assertValid(document)


def test_the_schema_does_refuse_what_is_out_of_order(schema: etree.XMLSchema) -> None:
    wrong = f'<CustomObject xmlns="{METADATA}"><label>x</label><description>y</description></CustomObject>'
    assert not schema.validate(etree.fromstring(wrong))


def texts(path: Path, tag: str) -> list[str | None]:
    return [element.text for element in etree.parse(path).iter(f"{{{METADATA}}}{tag}")]


def test_the_manifest_names_what_the_files_hold(org: Any, tmp_path: Path) -> None:
    package(tmp_path, org, endpoint=ENDPOINT, integration_user="robot@example.com")
    members = set(texts(tmp_path / "deploy/package.xml", "members"))
    for change in plan(org):
        assert (f"{change.object}.{change.name}" if change.name else change.object) in members
    assert {"Lead.Closed_Loop_Lead", "Closed_Loop_Opportunity_Updated", "Closed_Loop_Viewer"} <= members
    assert texts(tmp_path / "remove/package.xml", "members") == []
    removed = set(texts(tmp_path / "remove/destructiveChanges.xml", "members"))
    assert "Campaign.Closed_Loop_Won__c" in removed
    assert "Closed_Loop_Campaign_Reason__c" in removed


def test_the_flow_watches_the_status_and_the_reason_but_no_long_text(org: Any, tmp_path: Path) -> None:
    package(tmp_path, org, endpoint=ENDPOINT, integration_user="robot@example.com")
    updated = tmp_path / "deploy/flows/Closed_Loop_Lead_Updated.flow"
    assert texts(updated, "filterFormula") == [
        "OR(ISCHANGED({!$Record.Status}), ISCHANGED({!$Record.Disqualified_Reason__c}))"
    ]
    assert texts(updated, "actionName") == ["Lead.Closed_Loop_Lead"]
    assert texts(tmp_path / "deploy/flows/Closed_Loop_Lead_Created.flow", "filterFormula") == []


def test_the_outbound_message_goes_to_the_endpoint_and_carries_no_session(org: Any, tmp_path: Path) -> None:
    package(tmp_path, org, endpoint=ENDPOINT, integration_user="robot@example.com")
    workflow = tmp_path / "deploy/workflows/Lead.workflow"
    assert texts(workflow, "endpointUrl") == [ENDPOINT]
    assert texts(workflow, "includeSessionId") == ["false"]
    assert texts(workflow, "integrationUser") == ["robot@example.com"]


def test_without_an_endpoint_there_are_no_flows(org: Any, tmp_path: Path) -> None:
    written = package(tmp_path, org)
    assert not [path for path in written if path.suffix in {".flow", ".workflow"}]
    assert "Flow" not in texts(tmp_path / "deploy/package.xml", "name")
    with pytest.raises(SettingsError):
        package(tmp_path, org, endpoint=ENDPOINT)


def test_the_integration_user_may_write_our_fields_and_nothing_else(org: Any, tmp_path: Path) -> None:
    package(tmp_path, org)
    integration = tmp_path / "deploy/permissionsets/Closed_Loop_Integration.permissionset"
    named = {f"{change.object}.{change.name}" for change in plan(org) if change.name}
    assert set(texts(integration, "field")) == named
    editable = {
        access.findtext(f"{{{METADATA}}}object")
        for access in etree.parse(integration).iter(f"{{{METADATA}}}objectPermissions")
        if access.findtext(f"{{{METADATA}}}allowEdit") == "true"
    }
    assert editable == {"Campaign", "Closed_Loop_Campaign_Reason__c"}
    viewer = tmp_path / "deploy/permissionsets/Closed_Loop_Viewer.permissionset"
    assert set(texts(viewer, "editable")) == {"false"}


def test_a_field_that_the_mapping_names_otherwise_is_planned_under_that_name(
    org: Any, tmp_path: Path
) -> None:
    shipped = resources.files("closedloop_mappings").joinpath("salesforce.yaml").read_text()
    (tmp_path / "salesforce.yaml").write_text(shipped.replace("Closed_Loop_Won__c", "Sales_Won__c"))
    org.mapping = load_mappings(tmp_path).crm(CrmName.SALESFORCE)
    names = {change.name for change in plan(org)}
    assert "Sales_Won__c" in names
    assert "Closed_Loop_Won__c" not in names


def test_labels_are_no_longer_than_a_label_may_be(org: Any) -> None:
    assert all(0 < len(change.label) <= 40 for change in plan(org))
