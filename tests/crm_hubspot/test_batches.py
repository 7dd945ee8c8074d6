"""Which result and which failure of a batch's answer belongs to which of its inputs."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedloop.crm.hubspot.batches import Outcome, split
from closedloop.errors import AnswerError, DuplicateError, GoneError, RefusedError

Recorded = Callable[[str], Any]
GUID = "36137b99-47a6-40fe-986d-839a5e3deebb"


def record(number: int | str, **properties: str) -> dict[str, Any]:
    return {"id": str(number), "properties": properties}


def failure(category: str = "VALIDATION_ERROR", **context: Any) -> dict[str, Any]:
    return {"status": "error", "category": category, "context": context}


def ids(outcomes: list[Outcome]) -> list[str | None]:
    return [None if each.result is None else each.result["id"] for each in outcomes]


def test_the_recorded_partial_update_is_told_apart(recorded: Recorded) -> None:
    answer = recorded("amp-labs/batch_update_contacts_err-partial-success.json")
    sent = [{"id": "unknownIdentifier888"}, {"id": "171591000199"}]
    gone, updated = split(sent, answer)
    assert isinstance(gone.error, GoneError)
    assert (gone.result, gone.named) == (None, True)
    assert (ids([updated]), updated.error) == (["171591000199"], None)


def test_the_recorded_failure_of_a_campaign_names_nothing_and_says_so(recorded: Recorded) -> None:
    answer = recorded("amp-labs/batch_read_campaigns_multi-207.json")
    broken = "430318c4-abb7-4bf7-a75ee-9c5fa8f475a6"
    found, failed = split([{"id": GUID.upper()}, {"id": broken}], answer)
    assert ids([found]) == [GUID]
    assert isinstance(failed.error, RefusedError)
    assert not failed.named


def test_the_recorded_associations_are_found_by_where_they_start(recorded: Recorded) -> None:
    answer = recorded("amp-labs/search_contacts_contacts-to-companies.json")
    none, linked = split([{"id": "103107104018"}, {"id": "501"}], answer)
    assert isinstance(none.error, GoneError)
    assert linked.result is not None
    assert linked.result["to"][0]["toObjectId"] == 29022297485


def test_a_create_is_known_by_its_trace_id_in_results_and_failures() -> None:
    answer = {
        "results": [record(9) | {"objectWriteTraceId": "c"}, record(8) | {"objectWriteTraceId": "a"}],
        "errors": [failure("CONFLICT", objectWriteTraceId=["b"], existingId=["77"])],
    }
    first, second, third = split([{"objectWriteTraceId": each} for each in "abc"], answer)
    assert ids([first, second, third]) == ["8", None, "9"]
    assert isinstance(second.error, DuplicateError)
    assert second.error.existing_id == "77"


def test_a_record_id_is_never_taken_for_a_trace_id() -> None:
    (outcome, other) = split(
        [{"objectWriteTraceId": "1"}, {"objectWriteTraceId": "2"}], {"results": [record(1), record(2)]}
    )
    assert (outcome.result, other.result, outcome.named) == (None, None, False)


def test_an_address_finds_its_record_however_hubspot_writes_it() -> None:
    answer = {
        "results": [record(2, email="bo@example.com"), record(1, email="ada@example.com")],
        "errors": [failure("OBJECT_NOT_FOUND", ids=["cy@example.com"])],
    }
    sent = [{"id": "Ada@Example.com"}, {"id": "bo@example.com"}, {"id": "cy@example.com"}]
    outcomes = split(sent, answer, id_property="email")
    assert ids(outcomes) == ["1", "2", None]
    assert isinstance(outcomes[2].error, GoneError)
    assert "example.com" not in str(outcomes[2].error)


def test_each_input_may_name_its_own_unique_property() -> None:
    answer = {"results": [record(1, code="X"), record(2, email="x@example.com")]}
    sent = [{"id": "x@example.com", "idProperty": "email"}, {"id": "X", "idProperty": "code"}]
    assert ids(split(sent, answer)) == ["2", "1"]


def test_a_merged_record_is_found_in_the_one_it_lives_on_in() -> None:
    answer = {"results": [record(7, hs_merged_object_ids="5;6"), record(1)]}
    assert ids(split([{"id": "1"}, {"id": "6"}], answer)) == ["1", "7"]


def test_what_is_left_over_belongs_to_the_only_input_that_waits() -> None:
    assert ids(split([{"id": "1"}, {"id": "6"}], {"results": [record(7), record(1)]})) == ["1", "7"]


def test_what_is_left_over_belongs_to_nobody_when_something_failed() -> None:
    answer = {"results": [record(7)], "errors": [failure()]}
    (outcome,) = split([{"id": "6"}], answer)
    assert (outcome.result, outcome.named) == (None, False)


def test_campaigns_without_names_are_known_by_what_they_hold() -> None:
    answer = {"results": [record("b", hs_name="Spring", hs_notes="x"), record("a", hs_name="Spring")]}
    sent = [
        {"properties": {"hs_name": "Spring", "hs_utm": ""}},
        {"properties": answer["results"][0]["properties"]},
    ]
    assert ids(split(sent, answer)) == ["a", "b"]


def test_pairs_are_known_by_both_their_ends() -> None:
    answer = {
        "results": [{"fromObjectId": 1, "toObjectId": 3, "labels": []}],
        "errors": [failure(fromObjectId=["2"])],
    }
    sent = [{"from": {"id": "2"}, "to": {"id": "3"}}, {"from": {"id": "1"}, "to": {"id": "3"}}]
    failed, linked = split(sent, answer)
    assert failed.error is not None
    assert linked.result == answer["results"][0]


@pytest.mark.parametrize("answer", [{}, None, [], {"results": None}, "x", {"results": [1]}])
def test_an_answer_without_results_is_no_answer(answer: Any) -> None:
    with pytest.raises(AnswerError):
        split([{"id": "1"}], answer)


def test_an_input_that_nothing_speaks_of_gets_an_error_of_its_own() -> None:
    outcomes = split([{"id": str(n)} for n in range(3)], {"results": [record(1)]})
    assert [type(each.error) for each in outcomes] == [AnswerError, type(None), AnswerError]
    assert not outcomes[0].named


@given(st.integers(0, 40), st.sets(st.integers(0, 39)), st.randoms(use_true_random=False))
def test_no_order_of_results_and_failures_changes_whose_they_are(
    count: int, failing: set[int], shuffling: random.Random
) -> None:
    numbers = range(count)
    results = [record(n) for n in numbers if n not in failing]
    errors = [failure("OBJECT_NOT_FOUND", ids=[str(n)]) for n in numbers if n in failing]
    shuffling.shuffle(results)
    shuffling.shuffle(errors)
    outcomes = split([{"id": str(n)} for n in numbers], {"results": results, "errors": errors})
    assert ids(outcomes) == [None if n in failing else str(n) for n in numbers]
    assert all(isinstance(outcomes[n].error, GoneError) for n in numbers if n in failing)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["id", "properties", "from", "context", "objectWriteTraceId", "category", "message"])


@given(
    st.lists(st.dictionaries(KEYS, ODD), max_size=4), st.lists(st.dictionaries(KEYS, ODD) | ODD, max_size=4)
)
def test_whatever_the_results_and_failures_hold_every_input_gets_an_outcome(
    results: list[Any], errors: list[Any]
) -> None:
    outcomes = split([{"id": "1"}, {"id": "2"}], {"results": results, "errors": errors})
    assert len(outcomes) == 2
