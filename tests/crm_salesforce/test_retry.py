"""When a call is tried again, when it is not, and how long that may take."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from closedloop.crm.retry import call, waiting_by, without_waiting
from closedloop.errors import (
    AnswerError,
    AuthenticationError,
    GoneError,
    QuotaError,
    RefusedError,
    RetryableError,
)


@pytest.fixture(name="waits")
def _waits() -> Iterator[list[float]]:
    with without_waiting() as waits:
        yield waits


def failing(*errors: Exception) -> tuple[Callable[[], int], list[int]]:
    """A function that raises each error once and then answers; and the calls made so far."""
    calls: list[int] = []
    left = list(errors)

    def function() -> int:
        calls.append(1)
        if left:
            raise left.pop(0)
        return len(calls)

    return function, calls


def test_what_succeeds_is_called_once(waits: list[float]) -> None:
    function, calls = failing()
    assert call(function) == 1
    assert (len(calls), waits) == (1, [])


def test_a_retryable_error_is_tried_again_after_a_growing_wait(waits: list[float]) -> None:
    function, _ = failing(*[RetryableError("busy")] * 4)
    assert call(function) == 5
    assert [low <= wait <= low + 1 for low, wait in zip((0.5, 1, 2, 4), waits, strict=True)] == [True] * 4


def test_the_attempts_are_bounded_and_the_last_error_is_the_callers(waits: list[float]) -> None:
    errors = [RetryableError(f"busy {number}") for number in range(9)]
    function, calls = failing(*errors)
    with pytest.raises(RetryableError, match="busy 2"):
        call(function, attempts=3)
    assert len(calls) == 3


@pytest.mark.parametrize(
    "error",
    [
        QuotaError("used up"),
        AuthenticationError("who are you"),
        RefusedError("no"),
        GoneError("gone"),
        AnswerError("html"),
        ValueError("a bug"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_nothing_else_is_tried_again(waits: list[float], error: Exception) -> None:
    function, calls = failing(error)
    with pytest.raises(type(error)):
        call(function)
    assert (len(calls), waits) == (1, [])


def test_the_wait_is_at_least_what_the_crm_asked_for(waits: list[float]) -> None:
    function, _ = failing(RetryableError("slow down", retry_after=10.0))
    call(function)
    assert waits == [10.0]


def test_a_wait_behind_the_deadline_is_left_to_the_caller(waits: list[float]) -> None:
    function, calls = failing(RetryableError("slow down", retry_after=61.0))
    with pytest.raises(RetryableError) as caught:
        call(function)
    assert (caught.value.retry_after, len(calls), waits) == (61.0, 1, [])


def test_the_waits_count_towards_the_deadline(waits: list[float]) -> None:
    function, calls = failing(*[RetryableError("slow down", retry_after=10.0)] * 9)
    with pytest.raises(RetryableError):
        call(function, attempts=9, deadline=25.0)
    assert (len(calls), waits) == (3, [10.0, 10.0])


def test_only_the_errors_named_are_tried_again(waits: list[float]) -> None:
    class NothingHappenedError(RetryableError):
        pass

    function, calls = failing(NothingHappenedError("refused"), RetryableError("timeout"))
    with pytest.raises(RetryableError, match="timeout"):
        call(function, retry_on=NothingHappenedError)
    assert len(calls) == 2


def test_the_switch_holds_in_other_threads_and_ends_with_its_block() -> None:
    from closedloop.crm import retry

    before = retry._switched
    with without_waiting() as waits:
        function, _ = failing(RetryableError("busy", retry_after=30.0))
        thread = threading.Thread(target=call, args=(function,))
        thread.start()
        thread.join()
    assert waits == [30.0]
    assert retry._switched is before


def test_a_thread_may_wait_its_own_way_and_end_the_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("closedloop.crm.retry._switched", None)

    class EnoughError(Exception):
        pass

    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2:
            raise EnoughError

    function, calls = failing(*[RetryableError("busy", retry_after=20.0)] * 3)
    with pytest.raises(EnoughError), waiting_by(nap):
        call(function)
    assert (len(calls), naps) == (2, [20.0, 20.0])


def test_the_switch_of_the_tests_comes_before_a_threads_own_waiting() -> None:
    def nap(seconds: float) -> None:
        raise AssertionError(seconds)

    function, calls = failing(RetryableError("busy", retry_after=30.0))
    with waiting_by(nap), without_waiting() as waits:
        call(function)
    assert (len(calls), waits) == (2, [30.0])
