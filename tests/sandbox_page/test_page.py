"""The sandbox's page: records of both CRMs, forms to decide with, and only for this machine's browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from werkzeug.test import Client, TestResponse

from closedloop.crm.hubspot.notes import END, START
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.hubspot.settings.kinds import CAMPAIGNS
from closedloop.sandbox.page import SandboxPage
from closedloop.sandbox.salesforce import SalesforceSandbox


class Browser:
    """Looks at the page as a browser on this machine does."""

    def __init__(self, page: SandboxPage) -> None:
        self._client = Client(page)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self._client.get(path, base_url="http://127.0.0.1:8900", **more)

    def post(self, path: str, data: dict[str, str], **more: Any) -> TestResponse:
        return self._client.post(path, base_url="http://127.0.0.1:8900", data=data, **more)


@pytest.fixture(scope="module")
def salesforce() -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def hubspot() -> Iterator[HubSpotSandbox]:
    with HubSpotSandbox() as sandbox:
        sandbox.portal.create_owner("grace@example.com", "Grace", "Hopper")
        yield sandbox


@pytest.fixture(scope="module")
def browser(salesforce: SalesforceSandbox, hubspot: HubSpotSandbox) -> Browser:
    return Browser(SandboxPage(salesforce=salesforce, hubspot=hubspot))


@pytest.fixture
def lead(salesforce: SalesforceSandbox) -> str:
    return salesforce.org.insert("Lead", {"LastName": "Lovelace <b>", "Company": "Acme & Sons"})


@pytest.fixture
def deal(hubspot: HubSpotSandbox) -> str:
    return hubspot.portal.create(
        "deals", {"dealname": "Renewal", "pipeline": "default", "dealstage": "contractsent"}
    )


def test_the_overview_says_how_to_come_in(
    browser: Browser, salesforce: SalesforceSandbox, hubspot: HubSpotSandbox, lead: str
) -> None:
    text = browser.get("/").text
    for each in (salesforce, hubspot):
        assert each.url in text
        assert each.access_token in text
    assert 'href="/salesforce/Lead"' in text


@pytest.mark.parametrize("name", ["Lead", "Opportunity", "Campaign", "CampaignMember", "Contact", "Account"])
def test_every_kind_of_salesforce_has_a_list(browser: Browser, name: str) -> None:
    assert browser.get(f"/salesforce/{name}").status_code == 200


@pytest.mark.parametrize("name", ["leads", "deals", "campaigns", "contacts", "companies", "tasks"])
def test_every_kind_of_hubspot_has_a_list(browser: Browser, name: str) -> None:
    assert browser.get(f"/hubspot/{name}").status_code == 200


def test_what_a_record_holds_is_text_never_markup(browser: Browser, lead: str) -> None:
    text = browser.get(f"/salesforce/Lead/{lead}").text
    assert "Lovelace &lt;b&gt;" in text
    assert "Acme &amp; Sons" in text
    assert "<b>" not in text


def test_a_list_finds_any_word_and_says_when_there_is_none(browser: Browser, lead: str) -> None:
    assert lead in browser.get("/salesforce/Lead?find=LOVELACE").text
    assert "Nothing here holds" in browser.get("/salesforce/Lead?find=zzz").text


def test_a_long_list_has_pages(browser: Browser, hubspot: HubSpotSandbox) -> None:
    for number in range(60):
        hubspot.portal.create("companies", {"name": f"Company {number}"})
    first, second = browser.get("/hubspot/companies").text, browser.get("/hubspot/companies?start=50").text
    assert "Company 59" in first
    assert "Older" in first
    assert "Company 9<" in second
    assert "Older" not in second


def test_a_lead_is_disqualified_by_hand(browser: Browser, salesforce: SalesforceSandbox, lead: str) -> None:
    salesforce.org.insert("LeadStatus", {"MasterLabel": "Disqualified", "ApiName": "Disqualified"})
    given = {"Status": "Disqualified", "Disqualified_Reason__c": "No budget", "Company": "Somebody else"}
    answer = browser.post(f"/salesforce/Lead/{lead}/close", given)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/salesforce/Lead/{lead}?saved=1")
    row = salesforce.org.get("Lead", lead)
    assert (row["Status"], row["Disqualified_Reason__c"]) == ("Disqualified", "No budget")
    assert row["Company"] == "Acme & Sons", "only what the form shows is written"


def test_a_lead_is_converted_by_hand(browser: Browser, salesforce: SalesforceSandbox, lead: str) -> None:
    assert browser.post(f"/salesforce/Lead/{lead}/convert", {"opportunity": "New"}).status_code == 303
    row = salesforce.org.get("Lead", lead)
    assert row["IsConverted"]
    assert salesforce.org.get("Opportunity", row["ConvertedOpportunityId"])["Name"] == "New"
    assert '<form class="card"' not in browser.get(f"/salesforce/Lead/{lead}").text


def test_an_opportunity_is_lost_by_hand(browser: Browser, salesforce: SalesforceSandbox) -> None:
    fields = {"Name": "Deal", "StageName": "Qualification", "CloseDate": "2027-01-31"}
    opportunity = salesforce.org.insert("Opportunity", fields)
    given = {"StageName": "Closed Lost", "Loss_Reason__c": "Competitor"}
    assert browser.post(f"/salesforce/Opportunity/{opportunity}/close", given).status_code == 303
    row = salesforce.org.get("Opportunity", opportunity)
    assert (row["IsClosed"], row["IsWon"], row["Loss_Reason__c"]) == (True, False, "Competitor")


def test_a_deal_is_lost_by_hand(browser: Browser, hubspot: HubSpotSandbox, deal: str) -> None:
    given = {"dealstage": "closedlost", "closed_lost_reason": "Budget"}
    assert browser.post(f"/hubspot/deals/{deal}/decide", given).status_code == 303
    values = hubspot.portal.get("deals", deal)["properties"]
    assert (values["dealstage"], values["closed_lost_reason"]) == ("closedlost", "Budget")
    assert "Closed Lost" in browser.get("/hubspot/deals").text


def test_what_the_crm_refuses_is_said(browser: Browser, salesforce: SalesforceSandbox, lead: str) -> None:
    salesforce.org.lock_record(lead)
    answer = browser.post(f"/salesforce/Lead/{lead}/close", {"Status": "Working - Contacted"})
    assert answer.status_code == 400
    assert "UNABLE_TO_LOCK_ROW" in answer.text


def test_what_closed_loop_wrote_stands_on_the_campaign(
    browser: Browser, salesforce: SalesforceSandbox
) -> None:
    fields = {"Name": "Webinar", "Closed_Loop_Top_Reasons__c": "No budget 3"}
    campaign = salesforce.org.insert("Campaign", fields)
    text = browser.get(f"/salesforce/Campaign/{campaign}").text
    assert text.index("What Closed Loop wrote here") < text.index("No budget 3")


def test_requests_are_listed_with_their_answers(browser: Browser, salesforce: SalesforceSandbox) -> None:
    requests.get(f"{salesforce.url}/services/data/v62.0/sobjects/Nothing", timeout=5)
    text = browser.get("/requests").text
    assert "GET /services/data/v62.0/sobjects/Nothing" in text
    assert '<td class="status bad">401</td>' in text


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/salesforce/Nothing",
        "/salesforce/Lead/00Q000000000001AAA",
        "/salesforce/Lead/none",
        "/hubspot/deals/9",
        "/hubspot/nothing",
        "/elsewhere/Lead",
        "/static/none.css",
        "/static/..%2Fapp.py",
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_other_sites_can_neither_show_nor_send(browser: Browser, lead: str) -> None:
    foreign = {"Origin": "https://evil.example.com"}
    path = f"/salesforce/Lead/{lead}/convert"
    assert browser.post(path, {}, headers=foreign).status_code == 403
    assert Client(SandboxPage()).get("/", base_url="http://evil.example.com").status_code == 403
    policy = browser.get("/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


def test_the_page_has_no_script_or_style_of_its_own(browser: Browser, lead: str) -> None:
    for path in ("/", "/salesforce/Lead", f"/salesforce/Lead/{lead}", "/requests", "/webhooks"):
        text = browser.get(path).text
        assert "<style" not in text
        assert " style=" not in text
        assert text.count("<script") == text.count('<script src="/static/live.js" defer>') == 1


def test_one_crm_alone_has_a_page(salesforce: SalesforceSandbox) -> None:
    alone = Browser(SandboxPage(salesforce=salesforce))
    assert "HubSpot" not in alone.get("/").text
    assert alone.get("/hubspot/deals").status_code == 404


def test_the_overview_tells_what_came_back_and_when(
    browser: Browser, salesforce: SalesforceSandbox, hubspot: HubSpotSandbox
) -> None:
    reasons = "\n".join(f"Lost, Reason {number}: 1" for number in range(5))
    values = {"Name": "Fair", "Closed_Loop_Model__c": "primary", "Closed_Loop_Top_Reasons__c": reasons}
    written = salesforce.org.get("Campaign", salesforce.org.insert("Campaign", values))["LastModifiedDate"]
    notes = f"Mine\n\n{START}\nReasons:\n- Lost, Price: 3\nAttribution: primary.\n{END}"
    campaign = hubspot.portal.create("campaigns", {"hs_name": "Mailing", "hs_notes": notes})
    text = browser.get("/").text
    assert "The last feedback came on" in text
    assert f"{written:%H:%M:%S}" in text
    assert "Lost, Reason 2: 1\nand 2 more" in text
    assert ">Lost, Price: 3<" in text
    shown = browser.get(f"/hubspot/campaigns/{campaign}").text
    assert (
        shown.index("What Closed Loop wrote here")
        < shown.index("- Lost, Price: 3")
        < shown.index("Record ID")
    )


def test_a_campaign_shows_its_members_the_latest_decision_first(
    browser: Browser, salesforce: SalesforceSandbox
) -> None:
    org = salesforce.org
    campaign = org.insert("Campaign", {"Name": "Fair of many"})
    for number in range(30):
        lead = org.insert("Lead", {"LastName": f"Person{number}", "Company": "Acme"})
        day = {"Closed_Loop_Decided_At__c": f"2026-10-{number + 1:02}T09:00:00Z"} if number in {3, 7} else {}
        org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead, **day})
    text = browser.get(f"/salesforce/Campaign/{campaign}").text
    assert text.index("Person7<") < text.index("Person3<") < text.index("Person29<")
    assert "25 of 30" in text
    assert "in Fair of many" not in text
    assert "Fair of many" in browser.get("/salesforce/Lead?find=Person12").text


def test_a_hubspot_campaign_shows_whom_it_reached_and_a_lead_what_brought_it(
    browser: Browser, hubspot: HubSpotSandbox
) -> None:
    portal = hubspot.portal
    campaign = portal.create("campaigns", {"hs_name": "Spring mailing"})
    contact = portal.create("contacts", {"email": "noether@example.com"})
    lead = portal.create("leads", {"hs_lead_name": "Noether"}, associations=[("contacts", contact)])
    guid = next(each.guid for each in portal.store.all(CAMPAIGNS) if each.id == campaign)
    portal.touch(guid, contact, datetime.now(UTC))
    assert f"/hubspot/contacts/{contact}" in browser.get(f"/hubspot/campaigns/{campaign}").text
    for path in (f"contacts/{contact}", f"leads/{lead}"):
        assert "Spring mailing" in browser.get(f"/hubspot/{path}").text


def test_a_form_keeps_a_value_that_its_list_does_not_know(
    browser: Browser, salesforce: SalesforceSandbox
) -> None:
    lead = salesforce.org.insert("Lead", {"LastName": "Odd", "Company": "Acme", "Status": "Parked"})
    assert '<option value="Parked" selected>' in browser.get(f"/salesforce/Lead/{lead}").text


def test_what_is_saved_is_told_only_where_somebody_listens(browser: Browser, lead: str) -> None:
    assert "Nobody is told at once" in browser.get(f"/salesforce/Lead/{lead}?saved=1").text
    assert "Nobody wants to hear anything" in browser.get("/webhooks").text
