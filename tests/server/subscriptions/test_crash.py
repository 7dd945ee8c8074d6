"""A process that is killed in the middle of a call, and several that write about one subscription at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from tests.server.subscriptions.conftest import Post, Receiver, Reply

from closedloop_server.settings import Settings
from closedloop_server.store.engine import writing
from closedloop_server.subscriptions import admin, events
from closedloop_server.subscriptions.event_types import EventType
from closedloop_server.subscriptions.events import Event
from closedloop_server.subscriptions.payloads import data_of

if TYPE_CHECKING:
    from tests.server.conftest import Loop

_SENDER = """
import ipaddress, sys
from datetime import datetime
from closedloop.mapping import load_mappings
from closedloop_server.services import Services
from closedloop_server.settings import Settings
from closedloop_server.store.engine import open_engine
from closedloop_server.subscriptions.settings import WebhookSettings
from closedloop_server.work.kinds import Kind, Work
from closedloop_server.work.sending import send

url, key, now = sys.argv[1:]
webhooks = WebhookSettings(allow_networks=(ipaddress.ip_network("127.0.0.0/8"),))
settings = Settings(database_url=url, secret_key=key, connections=(), webhooks=webhooks)
services = Services(
    engine=open_engine(url), settings=settings, mappings=load_mappings(), crms={},
    clock=lambda: datetime.fromisoformat(now),
)
send(services, Work(Kind.SEND), lambda: None)
"""


def happen(loop: Loop, number: int) -> None:
    """Something happens that everybody is told."""
    now, type_ = loop.clock(), EventType.DELIVERY_FAILING
    data = data_of(type_, connection="sales", crm=None, since=now, reason="x", waiting=number)
    event = Event(
        id=events.event_id(type_, number),
        type=type_,
        occurred_at=now,
        learned_at=now,
        data=data,
        connection="sales",
    )
    with writing(loop.engine) as connection:
        events.append(connection, [event])


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_a_process_killed_in_the_middle_of_a_call_loses_nothing(
    post: Post, receiver: Receiver, settings: Settings
) -> None:
    answered = threading.Event()
    receiver.replies = [Reply(until=answered)]
    id_ = post.subscribe(receiver.url).subscription.id
    happen(post.loop, 1)
    given = (settings.database_url, settings.secret_key, post.loop.clock().isoformat())
    process = subprocess.Popen([sys.executable, "-c", _SENDER, *given])
    assert receiver.arrived.wait(60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    answered.set()
    (row,) = post.rows("sendings")
    assert (row["state"], row["attempts"]) == ("waiting", 1)
    post.loop.clock.pass_(seconds=7)
    post.send()
    assert [request.headers["webhook-id"] for request in receiver.requests] == [row["event_id"]] * 2
    assert [each.status for each in admin.log(post.loop.services, id_)] == [204, None]


def test_what_happens_is_sent_while_admins_do_as_they_like(post: Post, receiver: Receiver) -> None:
    """Whoever writes about a subscription locks it first, so that no two wait for each other."""
    services = post.loop.services
    ids = [post.subscribe(receiver.url, name).subscription.id for name in ("One", "Two", "Three")]

    def news(_: int) -> None:
        for number in range(30):
            happen(post.loop, number)

    def administer(place: int) -> None:
        for _ in range(8):
            for id_ in ids[place:] + ids[:place]:
                admin.rotate(services, id_, who="a test")
                admin.pause(services, id_, who="a test")
                admin.resume(services, id_, who="a test")
                admin.replay_missed(services, id_, who="a test")

    def send(_: int) -> None:
        for _ in range(8):
            post.send()

    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(news, 0),
            pool.submit(administer, 0),
            pool.submit(administer, 1),
            pool.submit(send, 0),
        ]
        for job in jobs:
            job.result()
    post.send()
    told = {(row["event_id"], row["subscription_id"]) for row in post.rows("sendings", state="sent")}
    assert len(told) == 30 * len(ids)
