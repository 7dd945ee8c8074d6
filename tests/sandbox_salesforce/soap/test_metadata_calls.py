"""The Metadata API's other calls, held against recorded bodies, and what vendors' clients make of them."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_salesforce.packages import archive, field, manifest, objects

from closedloop.sandbox.salesforce import Org, SalesforceSandbox
from closedloop.sandbox.salesforce.soap.markup import Element, read

Recorded = Callable[[str], Element]


@pytest.fixture
def recorded(corpus: Path) -> Recorded:
    return lambda name: read((corpus / "salesforce/amp-labs" / f"metadata_{name}.xml").read_bytes())


def body(envelope: Element) -> Element:
    found = envelope.find("Body")
    assert found is not None
    return found.children[0]


def outline(element: Element) -> Any:
    """Names and types, without texts."""
    return [element.name, element.type, [outline(child) for child in element.children]]


@pytest.fixture
def thing(soap: Any) -> str:
    """The object that the recordings are about."""
    made = soap(
        '<createMetadata><metadata xsi:type="CustomObject"><fullName>TestObject15__c</fullName>'
        "<label>T</label><pluralLabel>T</pluralLabel><nameField><label>N</label><type>Text</type></nameField>"
        "<deploymentStatus>Deployed</deploymentStatus><sharingModel>ReadWrite</sharingModel></metadata>"
        "</createMetadata>"
    )
    assert made.value("result", "success") == "true"
    return "TestObject15__c"


def test_the_recorded_upsert_answers_as_recorded(
    soap: Any, thing: str, recorded: Recorded, corpus: Path, http: Any
) -> None:
    path = corpus / "salesforce/amp-labs/metadata_write_object15_mix-of-many-fields-payload.xml"
    text = path.read_text().replace("TEST_ACCESS_TOKEN", soap.token)
    answers = [read(soap.post(text, api="m", version="60.0").content) for _ in range(2)]
    expected = body(recorded("write_object15_mix-of-many-fields-response"))
    for answer, created in zip(answers, ("true", "false"), strict=True):
        assert outline(body(answer)) == outline(expected)
        results = body(answer).all("result")
        assert [one.value("fullName") for one in results] == [
            one.value("fullName") for one in expected.all("result")
        ]
        assert {one.value("created") for one in results} == {created}
    types = {f["name"]: f["type"] for f in http("GET", f"/sobjects/{thing}/describe").json()["fields"]}
    custom = {name: kind for name, kind in types.items() if name.endswith("__c")}
    assert custom == {
        "Birthday__c": "string",
        "Hobby__c": "textarea",
        "Age__c": "double",
        "Interests__c": "multipicklist",
        "IsReady__c": "boolean",
        "Connection__c": "reference",
    }


def test_the_recorded_read_answers_as_recorded(
    soap: Any, thing: str, recorded: Recorded, corpus: Path
) -> None:
    soap(
        f'<createMetadata><metadata xsi:type="CustomField"><fullName>{thing}.Hobby__c</fullName>'
        "<label>H</label><length>9</length><type>Text</type></metadata></createMetadata>"
    )
    soap(
        '<createMetadata><metadata xsi:type="PermissionSet">'
        "<fullName>IntegrationCustomFieldVisibility</fullName>"
        f"<fieldPermissions><editable>true</editable><field>{thing}.Hobby__c</field><readable>true</readable>"
        "</fieldPermissions><label>Visible</label></metadata></createMetadata>"
    )
    path = corpus / "salesforce/amp-labs/metadata_write_read-field-permissions-payload.xml"
    text = path.read_text().replace("TEST_ACCESS_TOKEN", soap.token)
    answer = read(soap.post(text, api="m", version="60.0").content)
    assert outline(body(answer)) == outline(body(recorded("write_read-field-permissions-response")))


def test_deleting_what_is_not_there_answers_as_recorded(soap: Any, thing: str, recorded: Recorded) -> None:
    answer = soap(
        f"<deleteMetadata><type>CustomField</type><fullNames>{thing}.NonExistent__c</fullNames></deleteMetadata>"
    )
    assert answer.same(body(recorded("delete_delete-field-not-found")))


def test_a_recorded_permission_set_is_queried_and_assigned_once(soap: Any, http: Any, corpus: Path) -> None:
    soap(
        '<createMetadata><metadata xsi:type="PermissionSet"><fullName>P</fullName><label>P</label></metadata>'
        "</createMetadata>"
    )
    (row,) = http.records("SELECT Id, Name FROM PermissionSet WHERE Name = 'P'")
    assert row["Id"].startswith("0PS")
    assignment = {
        "PermissionSetId": row["Id"],
        "AssigneeId": http("GET", "/services/oauth2/userinfo").status_code,
    }
    assignment["AssigneeId"] = http.records("SELECT Id FROM User")[0]["Id"]
    assert http("POST", "/sobjects/PermissionSetAssignment", json=assignment).status_code == 201
    again = http("POST", "/sobjects/PermissionSetAssignment", json=assignment)
    assert again.json()[0]["errorCode"] == "DUPLICATE_VALUE"


def test_a_call_that_is_all_or_none_undoes_what_was_good(soap: Any, org: Org) -> None:
    fields = "".join(
        f'<metadata xsi:type="CustomField"><fullName>Lead.{name}__c</fullName><label>x</label>'
        f"<length>{length}</length><type>LongTextArea</type><visibleLines>3</visibleLines></metadata>"
        for name, length in (("Short", 10), ("Good", 300))
    )
    headers = "<AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader>"
    answer = soap(f"<upsertMetadata>{fields}</upsertMetadata>", headers=headers)
    found = {one.value("fullName"): one.value("errors", "statusCode") for one in answer.all("result")}
    assert found == {
        "Lead.Short__c": "FIELD_INTEGRITY_EXCEPTION",
        "Lead.Good__c": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    }
    assert org.objects["Lead"].field("Good__c") is None
    soap(f"<upsertMetadata>{fields}</upsertMetadata>")
    assert org.objects["Lead"].field("Good__c") is not None


def test_saving_refuses_what_is_there_or_missing(soap: Any) -> None:
    given = (
        '<metadata xsi:type="CustomField"><fullName>Lead.New__c</fullName><label>x</label><length>9</length>'
        "<type>Text</type></metadata>"
    )
    codes = [
        soap(f"<{name}Metadata>{given}</{name}Metadata>").value("result", "errors", "statusCode")
        for name in ("update", "create", "create", "update")
    ]
    assert codes == ["INVALID_CROSS_REFERENCE_KEY", None, "DUPLICATE_DEVELOPER_NAME", None]


FAULTS = [
    ("bad_session", "<describeMetadata/>", {"token": "no"}, "sf:INVALID_SESSION_ID"),
    ("no_session", "<describeMetadata/>", {"token": ""}, "sf:INVALID_SESSION_ID"),
    ("old_version", "<describeMetadata/>", {"version": "12.0"}, "sf:UNSUPPORTED_API_VERSION"),
    ("no_version", "<describeMetadata/>", {"version": "abc"}, "sf:UNSUPPORTED_API_VERSION"),
    ("no_operation", "<fly/>", {}, "soapenv:Client"),
    ("unknown_kind", "<readMetadata><type>Nonsense</type></readMetadata>", {}, "sf:INVALID_TYPE"),
    ("no_kind", "<createMetadata><metadata/></createMetadata>", {}, "sf:INVALID_TYPE"),
    (
        "unknown_element",
        '<createMetadata><metadata xsi:type="CustomField"><nonsense/></metadata></createMetadata>',
        {},
        "soapenv:Client",
    ),
    (
        "too_many",
        "<readMetadata><type>Flow</type>" + "<fullNames>x</fullNames>" * 11 + "</readMetadata>",
        {},
        "sf:LIMIT_EXCEEDED",
    ),
    (
        "unknown_deployment",
        "<checkDeployStatus><asyncProcessId>0Af000000000001AAA</asyncProcessId></checkDeployStatus>",
        {},
        "sf:INVALID_CROSS_REFERENCE_KEY",
    ),
    ("no_base64", "<deploy><ZipFile>!</ZipFile></deploy>", {}, "soapenv:Client"),
    (
        "unknown_test_level",
        "<deploy><ZipFile/><DeployOptions><testLevel>Some</testLevel></DeployOptions></deploy>",
        {},
        "soapenv:Client",
    ),
]


@pytest.mark.parametrize(("operation", "how", "code"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_call_that_cannot_be_answered_is_a_fault(
    untouched: Any, operation: str, how: dict[str, str], code: str
) -> None:
    fault = untouched(operation, **how)
    assert fault.value("faultcode") == code
    assert fault.find("detail") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "<a/>",
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'/>",
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body/></e:Envelope>",
        "<a>" * 100_000,
        "\x00",
        '<?xml version="1.0" encoding="nonsense"?><a/>',
    ],
    ids=["empty", "text", "no_envelope", "entities", "no_body", "empty_body", "deep", "nul", "encoding"],
)
def test_what_is_no_envelope_is_a_fault(untouched: Any, text: str) -> None:
    for api in ("m", "u"):
        answer = untouched.post(text, api=api, version="62.0")
        assert answer.status_code == 500
        assert "soapenv:Client" in answer.text


def test_a_call_without_its_action_is_a_fault(soap: Any) -> None:
    answer = soap.post(soap.envelope("<describeMetadata/>", api="m"), api="m", version="62.0", action=None)
    assert (answer.status_code, "SOAPAction HTTP header missing" in answer.text) == (500, True)


def test_components_are_listed(soap: Any, org: Org, deploy: Any) -> None:
    deploy({"package.xml": manifest(CustomField="Lead.Foo__c"), **objects("Lead", field("Foo__c"))})
    listed = soap("<listMetadata><queries><type>CustomField</type></queries></listMetadata>").all("result")
    found = {one.value("fullName"): one.value("fileName") for one in listed}
    assert found["Lead.Foo__c"] == "objects/Lead.object"
    kinds = soap("<describeMetadata><asOfVersion>62.0</asOfVersion></describeMetadata>").find("result")
    assert "CustomObject" in {one.value("xmlName") for one in kinds.all("metadataObjects")}
    wrong = soap("<listMetadata><queries><type>Nonsense</type></queries></listMetadata>")
    assert wrong.value("faultcode") == "sf:INVALID_TYPE"


def test_what_is_retrieved_can_be_deployed(soap: Any, deploy: Any, org: Org) -> None:
    deploy({"package.xml": manifest(CustomField="Lead.Foo__c"), **objects("Lead", field("Foo__c"))})
    wanted = (
        "<types><members>Lead.Foo__c</members><members>Lead.No__c</members><name>CustomField</name></types>"
        "<types><members>*</members><name>CustomObject</name></types><version>62.0</version>"
    )
    request = (
        f"<apiVersion>62.0</apiVersion><singlePackage>true</singlePackage><unpackaged>{wanted}</unpackaged>"
    )
    process = soap(f"<retrieve><retrieveRequest>{request}</retrieveRequest></retrieve>").value("result", "id")
    found = soap(
        f"<checkRetrieveStatus><asyncProcessId>{process}</asyncProcessId></checkRetrieveStatus>"
    ).find("result")
    assert (
        found.value("messages", "problem")
        == "Entity of type 'CustomField' named 'Lead.No__c' cannot be found"
    )
    data = base64.b64decode(found.value("zipFile"))
    with zipfile.ZipFile(io.BytesIO(data)) as files:
        contents = {name: files.read(name) for name in files.namelist()}
    assert b"<fullName>Foo__c</fullName>" in contents["objects/Lead.object"]
    assert "objects/Closed_Loop_Campaign_Reason__c.object" in contents
    assert deploy(contents)["problems"] == {}


def test_a_deployment_over_rest_has_the_shape_of_a_recorded_one(http: Any) -> None:
    files = {"package.xml": manifest(CustomField="Lead.Foo__c"), **objects("Lead", field("Foo__c"))}
    parts = {
        "json": (
            None,
            '{"deployOptions": {"checkOnly": "false", "singlePackage": true}}',
            "application/json",
        ),
        "file": ("deploy.zip", archive(files), "application/zip"),
    }
    taken = http("POST", "/metadata/deployRequest", files=parts)
    assert taken.status_code == 201
    one = f"/metadata/deployRequest/{taken.json()['id']}"
    found = http("GET", one, params={"includeDetails": "true"}).json()
    assert set(found) == {"id", "validatedDeployRequestId", "deployOptions", "deployResult"}
    result = found["deployResult"]
    assert (result["status"], result["done"], result["success"]) == ("Succeeded", True, True)
    (component,) = (m for m in result["details"]["componentSuccesses"] if m["componentType"])
    assert (component["fullName"], component["forPackageManifestFile"]) == ("Lead.Foo__c", False)
    assert http("GET", one).json()["deployResult"]["details"] is None
    cancel = http("PATCH", one, json={"deployResult": {"status": "Canceling"}})
    assert (cancel.status_code, cancel.json()[0]["errorCode"]) == (400, "INVALID_ID_FIELD")


BAD_REQUESTS = [
    ("no_parts", {"files": {"x": (None, "y")}}, 400, "JSON_PARSER_ERROR"),
    ("no_zip", {"files": {"json": (None, "{}")}}, 400, "INVALID_MULTIPART_REQUEST"),
    ("no_multipart", {"json": {}}, 400, "INVALID_MULTIPART_REQUEST"),
    ("nothing", {}, 400, "JSON_PARSER_ERROR"),
    ("unknown_validation", {"json": {"validatedDeployRequestId": "0Af"}}, 400, "INVALID_CROSS_REFERENCE_KEY"),
]


@pytest.mark.parametrize(
    ("given", "status", "code"), [b[1:] for b in BAD_REQUESTS], ids=[b[0] for b in BAD_REQUESTS]
)
def test_a_deployment_over_rest_that_is_none_is_refused(
    http: Any, given: dict[str, Any], status: int, code: str
) -> None:
    answer = http("POST", "/metadata/deployRequest", **given)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)
    assert http("GET", "/metadata/deployRequest/0Af").status_code == 404


def test_simple_salesforce_deploys_and_edits_metadata(
    client: Any, salesforce: SalesforceSandbox, tmp_path: Path
) -> None:
    files = {"package.xml": manifest(CustomField="Lead.Foo__c"), **objects("Lead", field("Foo__c"))}
    path = tmp_path / "package.zip"
    path.write_bytes(archive(files))
    taken = client.deploy(str(path), True)
    assert taken["state"] == "Queued"
    found = client.checkDeployStatus(taken["asyncId"])
    assert (found["state"], found["deployment_detail"]["deployed_count"]) == ("Succeeded", "1")
    mdapi = client.mdapi
    mdapi._client.transport.session = client.session
    mdapi.CustomField.create([mdapi.CustomField(fullName="Lead.Bar__c", label="Bar", type="Text", length=9)])
    assert mdapi.CustomField.read(["Lead.Bar__c"]).label == "Bar"
    with pytest.raises(Exception, match="DUPLICATE_DEVELOPER_NAME"):
        mdapi.CustomField.create(
            [mdapi.CustomField(fullName="Lead.Bar__c", label="Bar", type="Text", length=9)]
        )
    mdapi.CustomField.delete(["Lead.Bar__c"])
    assert salesforce.org.objects["Lead"].field("Bar__c") is None
    assert "CustomObject" in {one.xmlName for one in mdapi.describe_metadata().metadataObjects}


def test_a_permission_set_made_over_rest_is_read(soap: Any, http: Any) -> None:
    made = http("POST", "/sobjects/PermissionSet", json={"Name": "Made", "Label": "Made"}).json()["id"]
    grant = {"ParentId": made, "SobjectType": "Lead", "Field": "Lead.Phone", "PermissionsRead": True}
    assert http("POST", "/sobjects/FieldPermissions", json=grant).status_code == 201
    found = soap("<readMetadata><type>PermissionSet</type><fullNames>Made</fullNames></readMetadata>")
    record = found.find("result", "records")
    assert (record.value("label"), record.value("fieldPermissions", "field")) == ("Made", "Lead.Phone")
    assert record.value("fieldPermissions", "editable") == "false"
