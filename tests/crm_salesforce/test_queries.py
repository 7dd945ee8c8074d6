"""Queries as text, ids, and the cursor that says how far a poll has read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from closedloop.crm.salesforce.cursor import OVERLAP, Cursor, Mark, Place
from closedloop.crm.salesforce.ids import full_id
from closedloop.crm.salesforce.soql import chunks, instant, one_of, select, since
from closedloop.errors import RefusedError
from closedloop.schema.vocabulary import ObjectType

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LEAD = "00QXx00000aBcD1MAK"
LATER = "00QXx00000aBcD2MAK"
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("clauses", "query"),
    [
        ({}, "SELECT Id, Name FROM Lead"),
        ({"where": "Id != null"}, "SELECT Id, Name FROM Lead WHERE Id != null"),
        (
            {"where": "Id != null", "order": "Id", "limit": 5},
            "SELECT Id, Name FROM Lead WHERE Id != null ORDER BY Id LIMIT 5",
        ),
    ],
)
def test_a_query_has_the_clauses_given(clauses: dict[str, object], query: str) -> None:
    assert select(("Id", "Name"), "Lead", **clauses) == query  # type: ignore[arg-type]  # a table of keywords


def test_the_rows_behind_a_row_are_those_of_its_stamp_with_a_later_id_and_all_newer_ones() -> None:
    assert since(NOON, LEAD) == (
        "(SystemModstamp > 2026-11-20T12:00:00.000Z OR "
        f"(SystemModstamp = 2026-11-20T12:00:00.000Z AND Id > '{LEAD}'))"
    )
    assert since(NOON) == "SystemModstamp >= 2026-11-20T12:00:00.000Z"


def test_an_instant_is_written_in_utc_with_a_z() -> None:
    there = datetime(2026, 11, 20, 14, 0, 0, 7000, tzinfo=timezone(timedelta(hours=2)))
    assert instant(there) == "2026-11-20T12:00:00.007Z"


def test_ids_are_quoted_in_their_long_form() -> None:
    assert one_of("LeadId", [LEAD[:15], LATER]) == f"LeadId IN ('{LEAD}','{LATER}')"


@pytest.mark.parametrize(
    "strange",
    [
        "",
        "x",
        "' OR Name != '",
        "//evil.example/a",
        "../../limits",
        "00QXx00000aBcD1M",
        "00QXx00000aBcD\u0661MAK",
        None,
        5,
    ],
)
def test_what_is_no_id_gets_into_no_query(strange: object) -> None:
    with pytest.raises(ValueError, match="Salesforce id"):
        full_id(strange)
    with pytest.raises(ValueError, match="Salesforce id"):
        one_of("Id", [strange])  # type: ignore[list-item]  # on purpose


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (200, [200]), (201, [200, 1]), (400, [200, 200])]
)
def test_values_are_cut_into_chunks(count: int, sizes: list[int]) -> None:
    assert [len(chunk) for chunk in chunks(range(count), 200)] == sizes


def walked(cursor: Cursor, last: Place | None, at: datetime, *, interrupted: bool = False) -> Cursor:
    """A walk of the leads that began and ended at `at`."""
    return cursor.behind(ObjectType.LEAD, last, began_at=None if interrupted else at, now=at)


def test_a_walk_begins_some_minutes_before_the_newest_row_known() -> None:
    cursor = walked(Cursor(), Place(NOON, LEAD), NOON + MINUTE)
    assert cursor.start(ObjectType.LEAD) == Place(NOON - OVERLAP)
    assert cursor.start(ObjectType.CONTACT) is None


def test_once_all_late_rows_must_have_come_a_quiet_object_is_not_read_again() -> None:
    newest = Place(NOON, LEAD)
    cursor = walked(Cursor(), newest, NOON)
    cursor = walked(cursor, newest, NOON + OVERLAP - MINUTE)
    assert cursor.start(ObjectType.LEAD) == Place(NOON - OVERLAP)
    cursor = walked(cursor, newest, NOON + OVERLAP)
    assert cursor.start(ObjectType.LEAD) == newest
    assert walked(cursor, None, NOON + 3 * OVERLAP) == cursor


def test_a_new_row_opens_the_overlap_again() -> None:
    cursor = Cursor(marks={ObjectType.LEAD: Mark(newest=Place(NOON, LEAD), noted_at=NOON, settled=True)})
    cursor = walked(cursor, Place(NOON + MINUTE, LEAD), NOON + OVERLAP)
    assert cursor.start(ObjectType.LEAD) == Place(NOON + MINUTE - OVERLAP)


def test_a_walk_that_was_interrupted_settles_nothing() -> None:
    newest = Place(NOON, LEAD)
    cursor = walked(walked(Cursor(), newest, NOON), newest, NOON + 2 * OVERLAP, interrupted=True)
    assert cursor.start(ObjectType.LEAD) == Place(NOON - OVERLAP)


def test_a_cursor_survives_being_kept() -> None:
    cursor = walked(Cursor(), Place(NOON, LEAD), NOON)
    within = cursor.within(ObjectType.OPPORTUNITY, Place(NOON, LATER))
    assert Cursor.load(cursor.dump()) == cursor
    assert Cursor.load(within.dump()) == within
    assert within.start(ObjectType.OPPORTUNITY) == Place(NOON, LATER)
    assert Cursor.load(None) == Cursor() == Cursor.load(Cursor().dump())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "{}",
        "[]",
        "null",
        '{"version": 2, "marks": {}}',
        '{"version": 1}',
        '{"version": 1, "marks": []}',
        '{"version": 1, "marks": {"boat": {}}}',
        '{"version": 1, "marks": {"lead": {}}}',
        '{"version": 1, "marks": {"lead": {"newest": ["2026-11-20T12:00:00", ""], "noted_at": "x"}}}',
        '{"version": 1, "marks": {}, "walking": "lead"}',
        '{"version": 1, "marks": {}, "walking": "lead", "at": ["2026-11-20T12:00:00", ""]}',
    ],
)
def test_a_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        Cursor.load(text)
    assert caught.value.reason == "bad_cursor"
