"""The campaigns in the API: filters, order, pages, ids."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from closedloop.schema.records import Campaign
from closedloop.schema.vocabulary import DECIDED, AttributionModel, CrmName, ObjectType
from closedloop_server.store import records
from closedloop_server.store.engine import writing
from closedloop_server.store.reports import Sort
from closedloop_server.store.rows import Key

Get = Callable[..., Any]
Every = Callable[..., list[Any]]
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def _ids(campaigns: list[Any]) -> list[str]:
    return [campaign["id"] for campaign in campaigns]


def test_every_campaign_is_listed_decided_about_or_not(get: Get, seed: Any) -> None:
    listed = get("/campaigns", limit=200)["campaigns"]
    names = seed.COMPANY["salesforce_campaigns"] + seed.COMPANY["hubspot_campaigns"]
    assert sorted(campaign["name"] for campaign in listed) == sorted(names)
    undecided = [campaign for campaign in listed if campaign["results"]["credit"] == "0"]
    assert len(undecided) >= 2
    assert undecided[0]["results"]["credits"] == {outcome.value: "0" for outcome in DECIDED}


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("limit", [1, 5, 27, 28])
def test_the_pages_of_every_order_hold_each_campaign_once(
    get: Get, every: Every, sort: Sort, limit: int
) -> None:
    whole = _ids(get("/campaigns", sort=sort, limit=200)["campaigns"])
    assert len(set(whole)) == 28
    assert _ids(every(get, "/campaigns", "campaigns", sort=sort, limit=limit)) == whole


@pytest.mark.parametrize("sort", [Sort.ACCEPTED, Sort.RECYCLED, Sort.DISQUALIFIED, Sort.WON, Sort.LOST])
def test_sorting_by_an_outcome_puts_the_most_first(get: Get, sort: Sort) -> None:
    listed = get("/campaigns", sort=sort, limit=200, model="linear")["campaigns"]
    credits_ = [Decimal(campaign["results"]["credits"][sort.value]) for campaign in listed]
    assert credits_ == sorted(credits_, reverse=True)
    assert credits_[0] > credits_[-1]


@pytest.mark.parametrize("model", list(AttributionModel))
def test_the_model_asked_for_is_the_model_answered(get: Get, model: AttributionModel) -> None:
    answer = get("/campaigns", model=model)
    assert answer["model"] == model
    assert answer["totals"]["model"] == model


def test_the_models_share_the_credit_differently(get: Get) -> None:
    answers = {
        str(
            [
                campaign["results"]["credits"]
                for campaign in get("/campaigns", model=model, limit=200)["campaigns"]
            ]
        )
        for model in AttributionModel
    }
    assert len(answers) == len(AttributionModel)


def test_the_filters_leave_only_what_fits(get: Get, seed: Any) -> None:
    of_hubspot = get("/campaigns", connection=seed.MARKETING, limit=200)["campaigns"]
    assert {campaign["connection"] for campaign in of_hubspot} == {seed.MARKETING}
    assert len(of_hubspot) == len(seed.COMPANY["hubspot_campaigns"])
    found = get("/campaigns", q="webinar", limit=200)["campaigns"]
    assert {campaign["name"] for campaign in found} == {
        name
        for name in seed.COMPANY["salesforce_campaigns"] + seed.COMPANY["hubspot_campaigns"]
        if "webinar" in name.lower()
    }
    assert get("/campaigns", connection="nobody")["campaigns"] == []


@pytest.mark.parametrize(("text", "count"), [("%", 0), ("_", 1), ("(gated)", 1), ("\\", 0), ("'", 2)])
def test_signs_in_a_search_stand_for_themselves(get: Get, seed: Any, text: str, count: int) -> None:
    names = seed.COMPANY["salesforce_campaigns"] + seed.COMPANY["hubspot_campaigns"]
    assert sum(text in name for name in names) == get("/campaigns", q=text)["count"]


def test_a_campaign_is_found_by_its_crm_id(get: Get) -> None:
    one = get("/campaigns", limit=1)["campaigns"][0]
    assert _ids(get("/campaigns", q=one["crm_id"])["campaigns"]) == [one["id"]]


@pytest.mark.parametrize("form", ["id", "crm_id"])
def test_a_campaign_answers_to_both_forms_of_its_id(get: Get, form: str) -> None:
    for listed in get("/campaigns", model="linear", limit=5)["campaigns"]:
        answer = get(f"/campaigns/{listed[form]}", model="linear")["campaign"]
        assert {name: answer[name] for name in listed} == listed


def _campaign(first_day: Any, *names: str, crm_id: str = "701") -> None:
    record = Campaign(crm=CrmName.SALESFORCE, id=crm_id, name="Twice")
    with writing(first_day.engine) as connection:
        found = {Key(name, ObjectType.CAMPAIGN, crm_id): record for name in names}
        records.save(connection, found, now=NOW)


@pytest.mark.parametrize("sort", list(Sort))
def test_campaigns_that_are_alike_in_all_but_their_id_are_each_listed(
    first_day: Any, first_day_get: Get, every: Every, sort: Sort
) -> None:
    for number in range(5):
        _campaign(first_day, "east", "west", crm_id=f"701{number}")
    found = every(first_day_get, "/campaigns", "campaigns", limit=1, sort=sort)
    assert len(set(_ids(found))) == len(found) == 10


def test_a_crm_id_in_two_connections_has_to_say_which(first_day: Any, first_day_get: Get) -> None:
    _campaign(first_day, "east", "west")
    answer = first_day_get("/campaigns/701", status=409)
    assert answer["error"] == "ambiguous_campaign"
    assert "east, west" in answer["message"]
    assert first_day_get("/campaigns/west:701")["campaign"]["connection"] == "west"


@pytest.mark.parametrize(
    "name",
    ["nothing", "salesforce-emea:nothing", ":", "nobody:701", "%00", "a%00:b", "%F0%9F%98%80", "x" * 3000],
)
@pytest.mark.parametrize("rest", ["", "/dispositions"])
def test_an_unknown_campaign_is_not_found(get: Get, name: str, rest: str) -> None:
    assert get(f"/campaigns/{name}{rest}", status=404)["error"] == "unknown_campaign"


def test_a_campaign_says_what_its_record_was_told(get: Get, seed: Any) -> None:
    told = get("/campaigns/701Qy0000000000AAA")["campaign"]["told"]
    assert told["state"] == "delivered"
    assert told["at"] == "2026-11-20T13:03:00Z"
    assert told["desired"]["campaign_id"] == "701Qy0000000000AAA"
    undecided = get(f"/campaigns/{seed.SALES}:701Qy0000000015AAA")["campaign"]
    assert undecided["told"] is None
    assert undecided["delivery"] == {"state": "nothing", "at": None, "counts": []}


def test_what_the_publisher_told_each_campaign_is_what_the_report_says(get: Get) -> None:
    """Two independent ways from the credits to a campaign's totals meet in the same numbers."""
    compared = 0
    for listed in get("/campaigns", limit=200)["campaigns"]:
        told = get(f"/campaigns/{listed['id']}")["campaign"]["told"]
        if told is not None:
            assert told["desired"]["credits"] == listed["results"]["credits"]
            for kind in ("won_amounts", "lost_amounts"):
                amounts = [(each["currency"], Decimal(each["amount"])) for each in told["desired"][kind]]
                assert amounts == [
                    (each["currency"], Decimal(each["amount"])) for each in listed["results"][kind]
                ]
            compared += 1
    assert compared == 26


def test_people_are_the_members_that_the_crm_still_has(get: Get, site: Any) -> None:
    with site.engine.connect() as connection:
        members = records.keys_of_object(connection, "salesforce-emea", ObjectType.CAMPAIGN_MEMBER)
        members += records.keys_of_object(connection, "hubspot-marketing", ObjectType.CAMPAIGN_MEMBER)
    assert sum(each["people"] for each in get("/campaigns", limit=200)["campaigns"]) == len(members)


def test_a_deleted_campaign_is_listed_only_while_it_has_credit(first_day: Any, first_day_get: Get) -> None:
    _campaign(first_day, "east")
    assert first_day_get("/campaigns")["count"] == 1
    with writing(first_day.engine) as connection:
        records.mark_deleted(connection, [Key("east", ObjectType.CAMPAIGN, "701")], now=NOW)
    assert first_day_get("/campaigns")["count"] == 0


def test_an_empty_site_answers_with_nothing_and_no_error(first_day_get: Get) -> None:
    answer = first_day_get("/campaigns")
    assert (answer["campaigns"], answer["next_cursor"], answer["totals"]["standing"]) == ([], None, 0)
    assert first_day_get("/unattributed")["dispositions"] == []


def test_delivery_tells_refusals_with_the_words_of_the_crm(get: Get) -> None:
    refused = [
        campaign
        for campaign in get("/campaigns", limit=200)["campaigns"]
        if campaign["delivery"]["state"] == "refused"
    ]
    assert refused
    for campaign in refused:
        counts = [count for count in campaign["delivery"]["counts"] if count["state"] == "refused"]
        assert {count["code"] for count in counts} == {"ENTITY_IS_DELETED"}
        assert {count["kind"] for count in counts} >= {"campaign", "person"}
