"""The sandbox's page in a real browser: how it looks, and that a decision made by hand arrives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from closedloop.sandbox.http import LocalServer
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.page import SandboxPage
from closedloop.sandbox.salesforce import SalesforceSandbox


@pytest.fixture(scope="module")
def salesforce() -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox() as sandbox:
        campaign = sandbox.org.insert("Campaign", {"Name": "A webinar whose name goes on and on"})
        lead = sandbox.org.insert("Lead", {"LastName": "Lovelace", "Company": "AnalyticalEngines" * 5})
        sandbox.org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
        yield sandbox


@pytest.fixture(scope="module")
def hubspot() -> Iterator[HubSpotSandbox]:
    with HubSpotSandbox() as sandbox:
        sandbox.portal.create("deals", {"dealname": "Renewal", "dealstage": "contractsent"})
        yield sandbox


@pytest.fixture
def tab(
    browser: Any, salesforce: SalesforceSandbox, hubspot: HubSpotSandbox, request: pytest.FixtureRequest
) -> Iterator[Any]:
    width, scheme = getattr(request, "param", (1280, "light"))
    with LocalServer(SandboxPage(salesforce=salesforce, hubspot=hubspot)) as server:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, base_url=server.url
        )
        opened = context.new_page()
        said: list[str] = []
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        yield opened
        context.close()
        assert said == []


@pytest.mark.parametrize("tab", [(360, "dark"), (1280, "light")], indirect=True, ids=str)
def test_pages_fit_and_can_be_read(tab: Any, too_wide: Any, too_faint: Any) -> None:
    for address in (
        "/",
        "/salesforce/Lead",
        "/salesforce/CampaignMember",
        "/hubspot/deals",
        "/requests",
        "/webhooks",
    ):
        tab.goto(address)
        assert (too_wide(tab), too_faint(tab)) == ([], []), address
    for address in ("/salesforce/Lead", "/salesforce/Campaign", "/hubspot/deals"):
        tab.goto(address)
        with tab.expect_navigation():
            tab.locator("tbody a").first.click()
        assert (too_wide(tab), too_faint(tab)) == ([], []), address


def test_a_lead_is_disqualified_with_a_few_clicks(tab: Any, salesforce: SalesforceSandbox) -> None:
    tab.goto("/")
    tab.get_by_role("link", name="Disqualify or convert a lead").click()
    tab.get_by_role("link", name="Lovelace").click()
    tab.get_by_label("Status").select_option("Closed - Not Converted")
    tab.get_by_label("Disqualified Reason").fill("No budget")
    tab.get_by_role("button", name="Save").click()
    assert tab.get_by_role("status").inner_text().startswith("Saved.")
    (lead,) = salesforce.org.rows("Lead")
    assert (lead["Status"], lead["Disqualified_Reason__c"]) == ("Closed - Not Converted", "No budget")


def test_new_requests_show_up_by_themselves(tab: Any, salesforce: SalesforceSandbox) -> None:
    tab.goto("/requests")
    requests.get(f"{salesforce.url}/services/data/v62.0/sobjects/Freshly__c", timeout=5)
    tab.get_by_text("Freshly__c").wait_for(timeout=10_000)
