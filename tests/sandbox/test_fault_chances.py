"""When a rule strikes: by number, by time and by chance, and the same every time."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from closedloop.sandbox.faults import Asked, Fault, Faults
from closedloop.sandbox.faults.effects import Phase
from closedloop.sandbox.hubspot.faults import HubSpotFaults

START = datetime(2026, 11, 20, 8, tzinfo=UTC)


def asked(path: str = "/crm/v3/objects/contacts", method: str = "GET", *about: str) -> Asked:
    return Asked(method=method, path=path, about=lambda: frozenset(about))


def following(*rules: dict[str, Any], seed: int = 0) -> HubSpotFaults:
    faults = HubSpotFaults(lambda: START)
    faults.use({"seed": seed, "rules": [{"fault": "unavailable", **rule} for rule in rules]})
    return faults


def struck(faults: HubSpotFaults, requests: Iterable[Asked]) -> list[int]:
    """The numbers, from 1, of the requests that were struck."""
    return [n for n, each in enumerate(requests, 1) if faults.take(Phase.ANSWER, each)]


@pytest.mark.parametrize(
    ("rule", "numbers"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"times": 2}, [1, 2]),
        ({"skip": 6}, [7, 8]),
        ({"every": 3}, [3, 6]),
        ({"every": 3, "skip": 1}, [4, 7]),
        ({"every": 2, "times": 2}, [2, 4]),
        ({"probability": 0}, []),
    ],
    ids=["always", "times", "skip", "every", "every-skip", "every-times", "never"],
)
def test_matches_are_counted(rule: dict[str, Any], numbers: list[int]) -> None:
    assert struck(following(rule), [asked()] * 8) == numbers


@pytest.mark.parametrize(
    ("rule", "meets"),
    [
        ({"method": "POST"}, False),
        ({"method": ["POST", "get"]}, True),
        ({"path": "objects/contacts"}, True),
        ({"path": "/crm/v3/objects/*"}, True),
        ({"path": "/objects/*"}, False),
        ({"path": "*/contacts"}, True),
        ({"object": "contact"}, True),
        ({"object": "0-1"}, True),
        ({"object": "deals"}, False),
        ({"crm": "salesforce"}, False),
    ],
    ids=lambda value: None if isinstance(value, bool) else "-".join(map(str, *value.items())),
)
def test_a_rule_is_about_some_requests(rule: dict[str, Any], meets: bool) -> None:
    request = asked("/crm/v3/objects/contacts", "GET", "contacts")
    assert bool(struck(following(rule), [request])) is meets


def test_chance_comes_out_the_same_for_the_same_seed() -> None:
    first, again, other = (
        struck(following({"probability": 0.3}, seed=seed), [asked()] * 1000) for seed in (7, 7, 8)
    )
    assert first == again != other
    assert 250 < len(first) < 350


def test_other_requests_and_other_rules_do_not_change_a_chance() -> None:
    rule = {"name": "mine", "probability": 0.3, "path": "/contacts"}
    alone = struck(following(rule), [asked()] * 100)
    among = following({"name": "other", "probability": 0.5, "path": "/deals"}, rule)
    mixed = [each for _ in range(100) for each in (asked("/crm/v3/objects/deals"), asked())]
    assert [n // 2 for n in struck(among, mixed) if n % 2 == 0] == alone


def test_many_threads_meet_as_many_faults() -> None:
    faults = following({"name": "contacts", "path": "/contacts", "probability": 0.2})
    alone = len(struck(following({"name": "contacts", "probability": 0.2}), [asked()] * 400))

    def hundred() -> None:
        struck(faults, [asked()] * 100)

    threads = [threading.Thread(target=hundred) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults.counts == {"contacts": (400, alone)}


def test_the_first_rule_that_strikes_is_the_one_and_every_rule_counts() -> None:
    faults = following({"name": "a", "every": 2}, {"name": "b"})
    assert len(struck(faults, [asked()] * 4)) == 4
    assert [entry.rule for entry in faults.log] == ["b", "a", "b", "a"]
    assert faults.counts == {"a": (4, 2), "b": (4, 2)}


def test_a_window_is_measured_from_the_start_of_the_plan_or_absolute() -> None:
    now = START
    faults = HubSpotFaults(lambda: now)
    faults.use(
        {
            "rules": [
                {"fault": "unavailable", "name": "soon", "from": "10s", "until": "20s"},
                {"fault": "unavailable", "name": "later", "from": "2026-11-20T08:01:00Z"},
            ]
        }
    )
    for second in (0, 10, 19, 20, 59, 60):
        now = START + timedelta(seconds=second)
        faults.take(Phase.ANSWER, asked())
    assert [(entry.rule, (entry.at - START).seconds) for entry in faults.log] == [
        ("soon", 10),
        ("soon", 19),
        ("later", 60),
    ]


def test_the_log_says_when_what_and_by_which_rule() -> None:
    faults = following({"name": "down", "skip": 1})
    struck(faults, [asked(), asked("/x", "POST")])
    (entry,) = faults.log
    assert (entry.at, entry.rule, entry.fault) == (START, "down", "unavailable")
    assert (entry.method, entry.path, entry.number) == ("POST", "/x", 2)


def test_what_was_asked_for_comes_before_the_rules_and_is_used_up() -> None:
    faults = following({"name": "rule"})
    faults.add(500, times=2, path="/contacts")
    struck(faults, [asked("/other"), asked(), asked(), asked()])
    assert [entry.rule for entry in faults.log] == ["rule", "asked for", "asked for", "rule"]


def test_what_a_crm_has_to_know_of_is_nothing_to_a_server_without_one() -> None:
    faults = Faults()
    faults.use({"rules": [{"fault": "reset"}]})
    assert not faults.active
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/x"}
    assert faults.asked(environ).about() == faults.objects_in(environ) == frozenset()
    assert faults.fits(Fault.RESET, asked())
    assert faults.name_of("Lead") == "lead"


def test_delays_add_up() -> None:
    faults = HubSpotFaults()
    faults.use(
        {
            "rules": [
                {"fault": "latency", "seconds": 1},
                {"fault": "latency", "seconds": {"least": 2, "most": 4}},
            ]
        }
    )
    first, second = (sum(seconds for _, seconds in faults.delays(asked())) for _ in range(2))
    assert 3 <= first <= 5
    assert first != second


def test_events_are_lost_doubled_and_late() -> None:
    faults = HubSpotFaults()
    event = {"subscriptionType": "contact.propertyChange"}
    other = {"subscriptionType": "object.creation", "objectTypeId": "0-3"}
    faults.use(
        {
            "rules": [
                {"fault": "webhook_lost", "object": "deals"},
                {"fault": "webhook_duplicated", "path": "contact.*", "copies": 3, "times": 1},
                {"fault": "webhook_delayed", "seconds": 5},
            ]
        }
    )
    assert faults.deliveries(other) == []
    assert faults.deliveries(event) == [(0, event)] * 3
    assert faults.deliveries(event) == [(5, event)]
    faults.use({"rules": [{"fault": "webhook_shuffled", "seconds": {"least": 0, "most": 9}}]})
    waits = [seconds for _ in range(9) for seconds, _ in faults.deliveries(event)]
    assert waits != sorted(waits)
    faults.clear()
    assert faults.deliveries(event) == [(0, event)]
