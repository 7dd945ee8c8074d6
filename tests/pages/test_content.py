"""What the pages say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html

from closedloop_server.store.engine import writing
from closedloop_server.store.tables import metadata

Page = Callable[[str], html.HtmlElement]
CAMPAIGN = "/campaigns/salesforce-emea/701Qy0000000000AAA"


def _text(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("/", "No campaigns yet"),
        ("/unattributed", "No decisions yet"),
        ("/unmapped", "Every reason is mapped"),
        ("/decisions", "No decision fits"),
        ("/?q=anything", "No campaign matches"),
    ],
)
def test_an_empty_page_says_what_to_do(first_day_client: FlaskClient, address: str, hint: str) -> None:
    answer = first_day_client.get(address)
    assert answer.status_code == 200
    assert hint in answer.get_data(as_text=True)


def test_a_campaign_without_decisions_says_so(page: Page) -> None:
    text = _text(page("/campaigns/salesforce-emea/701Qy0000000015AAA"))
    assert "Sales has decided nothing about this campaign’s people yet" in text
    assert "Nothing to tell" in text


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/?sort=colour", "sort"),
        ("/?page=0", "page"),
        ("/decisions?cursor=nonsense", "cursor"),
        (f"{CAMPAIGN}?outcome=reopened", "outcome"),
    ],
)
def test_a_broken_address_ends_on_a_page_that_says_what_is_wrong(
    client: FlaskClient, address: str, words: str
) -> None:
    answer = client.get(address)
    assert answer.status_code == 400
    assert words in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "address", ["/campaigns/nobody/701", "/campaigns/a/b%00", "/nothing", "/campaigns/a"]
)
def test_an_unknown_address_ends_on_a_page_of_ours(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert "That did not work" in answer.get_data(as_text=True)


@pytest.mark.parametrize("address", ["/api/v1/nothing", "/webhooks/nothing"])
def test_machines_get_no_page(client: FlaskClient, address: str) -> None:
    assert "That did not work" not in client.get(address).get_data(as_text=True)


def test_what_mail_programs_hang_onto_links_is_passed_over(client: FlaskClient) -> None:
    assert client.get(f"{CAMPAIGN}?utm_source=mail&gclid=1").status_code == 200


def test_a_failure_of_the_server_ends_on_a_page_without_its_details(
    first_day: Any, first_day_client: FlaskClient
) -> None:
    with writing(first_day.engine) as connection:
        metadata.tables["credits"].drop(connection)
    answer = first_day_client.get("/")
    assert answer.status_code == 500
    assert "The server failed" in answer.get_data(as_text=True)
    assert "credits" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("delivered", "The campaign’s record shows this since 20 Nov 2026, 13:03."),
        ("refused", "the CRM refused it on 20 Nov 2026, 13:03: entity is deleted ENTITY_IS_DELETED."),
    ],
)
def test_a_campaign_says_what_its_crm_was_told(page: Page, state: str, words: str) -> None:
    found = page(f"/?delivery={state}&connection=salesforce-emea").xpath('//th/a[@class="name"]/@href')
    panel = page(found[0]).xpath('//aside[@class="told"]')[0]
    assert words in _text(panel)
    assert "Closed_Loop_Accepted__c" in _text(panel)


@pytest.mark.parametrize(
    "words",
    [
        "shows an older version, told 20 Nov 2026, 13:03. This one waits since 20 Nov 2026, 12:03.",
        "was not told this yet; it waits since 20 Nov 2026, 12:03.",
        "The CRM put it off on 20 Nov 2026, 13:03: unable to obtain exclusive access UNABLE_TO_LOCK_ROW.",
    ],
)
def test_a_campaign_that_waits_says_since_when_and_why(page: Page, words: str) -> None:
    links = page("/?delivery=waiting").xpath('//th/a[@class="name"]/@href')
    panels = [_text(page(link).xpath('//aside[@class="told"]')[0]) for link in links]
    assert len(panels) == 11
    assert sum(words in panel for panel in panels) in {3, 4}


def test_the_fields_of_hubspot_go_by_their_hubspot_names(page: Page) -> None:
    found = page("/?delivery=delivered&connection=hubspot-marketing").xpath('//th/a[@class="name"]/@href')
    panel = page(found[0]).xpath('//aside[@class="told"]')[0]
    assert "closed_loop_top_reasons" in _text(panel)


def test_a_decision_tells_how_its_people_were_found(page: Page) -> None:
    text = _text(page(f"{CAMPAIGN}?model=linear").xpath('//section[@id="decisions"]')[0])
    for words in ("named by the record itself", "same person, by e-mail address", "linked by the CRMs’ sync"):
        assert words in text


def test_a_touch_after_the_decision_is_marked_as_such(page: Page) -> None:
    text = _text(page("/unattributed?cause=touched_later"))
    assert "After the decision: earns no credit" in text


def test_the_model_switch_keeps_the_search(page: Page) -> None:
    links = page("/?q=webinar&sort=name&page=1").xpath('//nav[@class="switch"]/a/@href')
    assert len(links) == 4
    for link in links:
        assert "q=webinar" in link
        assert "sort=name" in link


def test_the_refused_campaigns_are_a_click_away(page: Page) -> None:
    (link,) = page("/").xpath('//ul[@class="callouts"]//a[contains(., "refused")]')
    count = int(_text(link).split()[0])
    assert len(page(link.get("href")).xpath('//th/a[@class="name"]')) == count > 0
