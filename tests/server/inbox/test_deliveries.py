"""Deliveries are listed, looked at, read once more, and emptied when they are old."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from closedloop_server.pipeline.inbox import read_inbox
from closedloop_server.store import deliveries, inbox
from closedloop_server.store.deliveries import Kept, Selection, State
from closedloop_server.store.engine import reading, writing
from closedloop_server.store.inbox import Emptied

if TYPE_CHECKING:
    from tests.server.conftest import Loop


@pytest.fixture
def loop_with_deliveries(loop: Loop) -> Loop:
    """Six deliveries, an hour apart: the odd ones to sales, unreadable; the even to marketing, 6 unread."""
    for number in range(1, 7):
        if number == 6:
            read_inbox(loop.services)
        name = "marketing" if number % 2 == 0 else "sales"
        body = b'[{"eventId": %d, "portalId": 26051000, "appId": 777, ' % number
        body += b'"subscriptionType": "contact.creation", "objectId": %d}]' % number
        with writing(loop.engine) as connection:
            inbox.keep(connection, name, content_type="application/json", body=body, now=loop.clock())
        loop.clock.pass_(hours=1)
    return loop


def listed(
    loop: Loop, selection: Selection | None = None, *, limit: int = 50, before: int | None = None
) -> list[Kept]:
    with reading(loop.engine) as connection:
        return deliveries.listed(connection, selection or Selection(), limit=limit, before=before)


def ids(found: list[Kept]) -> list[int]:
    return [each.id for each in found]


def replay(loop: Loop, selection: Selection, *, limit: int = deliveries.PORTION) -> int:
    now = loop.clock()
    total = 0
    while True:
        with writing(loop.engine) as connection:
            count = deliveries.replay(connection, selection, now=now, limit=limit)
        total += count
        if not count:
            return total


def hours(loop: Loop, count: int) -> datetime:
    """The time that many hours ago."""
    return loop.clock() - timedelta(hours=count)


def test_the_newest_comes_first_a_page_at_a_time(loop_with_deliveries: Loop) -> None:
    first = listed(loop_with_deliveries, limit=4)
    assert ids(first) == [6, 5, 4, 3]
    assert ids(listed(loop_with_deliveries, limit=4, before=first[-1].id)) == [2, 1]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(connection="sales"), [5, 3, 1]),
        (Selection(state=State.WAITING), [6]),
        (Selection(state=State.READ), [4, 2]),
        (Selection(state=State.UNREADABLE), [5, 3, 1]),
        (Selection(first=2, last=4), [4, 3, 2]),
        (Selection(first=5), [6, 5]),
        (Selection(connection="marketing", state=State.READ, last=3), [2]),
        (Selection(connection="nobody"), []),
    ],
    ids=["connection", "waiting", "read", "unreadable", "ids", "from", "several", "none"],
)
def test_a_selection_takes_what_fulfils_all_of_it(
    loop_with_deliveries: Loop, selection: Selection, expected: list[int]
) -> None:
    assert ids(listed(loop_with_deliveries, selection)) == expected


def test_times_are_since_and_until(loop_with_deliveries: Loop) -> None:
    loop = loop_with_deliveries
    assert ids(listed(loop, Selection(since=hours(loop, 5), until=hours(loop, 2)))) == [4, 3, 2]


def test_a_selection_of_everything_says_so() -> None:
    assert Selection().everything
    assert not Selection(first=0).everything


def test_one_is_looked_at_with_its_body_and_what_became_of_it(loop_with_deliveries: Loop) -> None:
    with reading(loop_with_deliveries.engine) as connection:
        found = deliveries.one(connection, 2)
        unread = deliveries.one(connection, 6)
        assert deliveries.one(connection, 7) is None
    assert found is not None
    assert unread is not None
    kept, body = found
    assert (kept.connection, kept.state, kept.hints, kept.size) == ("marketing", State.READ, 1, len(body))
    assert b'"eventId": 2' in body
    assert kept.replayable
    assert (unread[0].state, unread[0].replayable) == (State.WAITING, False)


def test_a_replayed_delivery_is_read_once_more_and_notes_when_and_how_often(
    loop_with_deliveries: Loop,
) -> None:
    loop = loop_with_deliveries
    for times in (1, 2):
        loop.clock.pass_(hours=1)
        assert replay(loop, Selection(first=2, last=2)) == 1
        (waiting,) = listed(loop, Selection(first=2, last=2))
        assert (waiting.state, waiting.hints, waiting.replays) == (State.WAITING, None, times)
        read_inbox(loop.services)
        (read,) = listed(loop, Selection(first=2, last=2))
        assert (read.state, read.hints) == (State.READ, 1)
        assert (read.replays, read.replayed_at) == (times, loop.clock())
        assert {row["crm_id"] for row in loop.rows("hints")} >= {"2"}


def test_a_range_is_replayed_in_portions_each_one_once_though_the_reader_is_at_work(
    loop_with_deliveries: Loop,
) -> None:
    loop = loop_with_deliveries
    read_inbox(loop.services)
    now, taken = loop.clock(), 0
    for _ in range(20):
        with writing(loop.engine) as connection:
            count = deliveries.replay(connection, Selection(first=1, last=5), now=now, limit=2)
        taken += count
        read_inbox(loop.services)
    assert taken == 5
    assert [each.replays for each in listed(loop)] == [0, 1, 1, 1, 1, 1]


def test_one_that_waits_anyway_is_not_replayed(loop_with_deliveries: Loop) -> None:
    assert replay(loop_with_deliveries, Selection(first=6, last=6)) == 0
    assert listed(loop_with_deliveries)[0].replays == 0


def test_old_bodies_are_emptied_in_portions_and_say_so(loop_with_deliveries: Loop) -> None:
    loop = loop_with_deliveries
    emptied = []
    for _ in range(4):
        with writing(loop.engine) as connection:
            emptied.append(
                inbox.empty_before(
                    connection, hours(loop, 3) + timedelta(minutes=1), limit=3, now=loop.clock()
                )
            )
    assert emptied == [3, 1, 0, 0]
    assert [each.emptied for each in listed(loop)] == [None, None, *([Emptied.RETENTION] * 4)]
    with reading(loop.engine) as connection:
        found = deliveries.one(connection, 2)
    assert found is not None
    kept, body = found
    assert (body, kept.size, kept.hints, kept.emptied_at) == (b"", 0, 1, loop.clock())
    assert not kept.replayable
    assert replay(loop, Selection(first=1, last=4)) == 0


def test_one_that_was_never_read_is_not_emptied_however_old(loop_with_deliveries: Loop) -> None:
    loop = loop_with_deliveries
    loop.clock.pass_(days=1000)
    with writing(loop.engine) as connection:
        assert inbox.empty_before(connection, loop.clock(), limit=100, now=loop.clock()) == 5
    assert ids(listed(loop, Selection(state=State.WAITING))) == [6]
    assert listed(loop)[0].size > 0


def test_the_same_bytes_are_known_after_their_body_was_emptied(loop_with_deliveries: Loop) -> None:
    loop = loop_with_deliveries
    with reading(loop.engine) as connection:
        found = deliveries.one(connection, 2)
    assert found is not None
    with writing(loop.engine) as connection:
        inbox.empty(connection, [2], why=Emptied.RETENTION, now=loop.clock())
        again = inbox.keep(
            connection, "marketing", content_type="application/json", body=found[1], now=loop.clock()
        )
    assert again is False
    assert len(loop.rows("inbox")) == 6
