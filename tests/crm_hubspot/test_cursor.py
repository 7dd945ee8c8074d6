"""Where a poll stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedloop.crm.hubspot.cursor import OVERLAP, PHASES, Cursor, cursor_of

moments = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)).map(  # noqa: DTZ001 - made UTC
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
)
cursors = st.builds(
    Cursor,
    phase=st.sampled_from(PHASES),
    after=st.none() | st.text(min_size=1),
    started=st.none() | moments,
    newest=st.none() | moments,
    marks=st.dictionaries(st.sampled_from(PHASES), moments),
    campaigns=st.lists(st.uuids().map(str), unique=True).map(tuple),
    members_after=st.none() | st.uuids().map(str),
)


@given(cursors)
def test_a_stored_cursor_is_read_back_as_it_was(cursor: Cursor) -> None:
    assert cursor_of(cursor.text()) == cursor


@given(st.text())
def test_what_is_no_cursor_starts_from_the_beginning(text: str) -> None:
    assert cursor_of(text) == Cursor()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"x"',
        "{}",
        '{"phase":"moon"}',
        '{"phase":"lead","marks":5}',
        '{"phase":"lead","campaigns":"!"}',
    ],
)
def test_a_damaged_cursor_starts_from_the_beginning(text: str) -> None:
    assert cursor_of(text) == Cursor()


STARTED = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("newest", "mark"),
    [
        (STARTED - timedelta(days=3), STARTED - timedelta(days=3)),
        (STARTED - timedelta(seconds=1), STARTED - OVERLAP),
        (STARTED + timedelta(hours=1), STARTED - OVERLAP),
    ],
)
def test_the_next_poll_begins_at_the_newest_change_but_never_within_the_overlap(
    newest: datetime, mark: datetime
) -> None:
    done = Cursor(phase="lead", started=STARTED).further(None, newest)
    assert done.marks == {"lead": mark}
    assert (done.phase, done.after, done.newest) == ("opportunity", None, None)


def test_a_phase_without_records_keeps_its_mark() -> None:
    before = {"lead": STARTED}
    assert Cursor(phase="lead", started=STARTED, marks=before).further(None, None).marks == before


def test_after_the_last_phase_the_next_poll_begins() -> None:
    done = Cursor(phase=PHASES[-1], started=STARTED).next_phase()
    assert (done.phase, done.started) == (PHASES[0], None)
