"""Creating when answers get lost: nothing is made twice, and what is not known is said to be so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from closedloop.crm.hubspot import HubSpotCrm
from closedloop.crm.results import WriteOutcome
from closedloop.crm.retry import ATTEMPTS
from closedloop.errors import DuplicateError, RetryableError, UncertainError
from closedloop.sandbox.disturbance import Disturbance
from closedloop.sandbox.hubspot import HubSpotSandbox

_W = WriteOutcome
CREATE = "/crm/v3/objects/contacts/batch/create"
PEOPLE = [{"email": f"c{n}@example.com", "last_name": f"N{n}"} for n in range(5)]


@pytest.fixture(autouse=True)
def _no_waits(waits: list[float]) -> None:
    """Nothing sleeps."""


@pytest.mark.parametrize("what", [Disturbance.LOST, Disturbance.TRUNCATED])
def test_records_made_before_the_answer_was_lost_are_found_by_their_address(
    sandbox: HubSpotSandbox, connected: HubSpotCrm, what: Disturbance
) -> None:
    sandbox.disturbances.plan(what, path="/batch/create")
    results = connected.contacts.create_many(PEOPLE)
    assert [result.outcome for result in results] == [_W.CREATED] * 5
    assert [result.id for result in results] == sandbox.portal.ids("contacts")
    assert sandbox.portal.requests["POST", CREATE] == 1


def test_what_was_not_made_is_sent_again_once(sandbox: HubSpotSandbox, connected: HubSpotCrm) -> None:
    sandbox.disturbances.plan(Disturbance.RESET, path="/batch/create")
    results = connected.contacts.create_many(PEOPLE)
    assert [result.outcome for result in results] == [_W.CREATED] * 5
    assert len(sandbox.portal.ids("contacts")) == 5


def test_after_two_lost_tries_nobody_knows(sandbox: HubSpotSandbox, connected: HubSpotCrm) -> None:
    sandbox.disturbances.plan(Disturbance.RESET, path="/batch/create", times=2)
    results = connected.contacts.create_many(PEOPLE)
    assert all(isinstance(result.error, UncertainError) for result in results)
    assert sandbox.portal.ids("contacts") == []


def test_two_lost_answers_make_nothing_twice(sandbox: HubSpotSandbox, connected: HubSpotCrm) -> None:
    sandbox.disturbances.plan(Disturbance.RESET, path="/batch/create")
    sandbox.disturbances.plan(Disturbance.LOST, path="/batch/create")
    results = connected.contacts.create_many(PEOPLE)
    assert [result.outcome for result in results] == [_W.CREATED] * 5
    assert len(sandbox.portal.ids("contacts")) == 5


def test_one_that_appears_between_the_two_tries_is_not_called_a_failure(
    sandbox: HubSpotSandbox, connected: HubSpotCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HubSpot may still be at work on the first try when it is looked for."""
    read, late = connected.client.read, iter([True])

    def reading(*args: Any, **options: Any) -> Any:
        answer = read(*args, **options)
        if next(late, False):
            sandbox.portal.create("contacts", {"email": PEOPLE[0]["email"]})
        return answer

    monkeypatch.setattr(connected.client, "read", reading)
    sandbox.disturbances.plan(Disturbance.RESET, path="/batch/create")
    results = connected.contacts.create_many(PEOPLE)
    assert [result.outcome for result in results] == [_W.CREATED] * 5
    assert len(sandbox.portal.ids("contacts")) == 5


def test_an_index_that_lags_does_not_hide_what_was_made(
    sandbox: HubSpotSandbox, connected: HubSpotCrm
) -> None:
    sandbox.portal.index_lag = 3600
    sandbox.disturbances.plan(Disturbance.LOST, path="/batch/create")
    results = connected.contacts.create_many(PEOPLE)
    assert all(result.ok for result in results)


def test_one_that_was_there_before_is_a_duplicate_and_not_ours(
    sandbox: HubSpotSandbox, connected: HubSpotCrm
) -> None:
    long_ago = sandbox.portal.clock() - timedelta(days=3)
    old = sandbox.portal.create("contacts", {"email": "c0@example.com"}, at=long_ago)
    sandbox.disturbances.plan(Disturbance.LOST, path="/batch/create")
    results = connected.contacts.create_many(PEOPLE)
    error = results[0].error
    assert isinstance(error, DuplicateError)
    assert error.existing_id == old
    assert [result.outcome for result in results[1:]] == [_W.CREATED] * 4


def test_one_that_came_since_the_last_answer_is_a_duplicate_too(
    sandbox: HubSpotSandbox, connected: HubSpotCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection may be idle for long: what its last answer said of the time is no measure."""
    connected.contacts.create({"last_name": "N"})
    monkeypatch.setattr(connected.client, "_answered", connected.client._clock() - 600)
    old = sandbox.portal.create(
        "contacts", {"email": "c0@example.com"}, at=sandbox.portal.clock() + timedelta(seconds=300)
    )
    sandbox.disturbances.plan(Disturbance.LOST, path="/batch/create")
    results = connected.contacts.create_many(PEOPLE)
    assert isinstance(results[0].error, DuplicateError)
    assert results[0].error.existing_id == old


@pytest.mark.parametrize("what", [Disturbance.LOST, Disturbance.RESET])
def test_two_with_one_address_are_not_both_called_created(
    sandbox: HubSpotSandbox, connected: HubSpotCrm, what: Disturbance
) -> None:
    sandbox.disturbances.plan(what, path="/batch/create")
    people = [{"email": "ada@example.com"}, {"email": "Ada@Example.com"}, {"email": "bob@example.com"}]
    results = connected.contacts.create_many(people)
    assert [result.outcome for result in results] == [_W.CREATED, _W.FAILED, _W.CREATED]
    error = results[1].error
    assert isinstance(error, DuplicateError)
    assert error.existing_id == results[0].id
    assert sandbox.portal.ids("contacts") == [results[0].id, results[2].id]


def test_where_looking_fails_too_no_more_is_sent(sandbox: HubSpotSandbox, connected: HubSpotCrm) -> None:
    connected.definitions.of("contacts")
    sandbox.disturbances.plan(Disturbance.RESET, times=10_000)
    results = connected.contacts.create_many({"email": f"c{n}@example.com"} for n in range(300))
    assert all(isinstance(result.error, UncertainError) for result in results[:100])
    assert {type(result.error) for result in results[100:]} == {RetryableError}
    assert connected.quota.own == 1 + 1 + ATTEMPTS


def test_what_nothing_tells_apart_is_uncertain_one_by_one(
    sandbox: HubSpotSandbox, connected: HubSpotCrm
) -> None:
    sandbox.disturbances.plan(Disturbance.LOST, path="/batch/create")
    values = [{"last_name": "N"}, {"email": "ada@example.com"}]
    results = connected.contacts.create_many(values)
    assert isinstance(results[0].error, UncertainError)
    assert results[1].outcome is _W.CREATED
    assert len(sandbox.portal.ids("contacts")) == 2


@pytest.mark.parametrize(
    ("resource", "values", "path"),
    [
        ("accounts", {"name": "A"}, "/companies/batch/create"),
        ("opportunities", {"name": "A"}, "/deals/batch/create"),
        ("campaigns", {"name": "A"}, "/campaigns/batch/create"),
    ],
)
def test_without_a_unique_property_it_is_uncertain(
    sandbox: HubSpotSandbox, connected: HubSpotCrm, resource: str, values: dict[str, str], path: str
) -> None:
    sandbox.disturbances.plan(Disturbance.LOST, path=path)
    with pytest.raises(UncertainError):
        getattr(connected, resource).create(values)
    assert sum(count for (_, asked), count in sandbox.portal.requests.items() if path in asked) == 1


def test_when_nothing_can_be_looked_up_either_it_is_uncertain(
    sandbox: HubSpotSandbox, connected: HubSpotCrm
) -> None:
    connected.definitions.of("contacts")
    sandbox.disturbances.plan(Disturbance.LOST, path="/batch/create")
    sandbox.portal.faults.add(503, path="/batch/read", times=50)
    results = connected.contacts.create_many(PEOPLE)
    assert all(isinstance(result.error, UncertainError) for result in results)


def test_results_that_name_nobody_are_looked_for_instead_of_being_sent_again(
    double: Any, crm: HubSpotCrm, told: Any
) -> None:
    """Whether every answer of HubSpot's bears the trace ids is not known."""
    double.answer("GET", "/crm/v3/properties/contacts", {"results": []})
    made: list[dict[str, Any]] = []

    def create(body: Any) -> Any:
        made.extend({"id": str(100 + n), **each} for n, each in enumerate(body["inputs"]))
        rows = [{"id": each["id"], "properties": {"hs_object_id": each["id"]}} for each in made]
        return told({"results": rows}, 201)

    def read(body: Any) -> Any:
        asked = {each["id"] for each in body["inputs"]}
        found = [each for each in made if each["properties"]["email"] in asked]
        return told({"results": [{"id": each["id"], "properties": each["properties"]} for each in found]})

    double.respond("POST", CREATE, create)
    double.respond("POST", "/crm/v3/objects/contacts/batch/read", read)
    results = crm.contacts.create_many(PEOPLE[:3])
    assert [result.id for result in results] == ["100", "101", "102"]
    assert len(double.bodies(CREATE)) == 1


def test_an_update_whose_answer_was_lost_is_simply_made_again(
    sandbox: HubSpotSandbox, connected: HubSpotCrm
) -> None:
    made = sandbox.portal.create("contacts", {"email": "ada@example.com"})
    sandbox.disturbances.plan(Disturbance.LOST, path="/batch/update")
    assert connected.contacts.update(made, {"title": "Buyer"}).outcome is _W.UPDATED
    sandbox.disturbances.plan(Disturbance.LOST, path="/batch/upsert")
    assert connected.contacts.upsert({"email": "ada@example.com", "title": "B"}, by="email").ok
    sandbox.disturbances.plan(Disturbance.LOST, path="/batch/archive")
    assert connected.contacts.delete(made).ok
    assert sandbox.portal.ids("contacts") == []
