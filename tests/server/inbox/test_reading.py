"""Deliveries become 'these objects may have changed': floods, the same ones again, shuffled, and bad ones."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import DataError

from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline import inbox as pipeline
from closedloop_server.pipeline.inbox import read_inbox
from closedloop_server.store import hints, inbox
from closedloop_server.store.engine import writing

if TYPE_CHECKING:
    from tests.server.conftest import Loop

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def event(lead: int, number: int = 1, **values: Any) -> dict[str, Any]:
    return {
        "eventId": number,
        "portalId": 26051000,
        "appId": 777,
        "subscriptionType": "object.propertyChange",
        "objectId": lead,
        "objectTypeId": "0-136",
        **values,
    }


def arrive(loop: Loop, *batches: list[dict[str, Any]]) -> None:
    for each in batches:
        arrive_raw(loop, json.dumps(each).encode())


def arrive_raw(loop: Loop, body: bytes) -> None:
    with writing(loop.engine) as connection:
        inbox.keep(connection, "marketing", content_type="application/json", body=body, now=loop.clock())


def hinted(loop: Loop) -> set[str]:
    return {row["crm_id"] for row in loop.rows("hints")}


def transactions(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many deliveries each transaction of the reader marks."""
    marked: list[int] = []
    mark = inbox.mark_read

    def noting(connection: Any, outcomes: Any, **values: Any) -> None:
        marked.append(len(outcomes))
        mark(connection, outcomes, **values)

    monkeypatch.setattr(inbox, "mark_read", noting)
    return marked


def test_a_flood_about_few_objects_comes_down_to_those_objects_in_one_transaction(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = transactions(loop, monkeypatch)
    flood = [[event(lead, number) for lead in (1, 2, 3)] for number in range(60)]
    random.Random(5).shuffle(flood)
    arrive(loop, *flood)
    assert read_inbox(loop.services) == 60
    assert marked == [60]
    assert hinted(loop) == {"1", "2", "3"}
    assert {row["hints"] for row in loop.rows("inbox")} == {3}


def test_a_flood_about_many_objects_is_read_in_transactions_that_hold_up_nobody_for_long(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = transactions(loop, monkeypatch)
    arrive(loop, *([event(100 * batch + number) for number in range(100)] for batch in range(12)))
    assert read_inbox(loop.services) == 12
    assert marked == [3, 3, 3, 3]
    assert len(hinted(loop)) == 1200


@ON_SQLITE
def test_a_batch_ends_before_its_bodies_fill_the_memory(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_MOST_BYTES", 1_000)
    arrive(loop, *([event(1, number, propertyValue="x" * 400)] for number in range(5)))
    arrive(loop, [event(2, propertyValue="x" * 5_000)])
    assert [read_inbox(loop.services) for _ in range(6)] == [1, 1, 1, 1, 1, 1]
    assert read_inbox(loop.services) == 0
    assert hinted(loop) == {"1", "2"}


def test_one_that_says_what_cannot_be_noted_is_kept_with_the_reason_and_spoils_no_other(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    arrive(loop, [event(1)], [event(666)], [event(3)])
    note = hints.note

    def refusing(connection: Any, name: str, refs: set[Ref], **values: Any) -> int:
        if Ref(ObjectType.LEAD, "666") in refs:
            raise DataError("INSERT INTO hints", {}, Exception("ann@example.com"))
        return note(connection, name, refs, **values)

    monkeypatch.setattr(hints, "note", refusing)
    assert read_inbox(loop.services) == 3
    assert hinted(loop) == {"1", "3"}
    errors = [row["error"] for row in sorted(loop.rows("inbox"), key=lambda row: int(row["id"]))]
    assert errors == [None, "unreadable: what it says cannot be noted (DataError)", None]
    assert read_inbox(loop.services) == 0
    assert "noting it failed with DataError" in caplog.text
    assert "ann@" not in caplog.text


def test_a_database_that_is_away_leaves_every_delivery_to_be_read_later(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(loop, [event(1)])

    def away(*_: Any, **__: Any) -> int:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(hints, "note", away)
        with pytest.raises(ConnectionError):
            read_inbox(loop.services)
    assert [row["read_at"] for row in loop.rows("inbox")] == [None]
    assert read_inbox(loop.services) == 1
    assert hinted(loop) == {"1"}


def test_what_comes_late_about_an_erased_person_is_read_and_emptied(loop: Loop) -> None:
    contact = {"objectTypeId": "0-1", "propertyValue": "ann@example.com"}
    erasing = event(501, subscriptionType="contact.privacyDeletion")
    arrive(loop, [erasing])
    loop.one_round()
    arrive(loop, [event(501, 2, **contact)], [event(502, 3, **contact)])
    loop.one_round()
    rows = sorted(loop.rows("inbox"), key=lambda row: int(row["id"]))
    assert [bool(row["body"]) for row in rows] == [False, False, True]
    late = rows[1]
    assert (late["emptied"], late["emptied_at"], late["hints"]) == ("privacy", loop.clock(), 1)


@ON_SQLITE
@pytest.mark.parametrize("body", [b"{not json", b"[{}]", b'["x"]', b"\xff"])
def test_a_reader_meets_in_the_table_what_no_webhook_would_have_taken(loop: Loop, body: bytes) -> None:
    arrive_raw(loop, body)
    arrive(loop, [event(1)])
    assert read_inbox(loop.services) == 2
    broken, good = sorted(loop.rows("inbox"), key=lambda row: int(row["id"]))
    assert broken["error"].split(":")[0] in {"not_json", "bad_event", "not_events"}
    assert (good["error"], good["hints"]) == (None, 1)
