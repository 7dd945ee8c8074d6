"""What a subscriber answers, or an operator loses, harms nobody else."""

from __future__ import annotations

import ipaddress
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from standardwebhooks import Webhook
from tests.server.subscriptions.conftest import Post, Receiver, Reply

from closedloop.schema.vocabulary import ObjectType
from closedloop_server import privacy
from closedloop_server.encryption import rotate
from closedloop_server.store.rows import Key
from closedloop_server.subscriptions import admin
from closedloop_server.subscriptions.schedule import retry_after

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

# What is proved here lies before the tables, and is the same on every database.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

LEAD = Key("sales", ObjectType.LEAD, "L1")


@pytest.fixture
def decided(loop: Loop, salesforce: Make) -> Callable[[str], None]:
    """Has sales decide about a lead."""

    def decide(id_: str) -> None:
        now = loop.clock.pass_(seconds=1)
        lead = salesforce.lead(id_, "Unqualified", reason="No budget", stage_changed_at=now, updated_at=now)
        loop.sales.put(lead)
        loop.poll()

    return decide


@pytest.mark.parametrize(
    "told",
    [
        "Mon, 01 Jan 2026 00:00:00 +99999999999999999",
        "Mon, 01 Jan 2026 00:00:00 -99999999999999999",
        "Mon, 01 Jan 2026 00:00:00 +" + "9" * 5_000,
        "Mon, 01 Jan 99999999999999999 00:00:00 GMT",
    ],
    ids=["zone", "zone before", "zone without end", "year"],
)
def test_a_retry_after_with_a_number_too_large_is_unreadable(loop: Loop, told: str) -> None:
    wait = retry_after(told, loop.clock())
    assert wait is None or wait <= timedelta(1)


def test_a_subscriber_that_asks_for_an_impossible_time_holds_up_nobody(
    post: Post, make_receiver: Callable[[], Receiver], decided: Callable[[str], None]
) -> None:
    hostile, well = make_receiver(), make_receiver()
    zone = "Mon, 01 Jan 2026 00:00:00 +99999999999999999"
    hostile.otherwise = Reply(status=503, headers={"Retry-After": zone})
    id_ = post.subscribe(hostile.url, "Hostile").subscription.id
    post.subscribe(well.url, "Well")
    decided("L1")
    post.send()
    assert len(well.requests) == 1
    (row,) = post.rows("sendings", subscription_id=id_)
    assert (row["status"], row["state"]) == (503, "waiting")
    assert admin.one(post.loop.services, id_).failing_since is not None


def test_other_subscribers_do_not_hear_where_a_disabled_one_was(
    post: Post, make_receiver: Callable[[], Receiver], decided: Callable[[str], None]
) -> None:
    well = make_receiver()
    moved = post.subscribe(make_receiver().url, "Moved").subscription.id
    post.subscribe(well.url, "Well", types=["subscription.disabled"])
    services = post.loop.services
    admin.update(services, moved, url=f"http://127.0.0.2:{well.port}/", who="a test")
    only_one = replace(
        services.settings.webhooks, allow_networks=(ipaddress.ip_network("127.0.0.1"),), disable_after_days=1
    )
    post.loop.services = replace(services, settings=replace(services.settings, webhooks=only_one))
    decided("L1")
    post.send_until(lambda: bool(admin.announcements(post.loop.services)))
    (announced,) = admin.announcements(post.loop.services)
    assert "127.0.0.2" in announced.why, "an admin is told why"
    post.send()
    (request,) = well.requests
    assert b"127.0.0.2" not in request.body
    assert json.loads(request.body)["data"]["why"].startswith("nothing got through since")


def test_after_the_key_was_lost_a_new_secret_signs_at_once(
    post: Post, receiver: Receiver, decided: Callable[[str], None]
) -> None:
    id_ = post.subscribe(receiver.url).subscription.id
    services = post.loop.services
    post.loop.services = replace(services, settings=replace(services.settings, secret_key="another key"))
    post.loop.clock.now = datetime.now(UTC)  # what verifies has a clock of its own
    secret = admin.rotate(post.loop.services, id_, who="a test")
    decided("L1")
    post.send()
    (request,) = receiver.requests
    Webhook(secret).verify(request.body, request.headers)
    assert rotate(post.loop.engine, post.loop.services.cipher) == 0


def test_what_is_answered_about_somebody_who_was_erased_meanwhile_is_not_kept(
    post: Post, receiver: Receiver, decided: Callable[[str], None]
) -> None:
    until = threading.Event()
    receiver.otherwise = Reply(status=200, body=b"an echo of her words", until=until)
    id_ = post.subscribe(receiver.url).subscription.id
    decided("L1")
    turn = threading.Thread(target=post.send, daemon=True)
    turn.start()
    assert receiver.arrived.wait(10)
    privacy.erase_now(post.loop.services, [LEAD], who="a test")
    until.set()
    turn.join(30)
    (attempt,) = admin.log(post.loop.services, id_)
    assert (attempt.status, attempt.answer, attempt.error) == (200, "", "")
