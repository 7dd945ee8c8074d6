"""A call that was begun and has no result: whoever comes next makes the target show what it should."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tests.server.conftest import Loop
from tests.server.delivering.conftest import Teller, person, read_, take_over

from closedloop.crm import retry
from closedloop.errors import AuthenticationError, QuotaError, RetryableError
from closedloop.loop.feedback import Delivery, DeliveryResult, Feedback
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline.deliver import ARRIVAL_SECONDS, CALL_SECONDS, next_due
from closedloop_server.store import feedback, personal, telling
from closedloop_server.store.engine import writing
from closedloop_server.store.leases import SupersededError
from closedloop_server.store.rows import Key

KEY = "person|campaign_member|M1"
LATE = CALL_SECONDS + ARRIVAL_SECONDS


def test_what_is_being_told_is_marked_before_the_call_and_not_after(teller: Teller) -> None:
    teller.want(person("M1"))
    marks = []
    telling_ = teller.crm.deliver

    def looking(values: Sequence[Feedback]) -> list[DeliveryResult]:
        marks.extend(teller.loop.rows("tellings"))
        return list(telling_(values))

    teller.crm.deliver = looking
    teller.tell()
    (mark,) = marks
    assert (mark["key"], mark["lease"], mark["call"]) == (KEY, teller.services.lease, 1)
    assert mark["digest"] == teller.row("desired", KEY)["digest"]
    assert teller.loop.rows("tellings") == []


def test_what_the_crm_took_last_is_kept_with_what_it_had_taken_before(teller: Teller) -> None:
    teller.want(person("M1", "first"))
    teller.tell()
    teller.want(person("M1", "second"))
    teller.loop.clock.pass_(minutes=5)
    teller.tell()
    row = teller.row("delivered", KEY)
    assert (row["shown"]["note"], row["before"]["note"]) == ("second", "first")
    assert (row["shown_digest"], row["shown_at"], row["call"]) == (row["digest"], teller.loop.clock(), 4)


def test_a_value_that_goes_back_to_what_was_told_before_it_is_told_is_not_told(teller: Teller) -> None:
    teller.want(person("M1", "first"))
    teller.tell()
    teller.want(person("M1", "second"))
    teller.want(person("M1", "first"))
    assert teller.tell_all() == 0
    assert teller.told(KEY) == 1
    assert not read_(teller.loop, telling.waiting, ["sales"])


def test_a_result_that_was_lost_has_the_value_told_at_once_and_no_more_than_that(teller: Teller) -> None:
    teller.want(person("M1"))
    teller.die_after_the_call()
    assert take_over(teller.loop).tell_all() == 1
    teller.loop.clock.pass_(seconds=LATE)
    assert take_over(teller.loop).tell_all() == 0
    assert teller.told(KEY) == 2
    assert teller.loop.rows("tellings") == []


def test_a_lost_call_that_said_something_else_cannot_have_the_last_word(teller: Teller) -> None:
    teller.want(person("M1", "old"))
    old = person("M1", "old")
    teller.die_before_the_call()
    teller.want(person("M1", "new"))
    successor = take_over(teller.loop)
    successor.tell_all()
    teller.crm.shown[KEY] = old  # it arrives after all
    assert successor.tell_all() == 0
    due = next_due(successor.services, "sales")
    assert due is not None
    teller.loop.clock.now = due
    assert successor.tell_all() == 1
    assert teller.crm.shown[KEY].note == "new"
    teller.loop.clock.pass_(days=1)
    assert successor.tell_all() == 0
    assert teller.loop.rows("tellings") == []


def test_a_lost_call_is_waited_for_as_long_as_a_call_can_take(teller: Teller) -> None:
    teller.want(person("M1", "old"))
    begun = teller.loop.clock()
    teller.die_before_the_call()
    teller.want(person("M1", "new"))
    successor = take_over(teller.loop)
    successor.tell_all()
    due = next_due(successor.services, "sales")
    assert due is not None
    assert (due - begun).total_seconds() == LATE


def test_a_worker_that_stood_still_after_its_mark_sends_nothing_when_its_time_is_over(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    teller.want(person("M1"))
    beginning = telling.begin

    def standing_still(*args: Any, **kwargs: Any) -> None:
        beginning(*args, **kwargs)
        monkeypatch.undo()
        teller.loop.clock.pass_(seconds=CALL_SECONDS)

    monkeypatch.setattr(telling, "begin", standing_still)
    assert teller.tell() == 1
    assert (teller.told(KEY), teller.loop.rows("tellings")) == (0, [])
    assert teller.tell_all() == 1
    assert teller.told(KEY) == 1


def test_the_time_of_a_call_passes_from_its_mark_on(teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    teller.want(person("M1"))
    beginning, telling_ = telling.begin, teller.crm.deliver
    left = []

    def slow(*args: Any, **kwargs: Any) -> None:
        beginning(*args, **kwargs)
        teller.loop.clock.pass_(seconds=CALL_SECONDS - 20)

    def looking(values: Sequence[Feedback]) -> list[DeliveryResult]:
        left.append(retry.remaining(float("inf")))
        return list(telling_(values))

    monkeypatch.setattr(telling, "begin", slow)
    teller.crm.deliver = looking
    teller.tell()
    assert 10 < left[0] <= 20


def test_a_doubt_outlives_a_call_of_which_nothing_was_sent(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old call may have arrived last; the one that was to put that right gives up."""
    teller.want(person("M1", "old"))
    old = person("M1", "old")
    teller.die_before_the_call()
    teller.want(person("M1", "new"))
    successor = take_over(teller.loop)
    successor.tell_all()
    teller.crm.shown[KEY] = old
    teller.loop.clock.pass_(seconds=LATE)
    beginning = telling.begin

    def standing_still(*args: Any, **kwargs: Any) -> None:
        beginning(*args, **kwargs)
        monkeypatch.undo()
        teller.loop.clock.pass_(seconds=CALL_SECONDS)

    monkeypatch.setattr(telling, "begin", standing_still)
    successor.tell()
    assert teller.crm.shown[KEY] == old
    successor.tell()
    assert teller.crm.shown[KEY].note == "new"


def test_several_lost_calls_are_all_waited_for(teller: Teller) -> None:
    for note in ("first", "second", "third"):
        teller.want(person("M1", note))
        take_over(teller.loop).die_before_the_call()
        teller.loop.clock.pass_(seconds=30)
    successor = take_over(teller.loop)
    successor.tell_all()
    for _ in range(3):
        due = next_due(successor.services, "sales")
        if due is not None:
            teller.loop.clock.now = due
        successor.tell_all()
    assert next_due(successor.services, "sales") is None
    assert teller.crm.shown[KEY].note == "third"
    teller.loop.clock.pass_(seconds=LATE)
    assert successor.tell_all() == 0
    assert teller.loop.rows("tellings") == []


def test_a_worker_that_was_taken_over_in_its_call_writes_nothing_and_leaves_its_mark(teller: Teller) -> None:
    teller.want(person("M1"))
    successors = []
    telling_ = teller.crm.deliver

    def overtaken(values: Sequence[Feedback]) -> list[DeliveryResult]:
        successors.append(take_over(teller.loop))
        return list(telling_(values))

    teller.crm.deliver = overtaken
    with pytest.raises(SupersededError):
        teller.tell()
    teller.crm.deliver = telling_
    assert teller.loop.rows("delivered") == []
    (mark,) = teller.loop.rows("tellings")
    assert mark["lease"] == teller.services.lease
    assert successors[0].tell_all() == 1
    assert teller.row("delivered", KEY)["delivery"] == "delivered"


def test_a_worker_that_was_taken_over_begins_no_call(teller: Teller) -> None:
    teller.want(person("M1"))
    take_over(teller.loop)
    with pytest.raises(SupersededError):
        teller.tell()
    assert teller.told(KEY) == 0
    assert teller.loop.rows("tellings") == []


def test_a_call_that_got_no_answer_may_still_arrive(teller: Teller) -> None:
    teller.want(person("M1", "old"))
    teller.fail(RetryableError("no answer", reason="no_answer"))
    teller.want(person("M1", "new"))
    teller.loop.clock.pass_(seconds=5)
    teller.tell_all()
    teller.loop.clock.pass_(seconds=ARRIVAL_SECONDS)
    assert teller.tell_all() == 1
    assert teller.told(KEY) == 2


@pytest.mark.parametrize(
    "error", [QuotaError("spent", reason="budget_spent"), AuthenticationError("no")], ids=["quota", "token"]
)
def test_a_call_that_was_refused_as_a_whole_cannot_arrive(
    teller: Teller, error: QuotaError | AuthenticationError
) -> None:
    teller.want(person("M1"))
    teller.fail(error)
    assert teller.loop.rows("tellings") == []


def test_values_that_change_while_they_are_told_are_told_again(teller: Teller) -> None:
    teller.want(person("M1", "old"))
    telling_ = teller.crm.deliver

    def changing(values: Sequence[Feedback]) -> list[DeliveryResult]:
        teller.want(person("M1", "new"))
        return list(telling_(values))

    teller.crm.deliver = changing
    teller.tell()
    teller.crm.deliver = telling_
    assert teller.tell_all() == 1
    assert teller.crm.shown[KEY].note == "new"


def test_a_value_that_goes_back_while_it_is_told_is_told_again(teller: Teller) -> None:
    teller.want(person("M1", "first"))
    teller.tell()
    teller.want(person("M1", "second"))
    telling_ = teller.crm.deliver

    def changing(values: Sequence[Feedback]) -> list[DeliveryResult]:
        teller.want(person("M1", "first"))
        return list(telling_(values))

    teller.crm.deliver = changing
    teller.tell()
    teller.crm.deliver = telling_
    teller.tell_all()
    assert teller.crm.shown[KEY].note == "first"


def test_nothing_is_kept_of_what_was_told_to_somebody_who_was_erased_meanwhile(teller: Teller) -> None:
    teller.want(person("M1", "about Ann"))
    telling_ = teller.crm.deliver

    def erasing(values: Sequence[Feedback]) -> list[DeliveryResult]:
        with writing(teller.loop.engine) as connection:
            feedback.drop(connection, "sales", [KEY])
        return list(telling_(values))

    teller.crm.deliver = erasing
    teller.tell()
    for table in ("desired", "delivered", "tellings", "overridden"):
        assert teller.loop.rows(table) == []


def test_forgetting_a_target_forgets_what_it_was_told(teller: Teller) -> None:
    teller.want(person("M1", "about Ann"))
    teller.tell()
    with writing(teller.loop.engine) as connection:
        feedback.drop(connection, "sales", [KEY])
    assert teller.loop.rows("delivered") == []


def test_another_organisation_is_told_everything_anew(teller: Teller) -> None:
    teller.want(person("M1"), person("M2"))
    teller.tell_all()
    with writing(teller.loop.engine) as connection:
        telling.forget(connection, "sales")
    assert teller.tell_all() == 2


def test_a_refusal_of_a_newer_value_leaves_what_the_crm_took_before(loop: Loop, teller: Teller) -> None:
    teller.want(person("M1", "first"))
    teller.tell()
    teller.want(person("M1", "second"))
    teller.crm.fates[KEY] = DeliveryResult(key=KEY, delivery=Delivery.REFUSED, code="NO")
    teller.tell()
    row = teller.row("delivered", KEY)
    assert (row["delivery"], row["shown"]["note"]) == ("refused", "first")
    assert row["shown_digest"] != row["digest"]
    assert teller.tell_all() == 0


def test_nothing_is_kept_of_words_that_were_erased_while_they_were_told(teller: Teller) -> None:
    """Of somebody who was part of the same decision: the target stays, the words go."""
    teller.want(person("M1", "about Ann"))
    telling_ = teller.crm.deliver

    def erasing(values: Sequence[Feedback]) -> list[DeliveryResult]:
        with writing(teller.loop.engine) as connection:
            personal.forget_shown(connection, [], [Key("sales", ObjectType.CAMPAIGN_MEMBER, "M1")])
        return list(telling_(values))

    teller.crm.deliver = erasing
    teller.tell()
    teller.crm.deliver = telling_
    teller.want(person("M1"))
    assert teller.tell_all() == 1
    assert "Ann" not in str(teller.loop.rows("delivered") + teller.loop.rows("desired"))
    assert teller.crm.shown[KEY].note is None


def test_a_call_has_a_deadline_that_the_next_worker_can_rely_on(teller: Teller) -> None:
    left = []
    telling_ = teller.crm.deliver

    def looking(values: Sequence[Feedback]) -> list[DeliveryResult]:
        left.append(retry.remaining(float("inf")))
        return list(telling_(values))

    teller.crm.deliver = looking
    teller.want(person("M1"))
    teller.tell()
    assert CALL_SECONDS - 5 < left[0] <= CALL_SECONDS
    assert retry.remaining(1e9) == 1e9
