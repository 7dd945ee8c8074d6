"""A connection's records are all of one organisation."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from closedloop.errors import RefusedError
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline.derive import derive
from closedloop_server.pipeline.expand import expand
from closedloop_server.pipeline.publish import publish
from closedloop_server.pipeline.refresh import refresh
from closedloop_server.store import readings
from closedloop_server.store.engine import reading
from closedloop_server.work.kinds import Kind, Work
from closedloop_server.work.reading import read_crm
from closedloop_server.work.telling import tell_crm

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

OTHER = "00D5g000009OTHER"


@pytest.fixture
def read(loop: Loop, salesforce: Make) -> Loop:
    """A lead that was rejected, and its campaign that shows it."""
    loop.sales.put(salesforce.lead("L1", "Unqualified"))
    loop.sales.put(salesforce.member("M1", "C1", lead_id="L1"))
    turn(loop)
    return loop


def turn(loop: Loop) -> None:
    read_crm(loop.services, Work(Kind.READ, "sales"), lambda: None)
    loop.turn()


def pointed_at(loop: Loop, organisation_id: str) -> Loop:
    """The same server after its settings were edited."""
    sales, marketing = loop.services.settings.connections
    settings = replace(
        loop.services.settings, connections=(replace(sales, organisation_id=organisation_id), marketing)
    )
    return replace(loop, services=replace(loop.services, settings=settings))


def organisation(loop: Loop) -> str | None:
    with reading(loop.engine) as connection:
        return readings.progress(connection, "sales").organisation


def test_it_is_noted_whose_records_they_are(read: Loop) -> None:
    assert organisation(read) == read.sales.organisation_id[:15]


def test_credentials_of_another_organisation_than_the_settings_say_read_nothing(
    loop: Loop, salesforce: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(loop.sales), "organisation_id", OTHER)
    loop.sales.put(salesforce.lead("L1", "Unqualified"))
    with pytest.raises(RefusedError) as refused:
        turn(loop)
    assert refused.value.reason == "other_organisation"
    assert loop.rows("records") == []


def test_an_organisation_id_of_15_characters_is_the_same_as_that_of_18(read: Loop) -> None:
    shorter = pointed_at(read, read.sales.organisation_id[:15])
    turn(shorter)
    assert len(shorter.rows("records", deleted=False)) == len(read.sales.records)


def test_a_connection_that_is_pointed_at_another_organisation_begins_anew_and_says_so(
    read: Loop, salesforce: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read.clock.pass_(days=1)
    monkeypatch.setattr(type(read.sales), "organisation_id", OTHER)
    read.sales.records.clear()
    read.sales.put(salesforce.lead("L2", "Working"))
    moved = pointed_at(read, OTHER)
    with caplog.at_level(logging.WARNING):
        turn(moved)
    assert "is now connected to" in caplog.text
    assert organisation(moved) == OTHER[:15]
    there = {row["crm_id"] for row in moved.rows("records", deleted=False)}
    assert there == {"L2"}
    assert [row["outcome"] for row in moved.rows("ledger", crm_id="L1")] == ["disqualified", "reopened"]


def test_the_same_records_in_the_other_organisation_come_to_life_again(
    read: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refreshed Salesforce sandbox has a new id, and the records' ids and times of the org it copies."""
    monkeypatch.setattr(type(read.sales), "organisation_id", OTHER)
    read.sales.shown.clear()
    read.clock.pass_(days=1)
    moved = pointed_at(read, OTHER)
    turn(moved)
    assert {row["crm_id"] for row in moved.rows("records", deleted=False)} == {
        ref.id for ref in read.sales.records
    }
    assert moved.sales.shown.keys() >= {"campaign|C1"}


def test_a_connection_is_told_nothing_that_was_worked_out_for_another_organisation(
    read: Loop, salesforce: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(Kind.TELL, "sales")
    read.sales.put(salesforce.lead("L2", "Unqualified"))
    read.sales.put(salesforce.member("M2", "C1", lead_id="L2"))
    read.hint("sales", Ref(ObjectType.LEAD, "L2"))
    read.clock.pass_(seconds=read.services.settings.settle_seconds)
    refresh(read.services, "sales")
    while sum(step(read.services) for step in (expand, derive, publish)):
        pass
    told = len(read.sales.told)
    monkeypatch.setattr(type(read.sales), "organisation_id", OTHER)
    for loop in (read, pointed_at(read, OTHER)):
        with pytest.raises(RefusedError) as refused:
            tell_crm(loop.services, work, lambda: None)
        assert refused.value.reason == "other_organisation"
    assert len(read.sales.told) == told
    monkeypatch.undo()
    tell_crm(read.services, work, lambda: None)
    assert len(read.sales.told) > told


def test_webhooks_of_the_organisation_before_are_not_followed_into_the_new_one(
    read: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    read.hint("sales", Ref(ObjectType.LEAD, "L1"))
    monkeypatch.setattr(type(read.sales), "organisation_id", OTHER)
    moved = pointed_at(read, OTHER)
    read.sales.records.clear()
    turn(moved)
    assert moved.rows("hints") == []
