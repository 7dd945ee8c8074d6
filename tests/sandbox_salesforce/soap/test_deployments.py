"""Deployments: what is in the org afterwards, and what is refused, in the words of a real deployment."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.sandbox_salesforce.packages import (
    Soap,
    archive,
    checked,
    deployer,
    field,
    file,
    flow,
    manifest,
    message,
    objects,
)

from closedloop.sandbox.salesforce import Org, SalesforceSandbox
from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.changes import Changer
from closedloop.sandbox.salesforce.metadata.deployment import deploy as deploy_into
from closedloop.sandbox.salesforce.metadata.options import Options

FOO = {"package.xml": manifest(CustomField="Lead.Foo__c"), **objects("Lead", field("Foo__c"))}


def test_a_field_is_there_once_it_is_deployed(deploy: Any, http: Any) -> None:
    found = deploy(FOO)
    assert (found["status"], found["success"], found["counts"]) == ("Succeeded", "true", ("1", "1", "0"))
    component = found["messages"]["Lead.Foo__c"]
    texts = {
        child.name: child.text for child in component.children if child.name not in ("id", "createdDate")
    }
    assert texts == {
        "changed": "true",
        "componentType": "CustomField",
        "created": "true",
        "deleted": "false",
        "fileName": "objects/Lead.object",
        "fullName": "Lead.Foo__c",
        "success": "true",
    }
    assert (component.value("id") or "").startswith("00N")
    made = http("POST", "/sobjects/Lead", json={"LastName": "A", "Company": "B", "Foo__c": "x"})
    assert made.status_code == 201
    assert http.records("SELECT Foo__c FROM Lead WHERE Foo__c = 'x'") == [{"Foo__c": "x"}]
    described = http("GET", "/sobjects/Lead/describe").json()["fields"]
    assert [f["type"] for f in described if f["name"] == "Foo__c"] == ["string"]


def test_what_is_deployed_again_is_not_changed(deploy: Any) -> None:
    first, second = deploy(FOO)["messages"]["Lead.Foo__c"], deploy(FOO)["messages"]["Lead.Foo__c"]
    assert (second.value("created"), second.value("changed")) == ("false", "false")
    assert first.value("id") == second.value("id")


def test_an_object_comes_with_its_fields(deploy: Any, http: Any) -> None:
    inner = (
        "<deploymentStatus>Deployed</deploymentStatus>"
        + field("Kind__c", type="Picklist", length="").replace(
            "</fields>",
            "<valueSet><restricted>true</restricted><valueSetDefinition><sorted>false</sorted>"
            "<value><fullName>a</fullName><default>true</default><label>A</label></value>"
            "<value><fullName>b</fullName><default>false</default><label>B</label></value>"
            "</valueSetDefinition></valueSet></fields>",
        )
        + "<label>Thing</label><nameField><label>Thing</label><type>Text</type></nameField>"
        "<pluralLabel>Things</pluralLabel><sharingModel>ReadWrite</sharingModel>"
    )
    files = {
        "package.xml": manifest(CustomObject="Thing__c"),
        "objects/Thing__c.object": file("CustomObject", inner),
    }
    assert deploy(files)["status"] == "Succeeded"
    made = http("POST", "/sobjects/Thing__c", json={"Name": "one"}).json()
    assert http.records("SELECT Name, Kind__c FROM Thing__c") == [{"Name": "one", "Kind__c": "a"}]
    wrong = http("PATCH", f"/sobjects/Thing__c/{made['id']}", json={"Kind__c": "z"})
    assert wrong.json()[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    gone = {"package.xml": manifest(), "destructiveChanges.xml": manifest(CustomObject="Thing__c")}
    assert deploy(gone)["messages"]["Thing__c"].value("deleted") == "true"
    assert http("GET", "/sobjects/Thing__c/describe").status_code == 404


def test_a_permission_set_grants_what_nobody_saw_before(clock: Any) -> None:
    grants = "<fieldPermissions><editable>true</editable><field>Lead.Foo__c</field></fieldPermissions>"
    files = {
        "package.xml": manifest(CustomField="Lead.Foo__c", PermissionSet="Seers"),
        **objects("Lead", field("Foo__c")),
        "permissionsets/Seers.permissionset": file("PermissionSet", f"{grants}<label>Seers</label>"),
    }
    with SalesforceSandbox(clock=clock, field_security=True) as sandbox:
        _deploy_into(sandbox, files)
        assert sandbox.org.objects["Lead"].field("Foo__c") is None
        (row,) = (one for one in sandbox.org.rows("PermissionSet") if one["Name"] == "Seers")
        assignment = {"PermissionSetId": row["Id"], "AssigneeId": sandbox.org.integration_user_id}
        sandbox.org.insert("PermissionSetAssignment", assignment)
        seen = sandbox.org.objects["Lead"].field("Foo__c")
        assert seen is not None
        assert seen.updateable


def _deploy_into(sandbox: SalesforceSandbox, files: dict[str, str]) -> None:
    texts = {path: text.encode() for path, text in files.items()}
    messages = deploy_into(Changer(Catalogue(sandbox.org)), texts, Options(single=True))
    assert all(one.success for one in messages), messages


BAD_FIELDS = [
    ("no_length", field("Foo__c", length=""), "Must specify 'length' for a CustomField of type Text"),
    ("no_label", field("Foo__c", label=""), "Must specify a non-empty label for the CustomField"),
    (
        "text_area_with_length",
        field("Foo__c", type="TextArea"),
        "Can not specify 'length' for a CustomField of type TextArea",
    ),
    (
        "checkbox_without_default",
        field("Foo__c", type="Checkbox", length=""),
        "Must specify 'defaultValue' for a CustomField of type Checkbox",
    ),
    (
        "lookup_to_nothing",
        field("Foo__c", type="Lookup", length="", referenceTo="Nothing__c"),
        "referenceTo value of 'Nothing__c' does not resolve to a valid sObject type",
    ),
    (
        "relationship_name_taken",
        field(
            "Foo__c",
            type="Lookup",
            length="",
            referenceTo="Campaign",
            relationshipName="Closed_Loop_Campaign_Reasons",
        ),
        "There is already a Child Relationship named Closed_Loop_Campaign_Reasons on Campaign.",
    ),
    (
        "short_long_text",
        field("Foo__c", type="LongTextArea", length="200", visibleLines="3"),
        "Invalid length, minimum is: 256",
    ),
    (
        "required_long_text",
        field("Foo__c", type="LongTextArea", length="300", required="true", visibleLines="3"),
        "Can not specify 'required' for a CustomField of type LongTextArea",
    ),
]


@pytest.mark.parametrize(("files", "problem"), [b[1:] for b in BAD_FIELDS], ids=[b[0] for b in BAD_FIELDS])
def test_a_wrong_field_is_refused(untouched: Soap, files: str, problem: str) -> None:
    found = deployer(untouched)(
        {"package.xml": manifest(CustomField="Lead.Foo__c"), **objects("Lead", files)}
    )
    assert found["status"] == "Failed"
    assert found["problems"] == {"Lead.Foo__c": problem}
    failure = found["messages"]["Lead.Foo__c"]
    assert (failure.value("problemType"), failure.value("lineNumber")) == ("Error", "2")


BAD_FILES = [
    (
        "a_namespace",
        {
            "package.xml": manifest(CustomField="Lead.Two__Parts__c"),
            **objects("Lead", field("Two__Parts__c")),
        },
        {
            "Lead.Two__Parts__c": "Cannot create a new component with the namespace: Two.  Only components "
            "in the same namespace as the organization can be created through the API"
        },
    ),
    (
        "no_custom_name",
        {"package.xml": manifest(CustomField="Lead.Foo"), **objects("Lead", field("Foo"))},
        {"Lead.Foo": "Could not resolve standard field's name."},
    ),
    (
        "not_in_the_zip",
        {"package.xml": manifest(CustomField="Lead.Foo__c")},
        {
            "Lead.Foo__c": "An object 'Lead.Foo__c' of type CustomField was named in package.xml, but was "
            "not found in zipped directory"
        },
    ),
    (
        "not_in_the_manifest",
        {"package.xml": manifest(), **objects("Lead", field("Foo__c"))},
        {"Lead.Foo__c": "Not in package.xml"},
    ),
    (
        "unknown_type",
        {"package.xml": manifest(CustomFeld="Lead.Foo__c")},
        {"package.xml": "Unknown type name 'CustomFeld' specified in package.xml"},
    ),
    ("no_manifest", objects("Lead", field("Foo__c")) | {"x": ""}, {"package.xml": "No package.xml found"}),
    (
        "unknown_element",
        {
            "package.xml": manifest(CustomField="Lead.Foo__c"),
            "objects/Lead.object": file(
                "CustomObject", "<fields><fullName>Foo__c</fullName><colour/></fields>"
            ),
        },
        {
            "Lead": "Error parsing file: Element {http://soap.sforce.com/2006/04/metadata}colour invalid at "
            "this location in type CustomField"
        },
    ),
    (
        "scattered_elements",
        {
            "package.xml": manifest(Flow="Tell"),
            "flows/Tell.flow": file(
                "Flow",
                "<actionCalls><name>A</name></actionCalls><label>x</label><actionCalls><name>B</name></actionCalls>",
            ),
        },
        {"Tell": "Error parsing file: Element actionCalls is duplicated at this location in type Flow"},
    ),
    (
        "unknown_word",
        {
            "package.xml": manifest(CustomField="Lead.Foo__c"),
            **objects("Lead", field("Foo__c", type="Formula")),
        },
        {"Lead": "Error parsing file: 'Formula' is not a valid value for the enum 'FieldType'"},
    ),
    (
        "no_label",
        {
            "package.xml": manifest(PermissionSet="P"),
            "permissionsets/P.permissionset": file("PermissionSet", ""),
        },
        {"P": "Required field is missing: label"},
    ),
    (
        "a_permission_for_no_field",
        {
            "package.xml": manifest(PermissionSet="P"),
            "permissionsets/P.permissionset": file(
                "PermissionSet",
                "<fieldPermissions><editable>true</editable><field>Lead.No__c</field></fieldPermissions><label>P</label>",
            ),
        },
        {"P": "In field: field - no CustomField named Lead.No__c found"},
    ),
    (
        "a_permission_for_a_required_field",
        {
            "package.xml": manifest(PermissionSet="P"),
            "permissionsets/P.permissionset": file(
                "PermissionSet",
                "<fieldPermissions><editable>true</editable><field>Lead.Company</field></fieldPermissions>"
                "<label>P</label>",
            ),
        },
        {"P": "You cannot deploy to a required field: Lead.Company"},
    ),
    (
        "an_object_without_label",
        {"package.xml": manifest(CustomObject="T__c"), "objects/T__c.object": file("CustomObject", "")},
        {"T__c": "Must specify a non-empty label for the CustomObject"},
    ),
    (
        "a_flow_without_its_message",
        {"package.xml": manifest(Flow="Tell"), "flows/Tell.flow": flow("Lead", "Lead.Hook")},
        {"Tell": "In field: actionName - no WorkflowOutboundMessage named Lead.Hook found"},
    ),
    (
        "a_message_with_an_unknown_field",
        {
            "package.xml": manifest(WorkflowOutboundMessage="Lead.Hook"),
            "workflows/Lead.workflow": file("Workflow", message("Hook", "http://127.0.0.1:1/x", "Nope__c")),
        },
        {"Lead.Hook": "In field: fields - no CustomField named Lead.Nope__c found"},
    ),
    (
        "a_message_of_an_unknown_user",
        {
            "package.xml": manifest(WorkflowOutboundMessage="Lead.Hook"),
            "workflows/Lead.workflow": file(
                "Workflow", message("Hook", "http://127.0.0.1:1/x", user="x@y.z")
            ),
        },
        {"Lead.Hook": "In field: integrationUser - no User named x@y.z found"},
    ),
    (
        "a_manifest_that_is_no_xml",
        {"package.xml": "<Package"},
        {"package.xml": "Error parsing file: unclosed token"},
    ),
]


@pytest.mark.parametrize(("files", "problems"), [b[1:] for b in BAD_FILES], ids=[b[0] for b in BAD_FILES])
def test_a_wrong_package_is_refused(untouched: Soap, files: dict[str, str], problems: dict[str, str]) -> None:
    found = deployer(untouched)(files)
    assert (found["status"], found["success"]) == ("Failed", "false")
    assert {name: found["problems"].get(name) for name in problems} == problems


MIXED = {
    "package.xml": manifest(CustomField="Lead.Good__c Lead.Bad__c"),
    **objects("Lead", field("Good__c"), field("Bad__c", length="")),
}


@pytest.mark.parametrize(
    ("rollback", "status", "there"), [("true", "Failed", False), ("false", "SucceededPartial", True)]
)
def test_one_failure_undoes_everything_or_only_itself(
    deploy: Any, org: Org, rollback: str, status: str, there: bool
) -> None:
    found = deploy(MIXED, rollbackOnError=rollback)
    assert (found["status"], found["counts"]) == (status, ("2", "1", "1"))
    assert (org.objects["Lead"].field("Good__c") is not None) is there


def test_checking_only_changes_nothing_and_can_be_deployed_afterwards(
    deploy: Any, soap: Any, org: Org
) -> None:
    found = deploy(FOO, checkOnly="true", testLevel="RunLocalTests")
    assert found["status"] == "Succeeded"
    assert org.objects["Lead"].field("Foo__c") is None
    again = soap(
        f"<deployRecentValidation><validationId>{found['id']}</validationId></deployRecentValidation>"
    )
    assert checked(soap, again.value("result"))["status"] == "Succeeded"
    assert org.objects["Lead"].field("Foo__c") is not None


def test_removing_what_is_not_there_is_a_warning(deploy: Any) -> None:
    files = {"package.xml": manifest(), "destructiveChangesPost.xml": manifest(CustomField="Lead.Gone__c")}
    problem = "No CustomField named: Lead.Gone__c found"
    found = deploy(files)
    assert found["status"] == "Failed"
    assert found["problems"] == {"destructiveChangesPost.xml": problem}
    tolerant = deploy(files, ignoreWarnings="true")
    assert tolerant["status"] == "Succeeded"


def test_a_field_that_a_flow_reads_stays(deploy: Any, org: Org) -> None:
    watched = "<filterFormula>ISCHANGED({!$Record.Foo__c})</filterFormula>"
    files = {
        "package.xml": manifest(CustomField="Lead.Foo__c", WorkflowOutboundMessage="Lead.Hook", Flow="Tell"),
        **objects("Lead", field("Foo__c")),
        "workflows/Lead.workflow": file("Workflow", message("Hook", "http://127.0.0.1:1/x")),
        "flows/Tell.flow": flow("Lead", "Lead.Hook", start=watched),
    }
    assert deploy(files)["status"] == "Succeeded"
    gone = {"package.xml": manifest(), "destructiveChanges.xml": manifest(CustomField="Lead.Foo__c")}
    problem = deploy(gone)["problems"]["Lead.Foo__c"]
    assert problem.startswith(
        "This custom field is referenced elsewhere in salesforce.com. : Flow Version - 301"
    )
    assert org.objects["Lead"].field("Foo__c") is not None


def test_folders_are_packages_where_the_package_is_not_single(deploy: Any, org: Org) -> None:
    files = {f"one/{path}": content for path, content in FOO.items()}
    found = deploy(files, singlePackage="false")
    assert found["status"] == "Succeeded"
    assert found["messages"]["Lead.Foo__c"].value("fileName") == "one/objects/Lead.object"
    wrong = deploy(FOO, singlePackage="false")
    assert wrong["messages"]["package.xml"].value("fileName") == "objects/package.xml"
    assert wrong["problems"] == {"package.xml": "No package.xml found"}


def test_a_deployment_that_waits_can_be_cancelled(
    salesforce: SalesforceSandbox, soap: Any, deploy: Any
) -> None:
    salesforce.deploying.polls = 2
    found = deploy(FOO)
    assert found["status"] == "InProgress"
    cancelled = soap(f"<cancelDeploy><String>{found['id']}</String></cancelDeploy>")
    assert cancelled.value("result", "done") == "false"
    assert checked(soap, found["id"])["status"] == "Canceled"
    fault = soap(f"<cancelDeploy><String>{found['id']}</String></cancelDeploy>")
    assert fault.value("faultcode") == "sf:INVALID_ID_FIELD"
    assert salesforce.org.objects["Lead"].field("Foo__c") is None


def test_a_deployment_takes_its_time_where_it_is_told_to(
    salesforce: SalesforceSandbox, soap: Any, deploy: Any
) -> None:
    salesforce.deploying.polls = 1
    found = deploy(FOO)
    assert found["status"] == "InProgress"
    assert checked(soap, found["id"])["status"] == "Succeeded"


def test_kinds_without_effect_are_kept_and_come_back(deploy: Any, soap: Any) -> None:
    files = {
        "package.xml": manifest(ApexClass="A", CustomTab="T"),
        "classes/A.cls": "public class A {}",
        "classes/A.cls-meta.xml": file("ApexClass", "<apiVersion>62.0</apiVersion><status>Active</status>"),
        "tabs/T.tab": file("CustomTab", "<motif>Custom1: Heart</motif><url>http://example.com</url>"),
    }
    assert deploy(files)["status"] == "Succeeded"
    listed = soap("<listMetadata><queries><type>ApexClass</type></queries></listMetadata>")
    assert [one.value("fullName") for one in listed.all("result")] == ["A"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"nonsense", "no zip archive"),
        (archive({"../x": ""}), "outside itself"),
        (archive({"a": b"\0" * 2**24}), "unzipped"),
    ],
    ids=["no_zip", "outside", "bomb"],
)
def test_an_archive_that_cannot_be_read_fails_the_deployment(soap: Any, data: bytes, problem: str) -> None:
    taken = soap(f"<deploy><ZipFile>{base64.b64encode(data).decode()}</ZipFile></deploy>")
    process = f"<asyncProcessId>{taken.value('result', 'id')}</asyncProcessId>"
    found = soap(f"<checkDeployStatus>{process}</checkDeployStatus>").find("result")
    assert found.value("status") == "Failed"
    assert problem in found.value("errorMessage")
