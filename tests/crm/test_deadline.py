"""One deadline for a call and everything within it."""

from __future__ import annotations

import threading

import pytest

from closedloop.crm import retry
from closedloop.errors import RetryableError


def test_outside_of_a_call_there_is_no_deadline() -> None:
    assert retry.remaining(7.0) == 7.0


def test_within_a_call_no_more_than_its_deadline_remains() -> None:
    left = retry.call(lambda: retry.remaining(125.0), deadline=10.0)
    assert 9.0 < left <= 10.0


def test_an_attempt_never_gets_more_than_it_asks_for() -> None:
    assert retry.call(lambda: retry.remaining(2.0), deadline=10.0) == 2.0


def test_a_call_within_a_call_keeps_to_the_outer_deadline() -> None:
    inner = retry.call(lambda: retry.call(lambda: retry.remaining(125.0), deadline=60.0), deadline=10.0)
    assert inner <= 10.0


def test_the_deadline_ends_with_the_call_even_when_it_fails() -> None:
    def fail() -> None:
        raise RetryableError("no")

    with retry.without_waiting(), pytest.raises(RetryableError):
        retry.call(fail, attempts=2)
    assert retry.remaining(99.0) == 99.0


def test_the_deadline_of_one_thread_is_not_that_of_another() -> None:
    seen: list[float] = []

    def other() -> None:
        seen.append(retry.remaining(50.0))

    def work() -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    retry.call(work, deadline=1.0)
    assert seen == [50.0]


def test_the_waits_of_a_call_within_a_call_keep_to_the_outer_deadline_too() -> None:
    def fail() -> None:
        raise RetryableError("no", retry_after=5.0)

    with retry.without_waiting() as waits, pytest.raises(RetryableError):
        retry.call(lambda: retry.call(fail), attempts=1, deadline=0.5)
    assert waits == []
