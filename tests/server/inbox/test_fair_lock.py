"""The lock that lets nobody who waits be passed over."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from closedloop_server.store.fair_lock import FairLock

PATIENCE = 60


def waits(lock: FairLock, count: int) -> Callable[[], bool]:
    return lambda: len(lock._waiting) == count


def comes_true(condition: Callable[[], bool]) -> bool:
    pause = threading.Event()
    for _ in range(PATIENCE * 100):
        if condition():
            return True
        pause.wait(0.01)
    return condition()


class Queue:
    """Threads that come one after the other while the lock is held, and note when it is their turn."""

    def __init__(self, lock: FairLock) -> None:
        self.lock = lock
        self.order: list[str] = []
        self._threads: list[threading.Thread] = []

    def come(self, name: str, *, urgent: bool = False) -> None:
        def take() -> None:
            with self.lock.held(urgent=urgent):
                self.order.append(name)

        before = len(self.lock._waiting)
        thread = threading.Thread(target=take)
        self._threads.append(thread)
        thread.start()
        assert comes_true(waits(self.lock, before + 1))

    def end(self) -> list[str]:
        for thread in self._threads:
            thread.join(PATIENCE)
        return self.order


def test_those_who_wait_have_it_in_the_order_in_which_they_came() -> None:
    lock = FairLock()
    queue = Queue(lock)
    with lock.held():
        for name in "abcd":
            queue.come(name)
    assert queue.end() == ["a", "b", "c", "d"]


def test_an_urgent_one_goes_first() -> None:
    lock = FairLock()
    queue = Queue(lock)
    with lock.held():
        queue.come("a")
        queue.come("b")
        queue.come("urgent", urgent=True)
    assert queue.end() == ["urgent", "a", "b"]


def test_who_takes_it_again_at_once_has_to_wait_for_those_who_waited() -> None:
    """With Python's own lock the busy one keeps it for nearly as long as it likes."""
    lock = FairLock()
    queue = Queue(lock)
    with lock.held():
        queue.come("patient")
    with lock.held():
        queue.order.append("busy")
    assert queue.end() == ["patient", "busy"]


def test_a_failure_in_the_block_leaves_the_lock_free() -> None:
    lock = FairLock()
    with pytest.raises(ZeroDivisionError), lock.held():
        _ = 1 / 0
    with lock.held():
        assert lock._held
    assert not lock._held


def test_one_that_is_interrupted_while_it_waits_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = FairLock()

    class Interrupted:
        """A lock in whose waiting a signal arrives."""

        def __init__(self) -> None:
            self.taken = False

        def acquire(self) -> None:
            if self.taken:
                raise KeyboardInterrupt
            self.taken = True

        def release(self) -> None:
            raise AssertionError("nobody waits for this one any more")

    with lock.held():
        with monkeypatch.context() as patch:
            patch.setattr("closedloop_server.store.fair_lock.Lock", Interrupted)
            with pytest.raises(KeyboardInterrupt), lock.held():
                raise AssertionError("it was never given")
        assert not lock._waiting
    with lock.held():
        assert lock._held


def test_a_turn_that_came_while_its_owner_was_interrupted_goes_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lock = FairLock()
    lock._held = True

    class GivenAndInterrupted:
        """The lock is handed over, and the signal arrives before its owner looks."""

        def __init__(self) -> None:
            self.taken = False

        def acquire(self) -> None:
            if self.taken:
                lock._release()
                raise KeyboardInterrupt
            self.taken = True

        def release(self) -> None:
            return None

    with monkeypatch.context() as patch:
        patch.setattr("closedloop_server.store.fair_lock.Lock", GivenAndInterrupted)
        with pytest.raises(KeyboardInterrupt), lock.held():
            raise AssertionError("it was never given")
    assert not lock._held
