"""The package that this product writes for an admin deploys, works, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_salesforce.packages import file, manifest

from closedloop.crm.salesforce import SalesforceCredentials, SalesforceCrm
from closedloop.crm.salesforce.install import package, plan
from closedloop.mapping import load_mappings
from closedloop.sandbox.salesforce import SalesforceSandbox, Timing
from closedloop.sandbox.salesforce.schema.objects import objects_of

OURS = {
    "Closed_Loop_Campaign_Reason__c",
    *(
        f"{kind.name}.{name}"
        for kind in objects_of(frozenset(), ())
        for name in kind.fields
        if name.startswith("Closed_Loop") and not kind.custom
    ),
}


@pytest.fixture
def salesforce(clock: Any) -> Iterator[SalesforceSandbox]:
    """An org without what the package brings, which shows new fields to nobody."""
    timing = Timing(first_retry=0.001, longest_retry=0.01)
    with SalesforceSandbox(clock=clock, timing=timing, without=OURS, field_security=True) as sandbox:
        yield sandbox


def connected(salesforce: SalesforceSandbox) -> SalesforceCrm:
    credentials = SalesforceCredentials(
        login_url=salesforce.url, client_id=salesforce.client_id, client_secret=salesforce.client_secret
    )
    return SalesforceCrm(credentials, load_mappings())


def contents(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_the_package_deploys_works_and_is_taken_back(
    salesforce: SalesforceSandbox, deploy: Any, receiver: Any, tmp_path: Path
) -> None:
    org = salesforce.org
    crm = connected(salesforce)
    assert any(not change.exists for change in plan(crm))
    package(tmp_path, crm, endpoint=receiver.url, integration_user=salesforce.login.username)
    found = deploy(contents(tmp_path / "deploy"))
    assert found["problems"] == {}
    assert found["status"] == "Succeeded"

    (granted,) = (row for row in org.rows("PermissionSet") if row["Name"] == "Closed_Loop_Integration")
    org.insert(
        "PermissionSetAssignment", {"PermissionSetId": granted["Id"], "AssigneeId": org.integration_user_id}
    )
    assert [change for change in plan(connected(salesforce)) if change.problem or not change.exists] == []

    lead = org.insert("Lead", {"LastName": "A", "Company": "B"})
    assert org.settle()
    org.update("Lead", lead, {"Status": "Working - Contacted"})
    assert org.settle()
    org.update("Lead", lead, {"Title": "Head"})
    assert org.settle()
    assert len(receiver.bodies) == 2

    flows = [name for name in found["messages"] if found["messages"][name].value("componentType") == "Flow"]
    off = {
        f"flowDefinitions/{name}.flowDefinition": file(
            "FlowDefinition", "<activeVersionNumber>0</activeVersionNumber>"
        )
        for name in flows
    }
    assert deploy({"package.xml": manifest(FlowDefinition=" ".join(flows)), **off})["status"] == "Succeeded"
    assert deploy(contents(tmp_path / "remove"))["problems"] != {}  # a permission set is still assigned
    for row in org.rows("PermissionSetAssignment"):
        if row["PermissionSetId"] == granted["Id"]:
            org.delete("PermissionSetAssignment", row["Id"])
    assert deploy(contents(tmp_path / "remove"))["problems"] == {}
    assert org.objects.find("Closed_Loop_Campaign_Reason__c") is None
    assert all(not name.startswith("Closed_Loop") for kind in org.objects for name in kind.fields)
