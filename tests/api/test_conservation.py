"""Nothing is lost: every decision that stands is credited, unattributed, or both in parts that make one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from closedloop.schema.vocabulary import AttributionModel, ReasonCode
from closedloop_server.store.tables import standings

Get = Callable[..., Any]
Every = Callable[..., list[Any]]

pytestmark = pytest.mark.parametrize("model", list(AttributionModel))


def _sum(numbers: Any) -> Decimal:
    return sum(map(Decimal, numbers), Decimal(0))


def test_credits_and_the_unattributed_rest_are_the_decisions_that_stand(
    get: Get, site: Any, model: AttributionModel
) -> None:
    with site.engine.connect() as connection:
        query = select(func.count()).select_from(standings).where(standings.c.outcome != "reopened")
        standing = connection.execute(query).scalar_one()
    answer = get("/campaigns", model=model, limit=200)
    credited = _sum(campaign["results"]["credit"] for campaign in answer["campaigns"])
    rest = get("/unattributed", model=model)
    unattributed = _sum(cause["credit"] for cause in rest["causes"])
    assert credited + unattributed == standing > 0
    assert 0 < unattributed < credited
    assert answer["totals"] == rest["totals"]
    assert answer["totals"]["standing"] == standing
    assert Decimal(answer["totals"]["credited"]) == credited
    assert Decimal(answer["totals"]["unattributed"]) == unattributed
    assert answer["totals"]["missing"] == "0"


def test_the_decisions_of_each_campaign_add_up_to_its_credit(
    get: Get, every: Every, model: AttributionModel
) -> None:
    for campaign in get("/campaigns", model=model, limit=200)["campaigns"]:
        path = f"/campaigns/{campaign['id']}/dispositions"
        found = every(get, path, "dispositions", model=model, limit=40)
        assert len({each["id"] for each in found}) == len(found) == campaign["results"]["decisions"]
        for outcome, credit in campaign["results"]["credits"].items():
            assert _sum(each["share"] for each in found if each["outcome"] == outcome) == Decimal(credit)
        for line in campaign["results"]["reasons"]:
            behind = [
                each
                for each in found
                if (each["outcome"], each["reason"]) == (line["outcome"], line["reason"])
            ]
            assert len(behind) == line["decisions"]
            assert _sum(each["share"] for each in behind) == Decimal(line["credit"])
            paid = [each["attributed_amount"] for each in behind if each["attributed_amount"]]
            assert _sum(each["amount"] for each in paid) == _sum(each["amount"] for each in line["amounts"])


def test_every_filter_of_a_campaign_adds_up_to_the_line_it_filters(get: Get, model: AttributionModel) -> None:
    campaign = get("/campaigns", model=model, limit=1)["campaigns"][0]
    for line in campaign["results"]["reasons"]:
        reason = {"reason": line["reason"]} if line["reason"] else {}
        path = f"/campaigns/{campaign['id']}/dispositions"
        answer = get(path, model=model, outcome=line["outcome"], limit=200, **reason)
        assert answer["sum"]["credit"] == line["credit"]
        assert answer["sum"]["decisions"] == len(answer["dispositions"]) == line["decisions"]


def test_the_unattributed_decisions_add_up_by_cause(get: Get, every: Every, model: AttributionModel) -> None:
    for cause in get("/unattributed", model=model)["causes"]:
        found = every(get, "/unattributed", "dispositions", model=model, cause=cause["cause"], limit=3)
        assert _sum(each["share"] for each in found) == Decimal(cause["credit"])
        assert {each["cause"] for each in found} == {cause["cause"]}
        assert {each["campaign"] for each in found} == {None}


def test_unmapped_reasons_are_the_decisions_that_are_unmapped(
    get: Get, site: Any, model: AttributionModel
) -> None:
    with site.engine.connect() as connection:
        query = select(func.count()).where(standings.c.reason == ReasonCode.UNMAPPED.value)
        unmapped = connection.execute(query).scalar_one()
    assert sum(each["decisions"] for each in get("/reasons")["unmapped"]) == unmapped > 0
    lines = [
        *(campaign["results"] for campaign in get("/campaigns", model=model, limit=200)["campaigns"]),
        *get("/unattributed", model=model)["causes"],
    ]
    credit = _sum(
        line["credit"] for each in lines for line in each["reasons"] if line["reason"] == "unmapped"
    )
    assert credit == unmapped
