"""`closedloop install` shows what is missing before anything is changed, and changes only when told to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop_server.commands.install import install

SETTINGS = """
public_url = "https://loop.example.com"

[connections.sales]
crm = "salesforce"
organisation_id = "{salesforce.organization_id}"
login_url = "{salesforce.url}"
access_token = {{env = "SALES_TOKEN"}}
webhook_secrets = [{{env = "SALES_SECRET"}}]

[connections.marketing]
crm = "hubspot"
organisation_id = "{hubspot.portal_id}"
base_url = "{hubspot.url}"
access_token = {{env = "MARKETING_TOKEN"}}
"""


@pytest.fixture
def hubspot() -> Iterator[HubSpotSandbox]:
    with HubSpotSandbox(campaign_properties=False) as sandbox:
        yield sandbox


@pytest.fixture
def settings(tmp_path: Path, hubspot: HubSpotSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with SalesforceSandbox(without=("Campaign.Closed_Loop_Won__c",)) as salesforce:
        monkeypatch.setenv("SALES_TOKEN", salesforce.access_token)
        monkeypatch.setenv("SALES_SECRET", "path-secret")
        monkeypatch.setenv("MARKETING_TOKEN", hubspot.access_token)
        file = tmp_path / "closedloop.toml"
        file.write_text(SETTINGS.format(salesforce=salesforce, hubspot=hubspot))
        yield file


def run(settings: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(install, ["--settings", str(settings), *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result


def test_the_plan_says_of_every_field_whether_it_is_there_and_changes_nothing(
    settings: Path, hubspot: HubSpotSandbox
) -> None:
    said = run(settings).output
    assert "Campaign.Closed_Loop_Won__c: missing" in said
    assert "Campaign.Closed_Loop_Lost__c: is there" in said
    assert "contacts.closed_loop_outcome: missing" in said
    assert '"targetUrl": "https://loop.example.com/webhooks/hubspot/marketing"' in said
    assert not [path for method, path in hubspot.portal.requests if method != "GET"]


def test_applying_makes_what_the_portal_allows_and_names_what_is_left(settings: Path) -> None:
    said = run(settings, "--apply").output
    assert "contacts.closed_loop_outcome: created" in said
    assert "0-35.closed_loop_won: by_hand" in said
    assert "contacts.closed_loop_outcome: is there" in run(settings).output


def test_the_package_holds_the_missing_field_and_the_flow_that_calls_the_webhook(
    settings: Path, tmp_path: Path
) -> None:
    run(settings, "--package", str(tmp_path), "--integration-user", "loop@example.com")
    written = "".join(
        path.read_text() for path in (tmp_path / "sales" / "deploy").rglob("*") if path.is_file()
    )
    assert "<fullName>Closed_Loop_Won__c</fullName>" in written
    assert "https://loop.example.com/webhooks/salesforce/sales/path-secret" in written
