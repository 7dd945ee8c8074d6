"""Several processes over one PostgreSQL: each piece of work is one worker's at a time, and no job matters."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, text

from closedloop.errors import RetryableError, SettingsError
from closedloop.loop.feedback import CampaignFeedback, DeliveryResult, Feedback
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType, Outcome
from closedloop_server.runtime import Runtime, Workers, make_services, prepare
from closedloop_server.store import leases
from closedloop_server.store.engine import reading, writing
from closedloop_server.work.kinds import Kind, Work, all_work
from closedloop_server.work.waker import Waker

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

LEAD = Ref(ObjectType.LEAD, "L1")
READ_SALES, TELL_SALES = Work(Kind.READ, "sales"), Work(Kind.TELL, "sales")
PATIENCE = 60

ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def worker(loop: Loop) -> Iterator[None]:
    """What `closedloop worker` runs, in this process."""
    services, team = make_services(_settings(loop), workers=Workers.JOBS, crms=loop.services.crms)
    prepare(services)
    team.start()
    try:
        yield
    finally:
        team.stop(PATIENCE)
        services.engine.dispose()


@contextmanager
def web(loop: Loop) -> Iterator[Runtime]:
    """What `closedloop serve` runs on PostgreSQL."""
    with Runtime(_settings(loop), crms=loop.services.crms, workers=Workers.ELSEWHERE) as runtime:
        yield runtime


def _settings(loop: Loop):  # type: ignore[no-untyped-def]  # the fixture's
    return replace(loop.services.settings, public_url="", port=0, settle_seconds=0.01)


@pytest.fixture
def decided(loop: Loop, salesforce: Make) -> Loop:
    """Sales has disqualified a lead of campaign C1; nobody has read it yet."""
    loop.sales.put(salesforce.lead("L1", "Unqualified", updated_at=now(), stage_changed_at=now()))
    loop.sales.put(salesforce.member("M1", "C1", lead_id="L1", updated_at=now()))
    return loop


def disqualified(loop: Loop) -> int:
    value = loop.sales.shown.get("campaign|C1")
    return int(value.credits[Outcome.DISQUALIFIED]) if isinstance(value, CampaignFeedback) else 0


def comes_true(condition: Callable[[], bool]) -> bool:
    deadline, pause = time.monotonic() + PATIENCE, threading.Event()
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.01)
    return condition()


def jobs(engine: Engine, statement: str) -> None:
    with writing(engine) as connection:
        connection.execute(text("SET LOCAL search_path TO closedloop_jobs"))
        connection.execute(text(statement))


@ON_POSTGRESQL
def test_what_one_process_is_told_another_does(decided: Loop) -> None:
    with web(decided) as runtime, worker(decided), worker(decided):
        assert runtime.wait_idle(PATIENCE), runtime.states()
        assert disqualified(decided) == 1
        decided.sales.change(LEAD, stage="Working", updated_at=now(), stage_changed_at=now())
        runtime.poll_now()
        assert comes_true(lambda: disqualified(decided) == 0)
        assert {state.error for state in runtime.states()} == {None}


@ON_POSTGRESQL
def test_each_piece_of_work_is_done_by_one_worker_at_a_time(
    decided: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, most = 0, 0
    counting = threading.Lock()
    tell = decided.sales.deliver

    def deliver(values: Sequence[Feedback]) -> list[DeliveryResult]:
        nonlocal busy, most
        with counting:
            busy += 1
            most = max(most, busy)
        try:
            threading.Event().wait(0.05)
            return tell(values)
        finally:
            with counting:
                busy -= 1

    monkeypatch.setattr(decided.sales, "deliver", deliver)
    with web(decided) as runtime, worker(decided), worker(decided):
        for _ in range(6):
            runtime.services.wake(*all_work(decided.services.crms))
            decided.sales.change(LEAD, updated_at=now())
            runtime.poll_now()
            assert runtime.wait_idle(PATIENCE)
    assert most == 1


@ON_POSTGRESQL
def test_losing_every_job_costs_nothing_but_time(decided: Loop) -> None:
    with web(decided) as runtime, worker(decided):
        assert runtime.wait_idle(PATIENCE)
        decided.sales.change(LEAD, stage="Working", updated_at=now(), stage_changed_at=now())
        runtime.poll_now()
        jobs(decided.engine, "DELETE FROM procrastinate_jobs WHERE status = 'todo'")
        assert comes_true(lambda: disqualified(decided) == 0)


@ON_POSTGRESQL
def test_the_turn_of_a_worker_that_died_is_taken_by_another(decided: Loop) -> None:
    """It holds the lock, and a job waits behind it: the runner's own way to take it over gets stuck there."""
    prepare(decided.services)
    jobs(
        decided.engine,
        "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat)"
        " VALUES (now() - interval '1 hour') RETURNING id)"
        " INSERT INTO procrastinate_jobs"
        " (queue_name, task_name, lock, queueing_lock, args, status, worker_id)"
        " SELECT 'closedloop', 'turn', 'read sales', 'read sales',"
        """ '{"kind": "read", "connection": "sales"}', 'doing', id FROM dead""",
    )
    jobs(
        decided.engine,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)"
        " VALUES ('closedloop', 'turn',"
        """ 'read sales', 'read sales', '{"kind": "read", "connection": "sales"}')""",
    )
    with web(decided) as runtime, worker(decided):
        assert comes_true(lambda: disqualified(decided) == 1), runtime.states()


@ON_POSTGRESQL
def test_a_job_of_a_connection_that_is_gone_is_passed_over(decided: Loop) -> None:
    prepare(decided.services)
    jobs(
        decided.engine,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)"
        " VALUES ('closedloop', 'turn',"
        """ 'read old', 'read old', '{"kind": "read", "connection": "old"}')""",
    )
    with web(decided) as runtime, worker(decided):
        assert runtime.wait_idle(PATIENCE)

        def gone() -> bool:
            with reading(decided.engine) as connection:
                return not connection.scalar(
                    text("SELECT count(*) FROM closedloop_jobs.procrastinate_jobs WHERE lock = 'read old'")
                )

        assert comes_true(gone)


@ON_POSTGRESQL
def test_why_a_turn_failed_is_seen_in_every_process_until_one_succeeds(decided: Loop) -> None:
    decided.sales.down = RetryableError("the CRM does not answer", reason="unreachable")
    with web(decided) as runtime, worker(decided):

        def failing() -> bool:
            return any(state.error and "unreachable" in state.error for state in runtime.states())

        assert comes_true(failing)
        decided.sales.down = None
        runtime.poll_now()
        assert runtime.wait_idle(PATIENCE)
        assert comes_true(lambda: not failing())
    assert disqualified(decided) == 1


@ON_POSTGRESQL
def test_no_turn_is_taken_before_its_time_after_a_failure(decided: Loop) -> None:
    prepare(decided.services)
    with writing(decided.engine) as connection:
        for work in all_work(decided.services.crms):
            leases.take(connection, work, holder="somebody", now=now())
        hour = now() + timedelta(hours=1)
        leases.fail(connection, READ_SALES, failures=3, error="unreachable: …", until=hour)
    with web(decided) as runtime, worker(decided):
        assert comes_true(lambda: decided.marketing.reads > 0)
        assert decided.sales.reads == 0
        runtime.poll_now()
        assert comes_true(lambda: disqualified(decided) == 1)


@ON_POSTGRESQL
def test_a_worker_gets_over_the_loss_of_every_connection(decided: Loop) -> None:
    with web(decided) as runtime, worker(decided):
        assert runtime.wait_idle(PATIENCE)
        for _ in range(3):
            jobs(
                decided.engine,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            decided.sales.change(LEAD, updated_at=now())
        stage = "Working"
        decided.sales.change(LEAD, stage=stage, updated_at=now(), stage_changed_at=now())
        runtime.poll_now()
        assert comes_true(lambda: disqualified(decided) == 0), runtime.states()


@ON_SQLITE
@pytest.mark.parametrize("workers", [Workers.JOBS, Workers.ELSEWHERE])
def test_on_sqlite_a_worker_of_its_own_says_why_there_is_none(loop: Loop, workers: Workers) -> None:
    with pytest.raises(SettingsError, match="closedloop move --to postgresql") as caught:
        make_services(loop.services.settings, workers=workers, crms=loop.services.crms)
    assert caught.value.reason == "needs_postgresql"


def test_a_waker_tells_once_what_it_was_asked_often_and_keeps_what_is_due_later() -> None:
    told: list[list[Work]] = []
    begun, go_on = threading.Event(), threading.Event()

    def tell(works: object) -> None:
        told.append(list(works))  # type: ignore[call-overload]  # an iterable of work
        begun.set()
        assert go_on.wait(PATIENCE)

    waker = Waker(tell, clock=now)
    waker.start()
    waker.wake(READ_SALES)
    assert begun.wait(PATIENCE)
    waker.wake_at(now() + timedelta(hours=1), READ_SALES)
    for _ in range(100):
        waker.wake(TELL_SALES)
    go_on.set()
    waker.stop()
    assert told == [[READ_SALES], [TELL_SALES]]


def test_a_waker_outlives_whoever_cannot_be_told() -> None:
    told: list[object] = []

    def tell(works: object) -> None:
        told.append(works)
        raise OSError

    waker = Waker(tell, clock=now)
    waker.start()
    waker.wake(READ_SALES)
    assert comes_true(lambda: len(told) == 1)
    waker.wake(READ_SALES)
    assert comes_true(lambda: len(told) == 2)
    waker.stop()


@ON_POSTGRESQL
def test_who_reads_a_crm_writes_nothing_while_somebody_is_erased(loop: Loop) -> None:
    with writing(loop.engine) as connection:
        number = leases.take(connection, READ_SALES, holder="somebody", now=now())
    done: list[str] = []

    def read() -> None:
        with writing(loop.engine) as connection:
            leases.check(connection, READ_SALES, number)
            done.append("read")

    def waits() -> bool:
        with reading(loop.engine) as connection:
            locks = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(connection.scalar(locks))

    reader = threading.Thread(target=read)
    with writing(loop.engine) as connection:
        leases.pause(connection, [READ_SALES])
        reader.start()
        assert comes_true(waits)
        done.append("erased")
    reader.join(PATIENCE)
    assert done == ["erased", "read"]
