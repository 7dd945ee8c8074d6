"""Webhooks out: what sales decided arrives at subscribers, signed, at least once, however they answer."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from tests.server.subscriptions.conftest import Post, Receiver, Reply

from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.store.engine import writing
from closedloop_server.store.leases import SupersededError
from closedloop_server.subscriptions import admin, results, sending
from closedloop_server.subscriptions.schedule import WAITS
from closedloop_server.subscriptions.subscription import State
from closedloop_server.work.kinds import Kind, Work
from closedloop_server.work.owned import OwnedWork

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

LEAD = Ref(ObjectType.LEAD, "L1")


@pytest.fixture
def decided(loop: Loop, salesforce: Make) -> Callable[..., None]:
    """Has sales decide about a lead."""

    def decide(id_: str = "L1", stage: str = "Unqualified") -> None:
        loop.clock.pass_(seconds=1)
        now = loop.clock()
        loop.sales.put(salesforce.lead(id_, stage, reason="No budget", stage_changed_at=now, updated_at=now))
        loop.poll()

    return decide


def verified(receiver: Receiver, secret: str, place: int = -1) -> object:
    request = receiver.requests[place]
    return Webhook(secret).verify(request.body, request.headers)


def test_a_decision_arrives_once_and_verifies(
    post: Post, receiver: Receiver, decided: Callable[..., None]
) -> None:
    # The verifier looks at the machine's clock.
    post.loop.clock.now = datetime.now(UTC)
    secret = post.subscribe(receiver.url).secret
    decided()
    post.send()
    post.send()
    (request,) = receiver.requests
    told = verified(receiver, secret)
    assert told == json.loads(request.body)
    assert isinstance(told, dict)
    assert (told["type"], told["id"]) == ("lead.disqualified", request.headers["webhook-id"])
    assert told["data"]["subject"] == {"object": "lead", "id": "sales:L1", "crm": "salesforce"}
    (row,) = post.rows("sendings")
    assert (row["state"], row["attempts"], row["status"], row["next_at"]) == ("sent", 1, 204, None)


def test_a_body_that_was_changed_or_is_for_another_secret_does_not_verify(
    post: Post, receiver: Receiver, decided: Callable[..., None]
) -> None:
    post.loop.clock.now = datetime.now(UTC)
    secret = post.subscribe(receiver.url).secret
    decided()
    post.send()
    (request,) = receiver.requests
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(request.body.replace(b"L1", b"L2"), request.headers)
    with pytest.raises(WebhookVerificationError):
        verified(receiver, "whsec_" + base64.b64encode(b"x" * 32).decode())


def test_during_a_rotation_both_secrets_verify_and_afterwards_the_new_one_alone(
    post: Post, receiver: Receiver, decided: Callable[..., None]
) -> None:
    post.loop.clock.now = datetime.now(UTC) - timedelta(hours=23)
    made = post.subscribe(receiver.url)
    new = admin.rotate(post.loop.services, made.subscription.id, who="a test")
    post.loop.clock.now = datetime.now(UTC)
    decided()
    post.send()
    assert verified(receiver, made.secret) == verified(receiver, new)
    assert len(receiver.requests[0].headers["webhook-signature"].split(" ")) == 2
    rotated = post.rows("subscription_secrets")
    assert not [row for row in rotated if row["secret"].startswith("whsec_")]

    post.loop.clock.pass_(hours=2)
    decided("L2")
    post.send()
    assert len(receiver.requests[-1].headers["webhook-signature"].split(" ")) == 1


def test_a_failure_is_repeated_with_the_same_id_and_a_new_signature(
    post: Post, receiver: Receiver, decided: Callable[..., None]
) -> None:
    receiver.replies = [Reply(status=500, body=b"not now"), Reply(status=503)]
    created = post.subscribe(receiver.url)
    decided()
    post.send()
    post.send()
    assert len(receiver.requests) == 1
    post.loop.clock.pass_(seconds=6)
    post.send()
    post.loop.clock.pass_(minutes=6)
    post.send()
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert len({request.headers["webhook-timestamp"] for request in receiver.requests}) == 3
    assert len({request.body for request in receiver.requests}) == 1
    log = admin.log(post.loop.services, created.subscription.id)
    assert [each.status for each in log] == [204, 503, 500]
    assert log[-1].answer == "not now"
    assert admin.one(post.loop.services, created.subscription.id).failing_since is None


def test_an_event_is_given_up_after_three_days_and_no_earlier(
    post: Post, receiver: Receiver, decided: Callable[..., None]
) -> None:
    receiver.otherwise = Reply(status=500)
    id_ = post.subscribe(receiver.url).subscription.id
    decided()
    began = post.loop.clock()
    post.send_until(lambda: not post.rows("sendings", state="waiting"))
    assert len(receiver.requests) == len(WAITS) + 1
    assert timedelta(days=3) < post.loop.clock() - began < timedelta(days=4)
    # One event that failed is not yet a reason to disable: that takes longer.
    assert admin.one(post.loop.services, id_).state is State.ACTIVE


def test_after_days_without_a_success_the_subscription_is_disabled_and_others_hear_of_it(
    post: Post,
    make_receiver: Callable[[], Receiver],
    decided: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken, well = make_receiver(), make_receiver()
    broken.otherwise = Reply(status=500)
    id_ = post.subscribe(broken.url, "Broken").subscription.id
    post.subscribe(well.url, "Well", types=["subscription.disabled"])
    began = post.loop.clock()
    for day in (1, 2, 3):
        decided(f"L{day}")
        post.send_until(lambda: post.loop.clock() > began + timedelta(days=day))  # noqa: B023 - called at once
    assert admin.one(post.loop.services, id_).state is State.ACTIVE
    post.send_until(lambda: bool(admin.announcements(post.loop.services)))
    assert post.loop.clock() - began > timedelta(days=5)
    (announced,) = admin.announcements(post.loop.services)
    assert announced.id == id_
    assert announced.why.startswith("nothing got through since 2026-11-02 09:00 UTC")
    assert f"subscription {id_} is disabled" in caplog.text
    assert broken.url not in caplog.text
    post.send()
    (request,) = well.requests
    assert json.loads(request.body)["data"]["subscription"] == id_
    assert not post.rows("sendings", subscription_id=id_, state="waiting")


def test_one_failure_after_weeks_of_silence_disables_nothing(
    post: Post, receiver: Receiver, decided: Callable[..., None]
) -> None:
    receiver.replies = [Reply(status=500)]
    id_ = post.subscribe(receiver.url).subscription.id
    decided()
    post.send()
    post.loop.clock.pass_(days=30)
    receiver.replies = [Reply(status=500)]
    post.send()
    assert admin.one(post.loop.services, id_).state is State.ACTIVE
    post.loop.clock.pass_(hours=1)
    post.send()
    assert post.rows("sendings", state="sent")


def test_410_disables_at_once(post: Post, receiver: Receiver, decided: Callable[..., None]) -> None:
    receiver.otherwise = Reply(status=410)
    id_ = post.subscribe(receiver.url).subscription.id
    decided("L1")
    decided("L2")
    post.send()
    subscription = admin.one(post.loop.services, id_)
    assert (subscription.state, subscription.why) == (
        State.DISABLED,
        "it answered 410: it wants nothing more",
    )
    assert {row["state"] for row in post.rows("sendings")} == {"failed"}
    sent = len(receiver.requests)
    decided("L3")
    post.loop.clock.pass_(days=1)
    post.send()
    assert len(receiver.requests) == sent


@pytest.mark.parametrize(
    ("told", "waits"),
    [
        ("120", timedelta(seconds=120)),
        ("Mon, 02 Nov 2026 09:30:01 GMT", timedelta(minutes=30)),
        ("999999999999999999", timedelta(days=1)),
        ("soon", timedelta(seconds=5)),
    ],
)
def test_retry_after_is_followed_within_bounds(
    post: Post, receiver: Receiver, decided: Callable[..., None], told: str, waits: timedelta
) -> None:
    receiver.replies = [Reply(status=429, headers={"retry-after": told})]
    id_ = post.subscribe(receiver.url).subscription.id
    decided()
    post.send()
    (row,) = post.rows("sendings")
    assert waits <= row["next_at"] - post.loop.clock() <= waits * 1.2
    decided("L2")
    held = admin.one(post.loop.services, id_).held_until
    assert held is not None
    post.send()
    assert len(receiver.requests) == 1
    post.loop.clock.now = held
    post.send()
    assert len(receiver.requests) >= 2


def test_a_redirect_is_a_failure_and_leads_nowhere(
    post: Post, make_receiver: Callable[[], Receiver], decided: Callable[..., None]
) -> None:
    receiver, elsewhere = make_receiver(), make_receiver()
    receiver.otherwise = Reply(status=307, headers={"location": elsewhere.url})
    post.subscribe(receiver.url)
    decided()
    post.send()
    assert not elsewhere.requests
    (row,) = post.rows("sendings")
    assert (row["state"], row["status"]) == ("waiting", 307)
    assert row["error"].startswith("redirect: answered 307")


def test_a_slow_subscriber_does_not_hold_up_the_others(
    post: Post, make_receiver: Callable[[], Receiver], decided: Callable[..., None]
) -> None:
    slow, quick = make_receiver(), make_receiver()
    let_go = threading.Event()
    slow.otherwise = Reply(until=let_go)
    post.subscribe(slow.url, "A slow one")
    post.subscribe(quick.url, "Quick")
    for number in range(12):
        decided(f"L{number}")

    turn = threading.Thread(target=post.send, daemon=True)
    turn.start()
    assert slow.arrived.wait(10)
    waited = threading.Event()
    for _ in range(400):
        if len(quick.requests) == 12:
            break
        waited.wait(0.02)
    assert len(quick.requests) == 12
    assert len(slow.requests) <= sending.OF_ONE
    let_go.set()
    turn.join(30)
    assert len(slow.requests) == 12


def test_a_subscriber_that_fails_is_asked_by_one_event_at_a_time(
    post: Post, receiver: Receiver, decided: Callable[..., None]
) -> None:
    receiver.otherwise = Reply(status=500)
    post.subscribe(receiver.url)
    for number in range(10):
        decided(f"L{number}")
    post.send()
    tried = len(receiver.requests)
    assert tried <= sending.OF_ONE
    post.loop.clock.pass_(minutes=2)
    post.send()
    assert len(receiver.requests) == tried + 1
    receiver.otherwise = Reply()
    post.loop.clock.pass_(minutes=20)
    post.send()
    assert {row["state"] for row in post.rows("sendings")} == {"sent"}


def test_a_crash_in_the_middle_of_a_call_sends_it_again_and_the_log_shows_it(
    post: Post, receiver: Receiver, decided: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = post.subscribe(receiver.url).subscription.id
    decided()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("closedloop_server.subscriptions.results.record", die)
        with pytest.raises(KeyboardInterrupt):
            post.send()
    (row,) = post.rows("sendings")
    assert (row["state"], row["attempts"]) == ("waiting", 1)
    post.loop.clock.pass_(seconds=6)
    post.send()
    assert [request.headers["webhook-id"] for request in receiver.requests] == [row["event_id"]] * 2
    last, first = admin.log(post.loop.services, id_)
    assert (first.duration_ms, first.status, last.status) == (None, None, 204)


def test_a_worker_that_was_superseded_writes_nothing(
    post: Post, receiver: Receiver, decided: Callable[..., None]
) -> None:
    post.subscribe(receiver.url)
    decided()
    work = Work(Kind.SEND)
    old, new = (
        OwnedWork(post.loop.services, work, holder=name, check=lambda: None) for name in ("old", "new")
    )
    old.take_turn()
    new.take_turn()
    decided("L2")
    with pytest.raises(SupersededError):
        old.take_turn()
    assert len(receiver.requests) == 1
    new.take_turn()
    assert len(receiver.requests) == 2


def test_what_is_asked_for_anew_while_it_is_sent_is_sent_anew(
    post: Post, receiver: Receiver, decided: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    services = post.loop.services
    id_ = post.subscribe(receiver.url).subscription.id
    decided()
    record = results.record

    def meanwhile(*arguments: Any) -> None:
        monkeypatch.undo()
        admin.replay_range(
            services,
            id_,
            since=services.clock() - timedelta(1),
            until=services.clock() + timedelta(1),
            who="x",
        )
        record(*arguments)

    monkeypatch.setattr(results, "record", meanwhile)
    post.send()
    post.send()
    assert len(receiver.requests) == 2


def test_a_subscription_that_was_removed_meanwhile_is_left_in_peace(
    post: Post, receiver: Receiver, decided: Callable[..., None]
) -> None:
    until = threading.Event()
    receiver.otherwise = Reply(status=500, until=until)
    id_ = post.subscribe(receiver.url).subscription.id
    decided()
    turn = threading.Thread(target=post.send, daemon=True)
    turn.start()
    assert receiver.arrived.wait(10)
    admin.remove(post.loop.services, id_, who="a test")
    until.set()
    turn.join(30)
    assert admin.every(post.loop.services) == []
    assert post.rows("subscription_secrets") == []
    assert [(row["url"], row["state"]) for row in post.rows("subscriptions")] == [("", "removed")]
    (row,) = post.rows("sendings")
    assert row["state"] == "failed"


def test_one_secret_that_cannot_be_read_holds_up_nobody_else(
    post: Post, make_receiver: Callable[[], Receiver], decided: Callable[..., None]
) -> None:
    locked, well = make_receiver(), make_receiver()
    id_ = post.subscribe(locked.url, "Locked").subscription.id
    post.subscribe(well.url, "Well")
    with writing(post.loop.engine) as connection:
        connection.exec_driver_sql(
            f"UPDATE subscription_secrets SET secret = 'nonsense' WHERE subscription_id = '{id_}'"  # noqa: S608
        )
    decided()
    post.send()
    assert not locked.requests
    assert len(well.requests) == 1
    (row,) = post.rows("sendings", subscription_id=id_)
    assert row["error"].startswith("wrong_secret_key: ")


def test_old_events_are_forgotten_with_their_log_but_not_what_still_waits(
    post: Post, receiver: Receiver, decided: Callable[..., None]
) -> None:
    id_ = post.subscribe(receiver.url).subscription.id
    decided("L1")
    post.send()
    admin.pause(post.loop.services, id_, who="a test")
    decided("L2")
    post.loop.clock.pass_(days=91)
    post.send()
    assert [row["crm_id"] for row in post.rows("events")] == ["L2"]
    assert post.rows("attempts") == []
    admin.resume(post.loop.services, id_, who="a test")
    post.send()
    assert len(receiver.requests) == 2


def test_the_turn_says_when_to_look_again(
    post: Post, receiver: Receiver, decided: Callable[..., None]
) -> None:
    receiver.replies = [Reply(status=500)]
    post.subscribe(receiver.url)
    decided()
    services = replace(post.loop.services)
    again = OwnedWork(services, Work(Kind.SEND), holder="x", check=lambda: None).take_turn()
    (row,) = post.rows("sendings")
    assert again == row["next_at"]
