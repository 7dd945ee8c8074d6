"""Queries as text, ids, and the cursor that says how far a poll has read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from closedloop.crm.salesforce.cursor import OVERLAP, Cursor, ObjectCursor, Place, Walk
from closedloop.crm.salesforce.ids import full_id
from closedloop.crm.salesforce.soql import chunks, instant, literal, one_of, select, since
from closedloop.errors import BadValueError, RefusedError
from closedloop.schema.vocabulary import ObjectType

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LEAD = "00QXx00000aBcD1MAK"
LATER = "00QXx00000aBcD2MAK"
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


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


@pytest.mark.parametrize("naive", [datetime(2026, 11, 20, 12), datetime.min])  # noqa: DTZ001, DTZ901 - the point
def test_a_naive_datetime_names_no_instant(naive: datetime) -> None:
    with pytest.raises(BadValueError):
        instant(naive)


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


LEADS = ObjectType.LEAD


def test_a_walk_vouches_for_nothing_within_the_overlap_before_it_began() -> None:
    walk = Walk().behind(Place(NOON, LEAD), NOON + MINUTE, OVERLAP)
    assert walk == Walk(known=Place(NOON + MINUTE - OVERLAP))


def test_a_walk_that_took_long_vouches_for_nothing_that_came_while_it_was_under_way() -> None:
    walk = Walk().within(Place(NOON - HOUR, LEAD), NOON).within(Place(NOON + HOUR, LEAD), NOON + HOUR)
    assert walk.start == Place(NOON + HOUR, LEAD)
    kept = Cursor.load(Cursor(walks={LEADS: walk}).dump()).of(LEADS)
    after = kept.behind(Place(NOON + 2 * HOUR, LATER), NOON + 2 * HOUR, OVERLAP)
    assert after == Walk(known=Place(NOON - OVERLAP))


def test_a_quiet_object_is_in_the_end_not_read_again() -> None:
    newest = Place(NOON, LEAD)
    walk = Walk().behind(newest, NOON, OVERLAP)
    assert walk.start == Place(NOON - OVERLAP)
    walk = walk.behind(newest, NOON + HOUR, OVERLAP)
    assert walk.start == newest
    assert walk.behind(None, NOON + 2 * HOUR, OVERLAP) == walk


def test_a_server_clock_that_is_wrong_does_not_lead_a_walk_past_rows_to_come() -> None:
    ahead = Walk().behind(Place(NOON, LEAD), NOON + 24 * HOUR, OVERLAP)
    assert ahead.start == Place(NOON, LEAD)


def test_nothing_read_is_nothing_known() -> None:
    assert Walk().behind(None, NOON, OVERLAP) == Walk()


def test_a_cursor_survives_being_kept() -> None:
    cursor = Cursor().after(LEADS, Walk(known=Place(NOON, LEAD)))
    within = cursor.after(ObjectType.OPPORTUNITY, Walk(known=Place(NOON), began=NOON, at=Place(NOON, LATER)))
    assert Cursor.load(cursor.dump()) == cursor
    assert Cursor.load(within.dump()) == within
    assert (cursor.walking, within.walking) == (None, ObjectType.OPPORTUNITY)
    assert within.of(ObjectType.OPPORTUNITY).start == Place(NOON, LATER)
    assert Cursor.load(None) == Cursor() == Cursor.load(Cursor().dump())


def test_a_cursor_of_the_first_version_goes_on_and_reads_the_overlap_once_more() -> None:
    mark = {"newest": [NOON.isoformat(), LEAD], "noted_at": NOON.isoformat(), "settled": True}
    kept = {"version": 1, "marks": {"lead": mark}, "walking": "lead", "at": [NOON.isoformat(), LEAD]}
    assert Cursor.load(json.dumps(kept)) == Cursor(walks={LEADS: Walk(known=Place(NOON - OVERLAP))})


def test_an_objects_cursor_survives_being_kept_and_is_no_other_objects() -> None:
    walks = {"Task": Walk(known=Place(NOON, LEAD)), "Event": Walk(began=NOON, at=Place(NOON, LATER))}
    cursor = ObjectCursor(object=ObjectType.ACTIVITY, walks=walks, seen=("a", "b"))
    assert ObjectCursor.load(cursor.dump(), ObjectType.ACTIVITY) == cursor
    for other in (lambda: ObjectCursor.load(cursor.dump(), LEADS), lambda: Cursor.load(cursor.dump())):
        with pytest.raises(RefusedError) as caught:
            other()
        assert caught.value.reason == "bad_cursor"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ada", "'Ada'"),
        ('O\'Neil \\ "x"', "'O\\'Neil \\\\ \\\"x\\\"'"),
        ("a\nb\tc", "'a\\nb\\tc'"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (7, "7"),
    ],
)
def test_a_value_gets_into_a_query_as_a_literal_that_it_cannot_end(
    value: str | int | Decimal, text: str
) -> None:
    assert literal(value) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "{}",
        "[]",
        "null",
        '{"version": 3, "walks": {}}',
        '{"version": 2}',
        '{"version": 2, "walks": []}',
        '{"version": 2, "walks": {"boat": {}}}',
        '{"version": 2, "walks": {"lead": {"known": ["2026-11-20T12:00:00", ""]}}}',
        '{"version": 2, "walks": {"lead": {"began": "2026-11-20T12:00:00"}}}',
        '{"version": 1}',
        '{"version": 1, "marks": []}',
        '{"version": 1, "marks": {"boat": {}}}',
        '{"version": 1, "marks": {"lead": {}}}',
    ],
)
def test_a_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        Cursor.load(text)
    assert caught.value.reason == "bad_cursor"
