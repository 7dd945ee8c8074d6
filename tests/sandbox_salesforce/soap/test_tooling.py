"""The Tooling API: the org's metadata as records, and fields made of their Metadata."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sandbox_salesforce.packages import file, flow, manifest, message

from closedloop.sandbox.salesforce import Org

PICKLIST = {
    "type": "Picklist",
    "label": "Kind",
    "valueSet": {
        "restricted": True,
        "valueSetDefinition": {"sorted": False, "value": [{"valueName": "a", "label": "A", "default": True}]},
    },
}


@pytest.fixture
def query(http: Any) -> Any:
    def ask(soql: str) -> Any:
        answer = http("GET", "/tooling/query", params={"q": soql})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


def test_a_definition_answers_as_recorded(query: Any) -> None:
    # The samples that the module names: a field asked for by its object.
    found = query(
        "SELECT QualifiedApiName, RelationshipName, ReferenceTo FROM FieldDefinition "
        "WHERE EntityDefinition.QualifiedApiName = 'Contact' AND QualifiedApiName = 'AccountId'"
    )
    (record,) = found.pop("records")
    assert found == {
        "size": 1,
        "totalSize": 1,
        "done": True,
        "queryLocator": None,
        "entityTypeName": "FieldDefinition",
    }
    assert record.pop("attributes")["type"] == "FieldDefinition"
    assert record == {
        "QualifiedApiName": "AccountId",
        "RelationshipName": "Account",
        "ReferenceTo": {"referenceTo": ["Account"]},
    }
    (entity,) = query("SELECT Id, DurableId FROM EntityDefinition WHERE QualifiedApiName = 'Campaign'")[
        "records"
    ]
    assert entity == {
        "attributes": {
            "type": "EntityDefinition",
            "url": "/services/data/v62.0/tooling/sobjects/EntityDefinition/Campaign",
        },
        "Id": "000000000000000AAA",
        "DurableId": "Campaign",
    }


def test_a_field_is_made_changed_and_removed(http: Any, query: Any, org: Org) -> None:
    made = http(
        "POST", "/tooling/sobjects/CustomField", json={"FullName": "Lead.Kind__c", "Metadata": PICKLIST}
    )
    assert (made.status_code, set(made.json())) == (201, {"id", "success", "errors", "warnings", "infos"})
    assert (
        http("POST", "/sobjects/Lead", json={"LastName": "A", "Company": "B", "Kind__c": "a"}).status_code
        == 201
    )
    one = f"/tooling/sobjects/CustomField/{made.json()['id']}"
    (found,) = query("SELECT Id FROM CustomField WHERE DeveloperName = 'Kind' AND TableEnumOrId = 'Lead'")[
        "records"
    ]
    assert found["Id"] == made.json()["id"]
    metadata = http("GET", one).json()["Metadata"]
    assert metadata["valueSet"]["valueSetDefinition"]["value"][0]["valueName"] == "a"
    assert http("PATCH", one, json={"Metadata": {**metadata, "label": "Sort"}}).status_code == 204
    assert org.objects["Lead"].fields["Kind__c"].label == "Sort"
    assert http("DELETE", one).status_code == 204
    assert org.objects["Lead"].field("Kind__c") is None
    assert http("GET", one).status_code == 404


def test_a_flow_is_switched_off_and_removed(deploy: Any, http: Any, query: Any) -> None:
    files = {
        "package.xml": manifest(WorkflowOutboundMessage="Lead.Hook", Flow="Tell"),
        "workflows/Lead.workflow": file("Workflow", message("Hook", "http://127.0.0.1:1/x")),
        "flows/Tell.flow": flow("Lead", "Lead.Hook"),
    }
    assert deploy(files)["status"] == "Succeeded"
    (found,) = query("SELECT Id, Status, DefinitionId, Definition.DeveloperName FROM Flow")["records"]
    assert (found["Status"], found["Definition"]["DeveloperName"]) == ("Active", "Tell")
    (sent,) = query("SELECT Name, EndpointUrl FROM WorkflowOutboundMessage")["records"]
    assert (sent["Name"], sent["EndpointUrl"]) == ("Hook", "http://127.0.0.1:1/x")
    one, definition = (
        f"/tooling/sobjects/{path}"
        for path in (f"Flow/{found['Id']}", f"FlowDefinition/{found['DefinitionId']}")
    )
    assert http("DELETE", one).json()[0]["errorCode"] == "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
    assert http("GET", definition).json()["Metadata"] == {"activeVersionNumber": 1}
    assert http("PATCH", definition, json={"Metadata": {"activeVersionNumber": 0}}).status_code == 204
    (off,) = query("SELECT ActiveVersionId, LatestVersionId FROM FlowDefinition")["records"]
    assert (off["ActiveVersionId"], off["LatestVersionId"]) == (None, found["Id"])
    assert http("DELETE", one).status_code == 204
    assert query("SELECT Id FROM Flow")["totalSize"] == 0


REFUSED = [
    ("no_metadata", {"FullName": "Lead.A__c"}, "REQUIRED_FIELD_MISSING"),
    ("no_name", {"Metadata": PICKLIST}, "REQUIRED_FIELD_MISSING"),
    ("unknown_part", {"FullName": "Lead.A__c", "Metadata": {"colour": "red"}}, "JSON_PARSER_ERROR"),
    (
        "no_length",
        {"FullName": "Lead.A__c", "Metadata": {"type": "Text", "label": "A"}},
        "FIELD_INTEGRITY_EXCEPTION",
    ),
    (
        "no_object",
        {"FullName": "Nothing__c.A__c", "Metadata": PICKLIST},
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    ),
    (
        "there_already",
        {"FullName": "Lead.Disqualified_Reason__c", "Metadata": PICKLIST},
        "DUPLICATE_DEVELOPER_NAME",
    ),
    ("no_text", {"FullName": "Lead.A__c", "Metadata": [1]}, "REQUIRED_FIELD_MISSING"),
]


@pytest.mark.parametrize(("body", "code"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_a_field_that_cannot_be_is_refused(http: Any, body: dict[str, Any], code: str) -> None:
    answer = http("POST", "/tooling/sobjects/CustomField", json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_what_is_not_there_or_not_possible_is_refused(http: Any) -> None:
    assert http("GET", "/tooling/sobjects/Nothing").status_code == 404
    assert http("GET", "/tooling/sobjects/CustomField/00N000000000001AAA").status_code == 404
    assert http("GET", "/tooling/sobjects/CustomField/nonsense").status_code == 404
    made = http("POST", "/tooling/sobjects/ApexClass", json={"FullName": "A", "Metadata": {}})
    assert made.json()[0]["errorCode"] == "INVALID_TYPE_FOR_OPERATION"
    wrong = http("GET", "/tooling/query", params={"q": "SELECT Id FROM Lead"})
    assert wrong.json()[0]["errorCode"] == "INVALID_TYPE"
    assert http("GET", "/tooling/query").json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_apex_does_not_compile(http: Any) -> None:
    answer = http("GET", "/tooling/executeAnonymous", params={"anonymousBody": "System.debug(1);"})
    assert answer.status_code == 200
    assert (answer.json()["compiled"], answer.json()["success"]) == (False, False)


def test_the_objects_are_described(http: Any) -> None:
    every = http("GET", "/tooling/sobjects").json()["sobjects"]
    assert {"CustomField", "EntityDefinition", "Flow"} <= {one["name"] for one in every}
    described = http("GET", "/tooling/sobjects/CustomField/describe").json()
    assert "DeveloperName" in {field["name"] for field in described["fields"]}
    assert described["urls"]["describe"] == "/services/data/v62.0/tooling/sobjects/CustomField/describe"
