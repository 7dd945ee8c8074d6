"""What becomes an event, how often, what it says, and to whom it is sent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update
from tests.server.subscriptions.conftest import Post

from closedloop.schema.records import Money, Ref
from closedloop.schema.vocabulary import AttributionModel, CrmName, ObjectType
from closedloop_server.pipeline.replay import replay
from closedloop_server.store import stale
from closedloop_server.store.engine import reading, writing
from closedloop_server.store.rows import Key
from closedloop_server.store.tables import events as table
from closedloop_server.subscriptions import events, forgetting
from closedloop_server.subscriptions.event_types import EventType
from closedloop_server.subscriptions.payloads import DATA, Envelope

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

LEAD, OPPORTUNITY = ObjectType.LEAD, ObjectType.OPPORTUNITY


def types_of(loop: Loop) -> list[str]:
    """The types of all events, in the order in which they were learned."""
    rows = loop.rows("events")
    return [row["type"] for row in sorted(rows, key=lambda row: (row["learned_at"], row["type"]))]


def data_of(loop: Loop, type_: str) -> dict[str, Any]:
    (row,) = loop.rows("events", type=type_)
    data: dict[str, Any] = row["payload"]["data"]
    return data


@pytest.mark.parametrize(
    ("stage", "reason", "type_"),
    [
        ("Qualified", None, "lead.accepted"),
        ("Nurturing", "Bad timing", "lead.recycled"),
        ("Unqualified", "No budget", "lead.disqualified"),
        ("Unqualified", "Duplicate", "lead.no_action"),
    ],
)
def test_a_decision_about_a_lead_is_one_event_however_often_it_is_read(
    loop: Loop, salesforce: Make, stage: str, reason: str | None, type_: str
) -> None:
    loop.sales.put(salesforce.lead("L1", stage, reason=reason, stage_changed_at=loop.clock()))
    loop.poll()
    loop.hint("sales", Ref(LEAD, "L1"))
    loop.settle()
    with writing(loop.engine) as connection:
        stale.note(connection, stale.Work.SUBJECT, [Key("sales", LEAD, "L1")])
    loop.turn()
    assert types_of(loop) == [type_]


def test_an_opportunity_that_is_lost_reopened_and_won_is_three_events(loop: Loop, salesforce: Make) -> None:
    for stage in ("Closed Lost", "Prospecting", "Closed Won"):
        loop.clock.pass_(hours=1)
        now = loop.clock()
        loop.sales.put(salesforce.opportunity("O1", stage, stage_changed_at=now, updated_at=now))
        loop.poll()
    assert types_of(loop) == ["opportunity.lost", "opportunity.reopened", "opportunity.won"]
    won = data_of(loop, "opportunity.won")
    assert won["previous"] == {"outcome": "reopened", "reason": None}
    assert won["amount"] == {"amount": "1000", "currency": "EUR"}
    assert won["entry"] == 3
    assert data_of(loop, "opportunity.lost")["previous"] is None


def test_the_campaigns_credited_come_with_it_and_of_what_is_taken_back_those_that_had_been(
    loop: Loop, salesforce: Make
) -> None:
    loop.services = replace(
        loop.services, settings=replace(loop.services.settings, attribution=AttributionModel.LINEAR)
    )
    before = loop.clock()
    for campaign, member in (("C1", "M1"), ("C2", "M2")):
        loop.sales.put(salesforce.campaign(campaign))
        loop.sales.put(salesforce.member(member, campaign, lead_id="L1", touched_at=before))
    for stage in ("Unqualified", "Working"):
        loop.clock.pass_(hours=1)
        now = loop.clock()
        loop.sales.put(
            salesforce.lead(
                "L1", stage, reason="No budget", stage_changed_at=now, stage_changed_by="U1", updated_at=now
            )
        )
        loop.poll()
    credited = {
        "model": "linear",
        "campaigns": [{"id": "sales:C1", "share": "0.5"}, {"id": "sales:C2", "share": "0.5"}],
        "unattributed": [],
    }
    told = data_of(loop, "lead.disqualified")
    assert told["attribution"] == credited
    assert (told["reason"], told["reason_label"], told["decided_by"]) == (
        "no_budget",
        "No budget",
        "sales:U1",
    )
    reopened = data_of(loop, "lead.reopened")
    assert reopened["attribution"] == credited
    assert reopened["previous"] == {"outcome": "disqualified", "reason": "no_budget"}


def test_what_nobody_is_credited_with_says_why(loop: Loop, salesforce: Make) -> None:
    loop.sales.put(salesforce.opportunity("O1", "Closed Lost", stage_changed_at=loop.clock()))
    loop.poll()
    told = data_of(loop, "opportunity.lost")
    assert told["attribution"]["campaigns"] == []
    assert told["attribution"]["unattributed"] == [{"share": "1", "cause": "no_person"}]


def test_a_reason_that_no_rule_knows_is_an_event_beside_the_decision(loop: Loop, salesforce: Make) -> None:
    loop.sales.put(
        salesforce.lead("L1", "Unqualified", reason="The dog ate it", stage_changed_at=loop.clock())
    )
    loop.poll()
    assert types_of(loop) == ["lead.disqualified", "reason.unmapped"]
    assert data_of(loop, "reason.unmapped")["raw_reason"] is None


def test_the_crms_own_words_are_sent_only_when_the_settings_say_so_and_go_when_somebody_is_erased(
    loop: Loop, salesforce: Make
) -> None:
    settings = loop.services.settings
    loop.services = replace(
        loop.services, settings=replace(settings, webhooks=replace(settings.webhooks, raw_reasons=True))
    )
    loop.sales.put(
        salesforce.lead("L1", "Unqualified", reason="The dog ate it", stage_changed_at=loop.clock())
    )
    loop.poll()
    assert data_of(loop, "reason.unmapped")["raw_reason"] == "The dog ate it"
    with writing(loop.engine) as connection:
        assert forgetting.erase_answers_about(connection, [Key("sales", LEAD, "L1")]) == 2
    assert "The dog ate it" not in repr(loop.rows("events"))


def test_no_payload_holds_what_is_said_about_a_person(loop: Loop, salesforce: Make) -> None:
    now = loop.clock()
    loop.sales.put(salesforce.campaign("C1"))
    loop.sales.put(salesforce.member("M1", "C1", lead_id="L1", touched_at=now))
    loop.sales.put(
        salesforce.lead(
            "L1",
            "Unqualified",
            name="Ann Example",
            email="ann@example.com",
            phone="+49 30 1234",
            company="Example AG",
            title="Head of Examples",
            reason="No budget",
            reason_note="Ann said next year",
            stage_changed_at=now,
        )
    )
    loop.poll()
    told = json.dumps([row["payload"] for row in loop.rows("events")])
    assert "L1" in told
    assert not [word for word in ("Ann", "ann@", "1234", "Example AG", "Head") if word in told]


def test_a_back_fill_of_years_is_no_news_but_what_was_decided_lately_is(loop: Loop, salesforce: Make) -> None:
    now = loop.clock()
    for days in (1, 6, 8, 400):
        decided = loop.clock.pass_(days=-days)
        loop.sales.put(
            salesforce.lead(f"L{days}", "Unqualified", stage_changed_at=decided, updated_at=decided)
        )
        loop.clock.now = now
    loop.poll()
    assert len(loop.rows("ledger")) == 4
    assert sorted(row["crm_id"] for row in loop.rows("events")) == ["L1", "L6"]


def test_a_new_mapping_tells_of_nothing_that_stays_the_same(loop: Loop, salesforce: Make) -> None:
    loop.sales.put(salesforce.lead("L1", "Unqualified", reason="No budget", stage_changed_at=loop.clock()))
    loop.poll()
    replay(loop.services)
    loop.services = replace(loop.services, mappings=replace(loop.services.mappings, version="another"))
    replay(loop.services)
    loop.turn()
    assert types_of(loop) == ["lead.disqualified"]


def test_every_payload_is_in_the_form_that_is_documented(loop: Loop, salesforce: Make) -> None:
    now = loop.clock()
    loop.sales.put(salesforce.lead("L1", "Unqualified", reason="Odd", stage_changed_at=now))
    loop.sales.put(
        salesforce.opportunity(
            "O1",
            "Closed Won",
            stage_changed_at=now,
            amount=Money(amount=1, currency=None),  # type: ignore[arg-type]
        )
    )
    loop.poll()
    rows = loop.rows("events")
    assert len(rows) == 3
    for row in rows:
        loaded = Envelope().load(row["payload"])
        assert DATA[loaded["type"]].load(loaded["data"])


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({}, {"L1", "D1"}),
        ({"types": ["lead.disqualified"]}, {"L1"}),
        ({"connections": ["marketing"]}, {"D1"}),
        ({"types": ["lead.disqualified"], "connections": ["marketing"]}, set()),
    ],
    ids=["all", "a type", "a connection", "a type elsewhere"],
)
def test_a_subscription_is_told_what_it_is_for(
    loop: Loop, post: Post, salesforce: Make, chosen: dict[str, Any], told: set[str]
) -> None:
    id_ = post.subscribe("http://127.0.0.1:1025/", **chosen).subscription.id
    hubspot = replace(salesforce, crm=CrmName.HUBSPOT)
    now = loop.clock()
    loop.sales.put(salesforce.lead("L1", "Unqualified", reason="No budget", stage_changed_at=now))
    loop.marketing.put(
        hubspot.opportunity("D1", "closedlost", closed=True, won=False, stage_changed_at=now, updated_at=now)
    )
    loop.poll()
    ids = {row["id"]: row["crm_id"] for row in loop.rows("events")}
    assert {ids[row["event_id"]] for row in loop.rows("sendings", subscription_id=id_)} == told


def test_a_transaction_that_fails_leaves_no_event_and_no_sending(
    loop: Loop, post: Post, salesforce: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    post.subscribe("http://127.0.0.1:1025/")
    loop.sales.put(salesforce.lead("L1", "Unqualified", reason="No budget", stage_changed_at=loop.clock()))

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(stale, "strike", fail)
        with pytest.raises(RuntimeError):
            loop.poll()
    assert (loop.rows("ledger"), loop.rows("events"), loop.rows("sendings")) == ([], [], [])
    loop.turn()
    assert (len(loop.rows("ledger")), len(loop.rows("events")), len(loop.rows("sendings"))) == (1, 1, 1)


def test_the_latest_events_are_listed_by_type(loop: Loop, salesforce: Make) -> None:
    for number in range(3):
        now = loop.clock.pass_(seconds=1)
        loop.sales.put(salesforce.lead(f"L{number}", "Unqualified", reason="Odd", stage_changed_at=now))
        loop.poll()
    with reading(loop.engine) as connection:
        found = events.recent(connection, types=[EventType.REASON_UNMAPPED], limit=2)
    assert [event.subject for event in found] == [Key("sales", LEAD, "L2"), Key("sales", LEAD, "L1")]
    with writing(loop.engine) as connection:
        assert events.append(connection, found) == 0
        connection.execute(update(table).values(type="lead.recycled"))
