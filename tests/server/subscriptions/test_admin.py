"""What an admin does with subscriptions, in code and on the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from tests.server.subscriptions.conftest import Post, Receiver, Reply

from closedloop_server.store import audit
from closedloop_server.store.engine import reading
from closedloop_server.subscriptions import admin
from closedloop_server.subscriptions.command import subscriptions
from closedloop_server.subscriptions.event_types import EventType
from closedloop_server.subscriptions.problems import SubscriptionError
from closedloop_server.subscriptions.sendings import SendingState
from closedloop_server.subscriptions.subscription import State
from closedloop_server.work.kinds import Kind, Work

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make


@pytest.fixture
def decided(loop: Loop, salesforce: Make) -> Callable[[str], None]:
    def decide(id_: str) -> None:
        now = loop.clock.pass_(seconds=1)
        loop.sales.put(salesforce.lead(id_, "Qualified", stage_changed_at=now, updated_at=now))
        loop.poll()

    return decide


@pytest.mark.parametrize(
    ("given", "reason", "said"),
    [
        ({"url": "https://10.0.0.1/"}, "private_address", "allow_networks"),
        ({"url": "http://8.8.8.8/"}, "plain_http", "use https"),
        ({"url": "example.com"}, "bad_url", "must start with https://"),
        ({"name": "  "}, "bad_name", "1 to 100 characters"),
        ({"name": "x" * 101}, "bad_name", "1 to 100 characters"),
        ({"name": "a\nb"}, "bad_name", "1 to 100 characters"),
        ({"name": "There already"}, "bad_name", "already"),
        ({"description": "x" * 2001}, "bad_name", "2000 characters"),
        ({"description": "a\0b"}, "bad_name", "2000 characters"),
        ({"types": ["lead.acepted"]}, "bad_event_type", "did you mean `lead.accepted`?"),
        ({"types": ["subscription.test"]}, "bad_event_type", "no type of event"),
        ({"connections": ["saless"]}, "bad_connection", "did you mean `sales`?"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_be_is_refused_and_nothing_is_made(
    post: Post, receiver: Receiver, given: dict[str, Any], reason: str, said: str
) -> None:
    there = post.subscribe(receiver.url, "There already").subscription
    with pytest.raises(SubscriptionError) as caught:
        post.subscribe(**{"url": receiver.url, "name": "Data team", **given})
    assert caught.value.reason == reason
    assert said in caught.value.message
    assert admin.every(post.loop.services) == [there]
    if given != {"name": "There already"}:
        with pytest.raises(SubscriptionError, match=r"."):
            admin.update(post.loop.services, there.id, **given, who="a test")
        assert admin.one(post.loop.services, there.id) == there


def test_only_what_is_given_changes_and_all_is_noted_in_the_audit(post: Post, receiver: Receiver) -> None:
    services = post.loop.services
    id_ = post.subscribe(receiver.url, types=["lead.accepted"], connections=["sales"]).subscription.id
    changed = admin.update(services, id_, types=(), description=" For the lake ", who="Ada")
    assert (changed.types, changed.connections, changed.description) == ((), ("sales",), "For the lake")
    assert admin.update(services, id_, who="Ada") == changed
    admin.pause(services, id_, who="Ada")
    admin.pause(services, id_, who="Ada")
    admin.resume(services, id_, who="Ada")
    admin.rotate(services, id_, who="Ada")
    admin.test(services, id_, who="Ada")
    admin.replay_missed(services, id_, who="Ada")
    admin.remove(services, id_, who="Ada")
    with reading(services.engine) as connection:
        entries = audit.entries(connection, limit=50)
    assert {entry.target for entry in entries} == {id_}
    assert [entry.action.removeprefix("subscription.") for entry in reversed(entries)] == [
        *("create", "update", "pause", "resume", "rotate", "test", "replay", "remove")
    ]
    assert "whsec" not in repr(entries)
    for call in (admin.one, admin.log, admin.sent):
        with pytest.raises(SubscriptionError, match="no such subscription"):
            call(services, id_)


def test_the_secret_is_not_shown_by_accident(post: Post, receiver: Receiver) -> None:
    made = post.subscribe(receiver.url)
    assert made.secret.startswith("whsec_")
    assert made.secret not in repr(made)


def test_what_happens_while_paused_waits_and_what_happens_while_disabled_can_be_had_later(
    post: Post, receiver: Receiver, decided: Callable[[str], None]
) -> None:
    services = post.loop.services
    receiver.replies = [Reply(status=410)]
    id_ = post.subscribe(receiver.url).subscription.id
    decided("L1")
    post.send()
    decided("L2")
    with pytest.raises(SubscriptionError, match="resume it first"):
        admin.replay_missed(services, id_, who="a test")
    assert admin.resume(services, id_, who="a test").state is State.ACTIVE
    post.send()
    assert len(receiver.requests) == 1
    assert admin.replay_missed(services, id_, who="a test") == 2
    admin.pause(services, id_, who="a test")
    decided("L3")
    post.send()
    assert admin.counts(services, id_) == {
        SendingState.WAITING: 3,
        SendingState.SENT: 0,
        SendingState.FAILED: 0,
    }
    admin.resume(services, id_, who="a test")
    post.send()
    assert [each.subject for each in admin.sent(services, id_, state=SendingState.SENT)] == [
        *("sales:L3", "sales:L2", "sales:L1")
    ]
    assert admin.replay_missed(services, id_, who="a test") == 0


def test_one_event_or_those_of_a_time_are_sent_again_under_their_ids(
    post: Post, receiver: Receiver, decided: Callable[[str], None]
) -> None:
    services = post.loop.services
    id_ = post.subscribe(receiver.url).subscription.id
    for lead in ("L1", "L2", "L3"):
        decided(lead)
        post.loop.clock.pass_(hours=1)
    post.send()
    newest, middle, _ = admin.sent(services, id_)
    assert admin.replay(services, id_, event=newest.event_id, who="a test") == 1
    post.send()
    assert receiver.requests[-1].headers["webhook-id"] == newest.event_id
    for event in ("evt_nonsense", "evt_" + "a" * 32, "\0", "\ud800"):
        with pytest.raises(SubscriptionError, match="no such event"):
            admin.replay(services, id_, event=event, who="a test")
    for other in ("sub_" + "0" * 24, "\0", "\ud800"):
        with pytest.raises(SubscriptionError, match="no such subscription"):
            admin.one(services, other)
    since = middle.learned_at
    count = admin.replay_range(services, id_, since=since, until=since + timedelta(hours=1), who="a test")
    assert count == 1
    post.send()
    assert receiver.requests[-1].headers["webhook-id"] == middle.event_id
    assert len(receiver.requests) == 5


def test_an_event_that_was_on_its_way_is_not_missed(
    post: Post, receiver: Receiver, decided: Callable[[str], None]
) -> None:
    receiver.replies = [Reply(status=500)]
    id_ = post.subscribe(receiver.url).subscription.id
    decided("L1")
    post.send()
    assert admin.replay_missed(post.loop.services, id_, who="a test") == 0


def test_the_lists_go_on_page_by_page(post: Post, receiver: Receiver, decided: Callable[[str], None]) -> None:
    services = post.loop.services
    id_ = post.subscribe(receiver.url).subscription.id
    for number in range(5):
        decided(f"L{number}")
    post.send()
    first = admin.log(services, id_, limit=3)
    assert len(first + admin.log(services, id_, limit=3, before=first[-1].number)) == 5
    shown = admin.sent(services, id_, limit=3)
    rest = admin.sent(services, id_, limit=3, before=(shown[-1].learned_at, shown[-1].event_id))
    assert len({each.event_id for each in shown + rest}) == 5


@pytest.mark.parametrize("status", [204, 500])
def test_a_test_is_sent_at_once_and_only_once_and_to_this_one_alone(
    post: Post, make_receiver: Callable[[], Receiver], status: int
) -> None:
    asked, other = make_receiver(), make_receiver()
    asked.otherwise = Reply(status=status, body=b"thanks")
    id_ = post.subscribe(asked.url, "Asked").subscription.id
    post.subscribe(other.url, "Other")
    admin.pause(post.loop.services, id_, who="a test")
    went = admin.test(post.loop.services, id_, who="a test")
    assert (went.status, went.accepted, went.type) == (status, status == 204, EventType.SUBSCRIPTION_TEST)
    assert went == admin.log(post.loop.services, id_)[0]
    post.send()
    admin.resume(post.loop.services, id_, who="a test")
    assert admin.replay_missed(post.loop.services, id_, who="a test") == 0
    post.send()
    assert (len(asked.requests), len(other.requests)) == (1, 0)


def test_a_test_that_is_accepted_lets_what_was_held_go_on(
    post: Post, receiver: Receiver, decided: Callable[[str], None]
) -> None:
    receiver.replies = [Reply(status=503, headers={"retry-after": "86400"})]
    id_ = post.subscribe(receiver.url).subscription.id
    decided("L1")
    post.send()
    assert admin.one(post.loop.services, id_).held_until is not None
    admin.test(post.loop.services, id_, who="a test")
    decided("L2")
    post.send()
    assert len(receiver.requests) == 3


def test_what_changes_wakes_whoever_sends(post: Post, receiver: Receiver) -> None:
    woken: list[Work] = []
    post.loop.services = replace(post.loop.services, wake=lambda *works: woken.extend(works))
    id_ = post.subscribe(receiver.url).subscription.id
    admin.pause(post.loop.services, id_, who="a test")
    admin.resume(post.loop.services, id_, who="a test")
    assert set(woken) == {Work(Kind.SEND)}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs a command on a database of its own, as an operator types it."""
    monkeypatch.setenv("SALES_TOKEN", "t")
    path = tmp_path / "closedloop.toml"
    path.write_text(
        'public_url = "http://127.0.0.1:1"\n[webhooks]\nallow_networks = ["127.0.0.0/8"]\n'
        '[connections.sales]\ncrm = "salesforce"\norganisation_id = "00D5g000004ABCD"\n'
        'login_url = "http://127.0.0.1:1"\naccess_token = {env = "SALES_TOKEN"}\n'
    )

    def run(*arguments: str, fails: bool = False) -> str:
        result = CliRunner().invoke(subscriptions, [*arguments, "--settings", str(path)])
        assert (result.exit_code != 0) == fails, result.output
        return result.output

    return run


def test_everything_can_be_done_on_the_command_line(run: Callable[..., str], receiver: Receiver) -> None:
    id_, secret = run("add", "Data team", receiver.url, "--type", "lead.accepted").strip().split("\t")
    assert secret.startswith("whsec_")
    listed = run("list")
    assert (
        f"{id_}\tData team\tactive\t0 waiting, 0 sent, 0 failed\tlead.accepted\tall connections\t" in listed
    )
    assert secret not in listed
    assert "answered 204" in run("test", id_)
    receiver.otherwise = Reply(status=500)
    assert "the test was not accepted" in run("test", id_, fails=True)
    assert [line.split("\t")[3] for line in run("log", id_).splitlines()] == ["answered 500", "answered 204"]
    assert run("rotate", id_).startswith("whsec_")
    assert run("pause", id_).startswith("Paused")
    assert run("resume", id_).startswith("Active")
    assert run("replay", id_, "--missed") == "0 to be sent by the running server.\n"
    assert run("replay", id_, "--since", "2026-11-01") == "0 to be sent by the running server.\n"
    assert "no such event" in run("replay", id_, "--event", "evt_x", fails=True)
    assert "say what to send" in run("replay", id_, fails=True)
    assert run("remove", id_) == "Removed.\n"
    assert run("list") == ""
    assert "no such subscription" in run("remove", id_, fails=True)
