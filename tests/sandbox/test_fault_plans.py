"""A fault plan as it is written: what it may say, and what it hears when it says something else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from closedloop.errors import SettingsError
from closedloop.sandbox.faults import Fault, Faults, Rule, Where
from closedloop.sandbox.faults.amounts import moment, seconds
from closedloop.sandbox.faults.chance import Seconds
from closedloop.sandbox.faults.reading import plan_of, rule_of
from closedloop.sandbox.faults.vocabulary import MEANINGS
from closedloop.sandbox.hubspot.faults import HubSpotFaults
from closedloop.sandbox.salesforce.faults import SalesforceFaults
from closedloop.schema.vocabulary import CrmName

FILE = """\
seed: 7
rules:
  - name: busy
    fault: rate_limit
    crm: hubspot
    method: [get, POST]
    path: /crm/v3/objects/*
    object: contact
    probability: 0.05
    every: 2
    skip: 10
    times: 3
    from: 30s
    until: 2026-12-01T00:00:00Z
    policy: SECONDLY
    retry_after: 1
  - fault: latency
    seconds: {median: 20ms, spread: 0.4}
"""


def test_a_file_says_everything(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(FILE)
    plan = plan_of(file)
    assert plan.seed == 7
    busy, slow = plan.rules
    assert (busy.name, busy.fault, busy.crm) == ("busy", Fault.RATE_LIMIT, CrmName.HUBSPOT)
    assert busy.where == Where(methods=frozenset({"GET", "POST"}), path="/crm/v3/objects/*", object="contact")
    assert (busy.when.probability, busy.when.every, busy.when.skip, busy.when.times) == (0.05, 2, 10, 3)
    assert (busy.when.begins, busy.when.ends) == (30.0, datetime(2026, 12, 1, tzinfo=UTC))
    assert busy.settings == {"policy": "SECONDLY", "retry_after": 1}
    assert (slow.name, slow.settings) == ("rule 2", {"seconds": Seconds(least=0.02, most=0.02, spread=0.4)})
    assert plan_of(str(file)) == plan
    assert plan_of(plan) is plan


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"fault": "latncy"}, "rules[0].fault: 'latncy' is not known; did you mean `latency`?"),
        ({}, "rules[0]: names no `fault`"),
        ("reset", "rules[0]: must be a mapping with a `fault`"),
        ({"fault": "latency"}, "rules[0]: latency needs `seconds`"),
        ({"fault": "latency", "seconds": "soon"}, "rules[0].seconds: must be a time such as"),
        ({"fault": "latency", "seconds": -1}, "rules[0].seconds: must be a time such as"),
        ({"fault": "latency", "seconds": {"least": 2, "most": 1}}, "not more than the most"),
        ({"fault": "latency", "seconds": {"least": 2}}, "must be a time, {least, most}"),
        ({"fault": "latency", "seconds": {"median": 2, "spread": 0}}, "a spread that is a number"),
        ({"fault": "latency", "seconds": True}, "rules[0].seconds: must be a time such as"),
        ({"fault": "slow_index", "seconds": 1, "crm": "salesforce"}, "Salesforce has no slow_index"),
        ({"fault": "reset", "crm": "dynamics"}, "rules[0].crm: 'dynamics' is not known"),
        ({"fault": "rate_limit", "policy": "DAYLY"}, "did you mean `DAILY`?"),
        ({"fault": "rate_limit", "crm": "salesforce", "policy": "DAILY"}, "Allowed: ConcurrentRequests"),
        ({"fault": "reset", "probability": 2}, "rules[0].probability: must be a number from 0 to 1, not 2"),
        ({"fault": "reset", "probability": "nan"}, "must be a number from 0 to 1"),
        ({"fault": "reset", "every": 0}, "rules[0].every: must be a whole number from 1"),
        ({"fault": "reset", "skip": 1.5}, "rules[0].skip: must be a whole number from 0"),
        ({"fault": "reset", "times": True}, "rules[0].times: must be a whole number from 1"),
        ({"fault": "reset", "until": "2026-01-01"}, "rules[0].until: must be a time from the start"),
        ({"fault": "reset", "from": -1}, "rules[0].from: must be a time from the start"),
        ({"fault": "reset", "done": "yes"}, "rules[0].done: must be true or false"),
        ({"fault": "reset", "metod": "GET"}, "did you mean `method`?"),
        ({"fault": "reset", "method": "GTE"}, "'GTE' is no method; did you mean `GET`?"),
        ({"fault": "webhook_lost", "method": "GET"}, "webhook_lost is not about requests"),
        ({"fault": "slow_index", "seconds": 1, "path": "/x"}, "there is no such setting"),
        ({"fault": "error", "status": 399}, "rules[0].status: must be an HTTP status from 400 to 599"),
        ({"fault": "page", "status": 600}, "rules[0].status: must be an HTTP status from 200 to 599"),
        ({"fault": "error", "status": 400, "code": ["X"]}, "rules[0].code: must be text"),
        ({"fault": "clock_skew", "seconds": "x"}, "must be a time such as 90, -90 or -5m"),
        ({"fault": "clock_skew", "seconds": 1, "shows_in": "x"}, "must be all, date or records"),
    ],
    ids=lambda value: None if isinstance(value, dict) else "",
)
def test_a_mistake_is_named_with_its_place(rule: Any, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        plan_of({"rules": [rule]})
    assert message in caught.value.message
    assert caught.value.reason == "bad_fault_plan"


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"sed": 1}, "sed: there is no such setting; did you mean `seed`?"),
        ({"rules": {"a": 1}}, "rules: must be a list of rules"),
        ({"seed": "x"}, "seed: must be a whole number from 0"),
        ({"rules": [{"fault": "reset", "name": "a"}] * 2}, "rules[1]: two rules are called 'a'"),
    ],
    ids=["unknown", "no list", "seed", "same name"],
)
def test_a_plan_is_checked_as_a_whole(plan: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        plan_of(plan)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("rules:\n  - fault: reset\n    probability: 1.5\n", ":3: rules[0].probability: must be"),
        ("rules: [", "this is not YAML"),
        ("", "the file is empty"),
        ("rules: [{fault: &a reset, name: *a}]\n", "anchors"),
    ],
    ids=["line", "no yaml", "empty", "anchors"],
)
def test_a_mistake_in_a_file_is_named_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(content)
    with pytest.raises(SettingsError) as caught:
        plan_of(file)
    assert message in caught.value.message
    assert str(file) in caught.value.message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        plan_of(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "value"), [("0.5", 0.5), (2, 2.0), ("200ms", 0.2), ("1.5s", 1.5), ("2m", 120.0), ("1h", 3600.0)]
)
def test_a_time_has_units(text: Any, value: float) -> None:
    assert seconds(text).at(0.5) == value
    assert moment(text) == value


def test_times_vary_evenly_or_log_normally() -> None:
    assert [Seconds(least=1, most=3).at(chance) for chance in (0, 0.5, 1)] == [1, 2, 3]
    spread = Seconds(least=1, most=1, spread=0.5)
    assert spread.at(0.5) == 1
    assert spread.at(0.0) > 0
    assert spread.at(0.84) == pytest.approx(1.64, abs=0.01)


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("faults", [SalesforceFaults, HubSpotFaults])
def test_every_fault_does_something_in_every_crm_that_knows_it(faults: type[Faults], fault: Fault) -> None:
    values: dict[str, Any] = {"seconds": 1, "status": 503}
    required = {name: values[name] for name in MEANINGS[fault].required}
    sandbox = faults()
    sandbox.use({"rules": [{"fault": fault, **required}]})
    assert bool(sandbox.active) is (faults.crm in MEANINGS[fault].crms)


def test_a_limit_of_one_crm_does_not_concern_the_other() -> None:
    plan = {"rules": [{"fault": "rate_limit", "policy": "DAILY"}]}
    salesforce, hubspot = SalesforceFaults(), HubSpotFaults()
    for faults in (salesforce, hubspot):
        faults.use(plan)
    assert (bool(salesforce.active), bool(hubspot.active)) == (False, True)


def test_rules_are_added_and_removed_by_name() -> None:
    faults = HubSpotFaults()
    faults.add_rule({"fault": "reset"})
    faults.add_rule(Rule(name="second", fault=Fault.TRUNCATED))
    assert [rule.name for rule in faults.plan.rules] == ["rule 1", "second"]
    with pytest.raises(SettingsError, match="there is a rule called 'second'"):
        faults.add_rule({"fault": "reset", "name": "second"})
    faults.remove_rule("rule 1")
    assert list(faults.counts) == ["second"]
    with pytest.raises(SettingsError, match="there is no rule called 'rule 1'"):
        faults.remove_rule("rule 1")
    faults.clear()
    assert not faults.active
    assert rule_of({"fault": "reset"}).name == "rule"
