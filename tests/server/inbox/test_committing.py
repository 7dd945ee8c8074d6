"""Deliveries that come together are committed together, and none is acknowledged that is not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, event, func, select
from sqlalchemy.exc import OperationalError

from closedloop.errors import DeliveryRefusedError
from closedloop_server.app import create_app
from closedloop_server.services import Services
from closedloop_server.store import engine as engines
from closedloop_server.store import inbox
from closedloop_server.store.inbox import Arrival
from closedloop_server.store.tables import inbox as inbox_table
from closedloop_server.webhooks import committing
from closedloop_server.webhooks.committing import SharedCommits

if TYPE_CHECKING:
    from tests.server.conftest import Loop

PATIENCE = 60


def arrival(loop: Loop, body: bytes) -> Arrival:
    return Arrival(connection="sales", content_type="text/xml", body=body, received_at=loop.clock())


class Gate:
    """Stands before every transaction: lets nobody through until it is opened, and counts who came."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = threading.Event()
        self.reached = threading.Semaphore(0)
        self.transactions = 0
        self.fails: Exception | None = None
        monkeypatch.setattr(committing, "writing", self._writing)

    @contextmanager
    def _writing(self, engine: Engine, *, urgent: bool, single: bool) -> Iterator[Connection]:
        assert urgent
        assert single
        self.reached.release()
        assert self.open.wait(PATIENCE)
        self.transactions += 1
        if self.fails is not None:
            raise self.fails
        with engines.writing(engine, urgent=urgent, single=single) as connection:
            yield connection


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


def queued(commits: SharedCommits) -> int:
    return len(commits._queue)


def comes_true(condition: Callable[[], bool]) -> bool:
    pause = threading.Event()
    for _ in range(PATIENCE * 100):
        if condition():
            return True
        pause.wait(0.01)
    return condition()


def send_together(
    pool: ThreadPoolExecutor, commits: SharedCommits, gate: Gate, arrivals: list[Arrival]
) -> list[Future[bool]]:
    """The first commits and is held up, the others come meanwhile; then the gate opens."""
    sent = [pool.submit(commits.store, arrivals[0])]
    assert gate.reached.acquire(timeout=PATIENCE)
    for number, each in enumerate(arrivals[1:], start=1):
        sent.append(pool.submit(commits.store, each))
        assert comes_true(lambda number=number: queued(commits) == number)  # type: ignore[misc]
    gate.open.set()
    return sent


def test_those_that_come_while_one_is_committed_share_the_next_transaction(loop: Loop, gate: Gate) -> None:
    commits = SharedCommits(loop.services)
    with ThreadPoolExecutor(8) as pool:
        arrivals = [arrival(loop, b"%d" % number) for number in range(8)]
        sent = send_together(pool, commits, gate, arrivals)
        assert all(each.result(PATIENCE) for each in sent)
    assert gate.transactions == 2
    assert sorted(row["body"] for row in loop.rows("inbox")) == sorted(each.body for each in arrivals)


def test_the_same_bytes_in_one_group_are_stored_once_and_known_to_the_second(loop: Loop, gate: Gate) -> None:
    commits = SharedCommits(loop.services)
    with ThreadPoolExecutor(5) as pool:
        arrivals = [arrival(loop, body) for body in (b"a", b"b", b"b", b"a", b"c")]
        sent = send_together(pool, commits, gate, arrivals)
        assert [each.result(PATIENCE) for each in sent] == [True, True, False, False, True]
    assert len(loop.rows("inbox")) == 3


def test_an_error_reaches_everybody_in_the_group_and_the_next_group_is_stored(loop: Loop, gate: Gate) -> None:
    commits = SharedCommits(loop.services)
    gate.fails = OperationalError("INSERT", {}, Exception("disk full"))
    with ThreadPoolExecutor(4) as pool:
        sent = send_together(pool, commits, gate, [arrival(loop, b"%d" % number) for number in range(4)])
        for each in sent:
            with pytest.raises(DeliveryRefusedError) as caught:
                each.result(PATIENCE)
            assert (caught.value.status, caught.value.reason) == (503, "not_stored")
    assert loop.rows("inbox") == []
    gate.fails = None
    assert commits.store(arrival(loop, b"0"))
    assert len(loop.rows("inbox")) == 1


def test_one_whose_patience_ends_is_not_stored_later(loop: Loop, gate: Gate) -> None:
    commits = SharedCommits(loop.services, patience=0.01)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(commits.store, arrival(loop, b"first"))
        assert gate.reached.acquire(timeout=PATIENCE)
        with pytest.raises(DeliveryRefusedError, match="send it again"):
            commits.store(arrival(loop, b"impatient"))
        gate.open.set()
        assert first.result(PATIENCE)
    assert [row["body"] for row in loop.rows("inbox")] == [b"first"]
    assert commits.store(arrival(loop, b"third"))


def test_the_loop_is_woken_once_for_a_group_after_its_commit_and_not_for_known_bytes(
    loop: Loop, gate: Gate
) -> None:
    woken: list[int] = []
    services = replace(loop.services, wake=lambda _: woken.append(len(loop.rows("inbox"))))
    commits = SharedCommits(services)
    with ThreadPoolExecutor(6) as pool:
        sent = send_together(pool, commits, gate, [arrival(loop, b"%d" % number) for number in range(6)])
        assert all(each.result(PATIENCE) for each in sent)
    assert len(woken) == 2
    assert 6 in woken
    assert not commits.store(arrival(loop, b"0"))
    assert len(woken) == 2


def test_a_delivery_whose_wake_up_fails_is_acknowledged_all_the_same(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise OperationalError("NOTIFY", {}, Exception("ann@example.com"))

    assert SharedCommits(replace(loop.services, wake=broken)).store(arrival(loop, b"x"))
    assert "waking the loop failed: OperationalError" in caplog.text
    assert "ann@" not in caplog.text


def test_many_threads_lose_nothing_and_double_nothing(loop: Loop) -> None:
    commits = SharedCommits(loop.services)
    bodies = [b"%d" % (number % 150) for number in range(300)]
    with ThreadPoolExecutor(12) as pool:
        new = list(pool.map(lambda body: commits.store(arrival(loop, body)), bodies))
    assert sum(new) == 150
    assert sorted(row["body"] for row in loop.rows("inbox")) == sorted(set(bodies))


def test_two_processes_that_are_sent_the_same_store_it_once(loop: Loop) -> None:
    """Two applications with engines of their own stand for them."""
    other = engines.open_engine(loop.services.settings.database_url)
    both = [SharedCommits(loop.services), SharedCommits(replace(loop.services, engine=other))]
    bodies = [b"%d" % number for number in range(40)]
    jobs = [(commits, body) for body in bodies for commits in both]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda job: job[0].store(arrival(loop, job[1])), jobs))
    other.dispose()
    assert sorted(row["body"] for row in loop.rows("inbox")) == sorted(bodies)


def no_database(services: Services) -> Services:
    """Services whose database refuses every statement that writes."""

    def refuse(*_: Any) -> None:
        raise OperationalError("INSERT INTO inbox", {}, Exception("ann@example.com: disk full"))

    event.listen(services.engine, "before_cursor_execute", refuse)
    return services


def test_a_crm_is_told_to_send_again_what_could_not_be_stored(
    loop: Loop, salesforce_message: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    client: FlaskClient = create_app(no_database(loop.services)).test_client()
    path = "/webhooks/salesforce/sales/a-secret-part-of-the-path"
    answer = client.post(path, data=salesforce_message, content_type="text/xml")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert answer.json is not None
    assert answer.json["error"] == "not_stored"
    assert b"<Ack>true</Ack>" not in answer.data
    assert "1 deliveries were not stored: OperationalError" in caplog.text
    assert "ann@" not in caplog.text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_group_is_one_statement_which_sqlite_commits_by_itself(loop: Loop) -> None:
    other = engines.open_engine(loop.services.settings.database_url)
    statements: list[str] = []
    event.listen(loop.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    with engines.writing(loop.engine, urgent=True, single=True) as connection:
        inbox.keep_all(connection, [arrival(loop, body) for body in (b"a", b"b", b"c")])
        with engines.reading(other) as outside:
            assert outside.scalar(select(func.count()).select_from(inbox_table)) == 3
    other.dispose()
    assert [statement.split()[0] for statement in statements] == ["INSERT"]


def test_who_lost_patience_at_the_moment_of_being_called_commits_for_the_others(
    loop: Loop, gate: Gate
) -> None:
    commits = SharedCommits(loop.services)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(commits.store, arrival(loop, b"first"))
        assert gate.reached.acquire(timeout=PATIENCE)
        late = commits._join(arrival(loop, b"late"))
        gate.open.set()
        assert first.result(PATIENCE)
    assert comes_true(lambda: late.leads)
    commits._leave(late)  # as `store` does when the time was up before the call came
    commits._commit()
    assert late.new
    assert commits.store(arrival(loop, b"next"))


def test_a_group_tells_what_was_known_before_it(loop: Loop) -> None:
    with engines.writing(loop.engine) as connection:
        assert inbox.keep_all(connection, [arrival(loop, b"b")]) == [True]
    with engines.writing(loop.engine) as connection:
        kept = inbox.keep_all(connection, [arrival(loop, body) for body in (b"c", b"b", b"a", b"c")])
    assert kept == [True, False, True, False]
