"""What belongs to a campaign (assets, budget, spend) and what came of it (metrics, revenue)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from closedloop.sandbox.hubspot import Portal
from closedloop.sandbox.hubspot.marketing.attribution import MODELS, Journey, shares_of

Call = Callable[..., requests.Response]
PATH = "/marketing/v3/campaigns"
UNKNOWN = "430318c4-abb7-4bf7-a75e-9c5fa8f475a6"
START = datetime(2026, 4, 1, 10, tzinfo=UTC)
ITEM = {"name": "Booth", "amount": 1200.5, "order": 0, "description": "Hall 3"}


@pytest.fixture
def campaign(portal: Portal) -> str:
    return portal.create_campaign({"hs_name": "Spring"}, at=START)


def sums(call: Call, campaign: str) -> dict[str, str]:
    names = "hs_budget_items_sum_amount,hs_spend_items_sum_amount"
    body: dict[str, str] = call("GET", f"{PATH}/{campaign}?properties={names}").json()["properties"]
    return body


def test_the_client_adds_to_a_budget(hub: Any, call: Call, campaign: str) -> None:
    made = hub.api_request({"path": f"{PATH}/{campaign}/budget", "method": "POST", "body": ITEM})
    assert made.status_code == 201
    body = made.json()
    assert {k: body[k] for k in ITEM} == ITEM
    assert isinstance(body["createdAt"], int)
    assert (body["createdAt"] == body["updatedAt"], body["id"].isdigit()) == (True, True)
    assert call("GET", f"{PATH}/{campaign}/budget/{body['id']}").json() == body


@pytest.mark.parametrize("what", ["budget", "spend"])
@pytest.mark.parametrize("prefix", [PATH, "/marketing/campaigns/2026-09"])
def test_the_sum_of_the_items_follows_them(call: Call, campaign: str, what: str, prefix: str) -> None:
    path, name = f"{prefix}/{campaign}/{what}", f"hs_{what}_items_sum_amount"
    assert sums(call, campaign) == {}
    first, second = (call("POST", path, json=ITEM | {"amount": n, "order": n}).json()["id"] for n in (2, 3))
    assert sums(call, campaign) == {name: "5.0"}
    changed = call("PUT", f"{path}/{second}", json={"name": "New", "amount": "4.25", "order": 1})
    assert (changed.status_code, changed.json()["amount"]) == (200, 4.25)
    assert "description" not in changed.json()
    assert sums(call, campaign) == {name: "6.25"}
    for item in (first, second):
        assert call("DELETE", f"{path}/{item}").status_code == 204
    assert sums(call, campaign) == {}
    assert call("DELETE", f"{path}/{first}").status_code == 404


def test_the_totals_list_everything_and_what_is_left(call: Call, campaign: str) -> None:
    totals = call("GET", f"{PATH}/{campaign}/budget/totals").json()
    assert totals == {
        "currencyCode": "USD",
        "budgetItems": [],
        "spendItems": [],
        "budgetTotal": 0,
        "spendTotal": 0,
        "remainingBudget": 0,
    }
    call("PATCH", f"{PATH}/{campaign}", json={"properties": {"hs_currency_code": "EUR"}})
    call("POST", f"{PATH}/{campaign}/budget", json=ITEM | {"order": 1})
    call("POST", f"{PATH}/{campaign}/budget", json=ITEM | {"name": "Badges", "amount": 99.5})
    call("POST", f"{PATH}/{campaign}/spend", json=ITEM | {"amount": 1500})
    totals = call("GET", f"{PATH}/{campaign}/budget/totals").json()
    assert [item["name"] for item in totals["budgetItems"]] == ["Badges", "Booth"]
    assert (totals["budgetTotal"], totals["spendTotal"], totals["remainingBudget"]) == (1300, 1500, -200)
    assert totals["currencyCode"] == "EUR"


def test_people_plan_and_spend_too(call: Call, portal: Portal, campaign: str) -> None:
    item = portal.plan_budget(campaign, "Booth", 500)
    portal.plan_budget(campaign, "Badges", 20.5)
    portal.spend_money(campaign, "Booth", 480)
    assert sums(call, campaign) == {
        "hs_budget_items_sum_amount": "520.5",
        "hs_spend_items_sum_amount": "480.0",
    }
    read = call("GET", f"{PATH}/{campaign}/budget/{item}").json()
    assert (read["name"], read["amount"], read["order"]) == ("Booth", 500, 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": None}, "[name]"),
        ({"amount": None, "order": None}, "[amount, order]"),
        ({"amount": "much"}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": "1e400"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"order": "first"}, "order"),
    ],
    ids=["name", "two", "text", "negative", "flag", "endless", "not a number", "order"],
)
def test_an_item_that_cannot_be_is_refused(
    call: Call, campaign: str, changes: dict[str, Any], words: str
) -> None:
    answer = call("POST", f"{PATH}/{campaign}/spend", json=ITEM | changes)
    assert (answer.status_code, words in answer.json()["message"]) == (400, True), answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/budget"),
        ("GET", "/budget/1"),
        ("GET", "/budget/totals"),
        ("PUT", "/spend/1"),
        ("DELETE", "/spend/1"),
        ("GET", "/assets/FORM"),
        ("PUT", "/assets/FORM/1"),
        ("DELETE", "/assets/FORM/1"),
        ("GET", "/reports/metrics"),
        ("GET", "/reports/revenue"),
    ],
)
def test_a_campaign_that_is_not_there_has_nothing(call: Call, method: str, path: str) -> None:
    answer = call(method, f"{PATH}/{UNKNOWN}{path}", json=ITEM)
    assert (answer.status_code, answer.json()["category"]) == (404, "OBJECT_NOT_FOUND")
    malformed = call(method, f"{PATH}/spring{path}", json=ITEM)
    assert malformed.json()["subCategory"] == "CampaignApiError.INVALID_REQUEST"


def test_assets_come_and_go(call: Call, portal: Portal, campaign: str) -> None:
    path = f"{PATH}/{campaign}/assets/MARKETING_EMAIL"
    for asset in ("7", "8", "8"):
        assert call("PUT", f"{path}/{asset}").status_code == 204
    portal.assets.describe("MARKETING_EMAIL", "7", name="Invitation", metrics={"SENT": 40, "OPEN": 12})
    assert call("GET", path).json() == {"results": [{"id": "7", "name": "Invitation"}, {"id": "8"}]}
    dates = "startDate=2026-04-01&endDate=2026-04-30"
    first, second = call("GET", f"{path}?{dates}").json()["results"]
    assert first["metrics"] == {"SENT": 40, "OPEN": 12, "CLICKS": 0}
    assert second["metrics"] == {"SENT": 0, "OPEN": 0, "CLICKS": 0}
    assert "metrics" not in call("GET", f"{path}?startDate=2026-04-01").json()["results"][0]
    whole = call("GET", f"{PATH}/{campaign}").json()
    assert whole["assets"] == {
        "MARKETING_EMAIL": {"results": [{"id": "7", "name": "Invitation"}, {"id": "8"}]}
    }
    batch = call("POST", f"{PATH}/batch/read?{dates}", json={"inputs": [{"id": campaign}]}).json()
    assert batch["results"][0]["assets"]["MARKETING_EMAIL"]["results"][0] == first
    for asset in ("7", "8", "9"):
        assert call("DELETE", f"{path}/{asset}").status_code == 204
    assert call("GET", f"{PATH}/{campaign}").json()["assets"] == {}
    assert call("GET", f"{PATH}/{campaign}/assets/SPACESHIP").status_code == 400


def test_an_email_is_named_as_the_portal_names_it(call: Call, campaign: str) -> None:
    email = call("POST", "/marketing/v3/emails", json={"name": "Invitation"}).json()["id"]
    path = f"{PATH}/{campaign}/assets/MARKETING_EMAIL"
    for asset in (email, "7"):
        assert call("PUT", f"{path}/{asset}").status_code == 204
    assert call("GET", path).json()["results"] == [{"id": email, "name": "Invitation"}, {"id": "7"}]


def test_many_assets_have_pages(call: Call, campaign: str) -> None:
    path = f"{PATH}/{campaign}/assets/FORM"
    for number in range(12):
        call("PUT", f"{path}/{number}")
    first = call("GET", path, params={"limit": 5}).json()
    after = first["paging"]["next"]["after"]
    assert after == "NQ%3D%3D"
    rest = call("GET", path, params={"limit": 100, "after": unquote(after)}).json()
    assert [r["id"] for r in first["results"] + rest["results"]] == [str(n) for n in range(12)]
    assert "paging" not in rest
    assert call("GET", f"{PATH}/{campaign}").json()["assets"]["FORM"]["paging"]["next"]["after"] == "MTA%3D"
    assert call("GET", path, params={"limit": 101}).status_code == 400


@pytest.fixture
def won(portal: Portal, campaign: str) -> str:
    """A deal of two people, won for 1000: of their four touches two were with the campaign, the first and the
    third; the second made the older contact, the third came before the deal. Returns the other campaign."""
    other = portal.create_campaign({"hs_name": "Other"})
    ada = portal.create("contacts", {"email": "a@example.com"}, at=START + timedelta(hours=30))
    bob = portal.create("contacts", {"email": "b@example.com"}, at=START + timedelta(hours=40))
    deal = portal.create(
        "deals",
        {"dealname": "D", "amount": "1000"},
        associations=[("contacts", ada), ("contacts", bob)],
        at=START + timedelta(hours=60),
    )
    touches = [(campaign, ada), (other, bob), (campaign, bob), (other, ada)]
    for day, (guid, person) in enumerate(touches):
        portal.touch(guid, person, START + timedelta(days=day))
    portal.update("deals", deal, {"dealstage": "closedwon"}, at=START + timedelta(days=7))
    return other


@pytest.mark.parametrize(
    ("model", "mine"),
    [
        (None, 500),
        ("LINEAR", 500),
        ("FIRST_INTERACTION", 1000),
        ("LAST_INTERACTION", 0),
        ("U_SHAPED", 500),
        ("W_SHAPED", 600),
        ("FULL_PATH", 500),
        ("J_SHAPED", 300),
        ("INVERSE_J_SHAPED", 700),
        ("TIME_DECAY", 475.25),
    ],
)
def test_a_campaign_earns_its_part_under_every_model(
    call: Call, campaign: str, won: str, model: str | None, mine: float
) -> None:
    query = f"?attributionModel={model}" if model else ""
    body = call("GET", f"{PATH}/{campaign}/reports/revenue{query}").json()
    assert body["revenueAmount"] == pytest.approx(mine, abs=0.01)
    assert body["currencyCode"] == "USD"
    people = 0 if mine == 0 else 1 if model == "FIRST_INTERACTION" else 2
    assert (body["dealsNumber"], body["contactsNumber"]) == (min(people, 1), people)
    assert body["dealAmount"] == (1000 if mine else 0)
    theirs = call("GET", f"{PATH}/{won}/reports/revenue{query}").json()["revenueAmount"]
    assert body["revenueAmount"] + theirs == pytest.approx(1000, abs=0.02)


@pytest.mark.parametrize(
    ("query", "deals"),
    [
        ("startDate=2026-04-08&endDate=2026-04-08", 1),
        ("startDate=2026-04-09", 0),
        ("endDate=2026-04-07", 0),
    ],
)
def test_revenue_is_of_the_deals_that_closed_within_the_dates(
    call: Call, campaign: str, won: str, query: str, deals: int
) -> None:
    assert call("GET", f"{PATH}/{campaign}/reports/revenue?{query}").json()["dealsNumber"] == deals


def test_open_and_lost_deals_earn_nothing(call: Call, portal: Portal, campaign: str, contact: str) -> None:
    portal.touch(campaign, contact, START)
    for stage in ("contractsent", "closedlost"):
        values = {"dealname": "D", "amount": "5", "dealstage": stage}
        portal.create("deals", values, associations=[("contacts", contact)])
    body = call("GET", f"{PATH}/{campaign}/reports/revenue").json()
    assert body == {
        "contactsNumber": 0,
        "dealsNumber": 0,
        "dealAmount": 0.0,
        "revenueAmount": 0.0,
        "currencyCode": "USD",
    }


def test_what_no_report_knows_is_refused(call: Call, campaign: str) -> None:
    for query in ("revenue?attributionModel=GUESS", "revenue?startDate=soon", "metrics?endDate=1"):
        assert call("GET", f"{PATH}/{campaign}/reports/{query}").status_code == 400


def test_metrics_count_touches_and_people(call: Call, campaign: str, won: str) -> None:
    assert call("GET", f"{PATH}/{campaign}/reports/metrics").json() == {
        "sessions": 2,
        "newContactsFirstTouch": 1,
        "newContactsLastTouch": 1,
        "influencedContacts": 2,
    }
    later = call("GET", f"{PATH}/{campaign}/reports/metrics?startDate=2026-04-02").json()
    assert (later["sessions"], later["newContactsFirstTouch"]) == (1, 0)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_the_credits_of_a_journey_are_one_together(model: str, count: int) -> None:
    touches = [START + timedelta(days=day) for day in range(count)]
    journey = Journey(
        touches=touches,
        contact_at=START - timedelta(days=1),
        deal_at=START + timedelta(days=1),
        won_at=START + timedelta(days=400),
    )
    shares = shares_of(model, journey)
    assert len(shares) == count
    assert sum(shares) == pytest.approx(1)
    assert min(shares) >= 0
