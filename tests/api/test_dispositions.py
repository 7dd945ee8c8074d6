"""What a decision tells about itself, and how answers travel."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event

from closedloop.schema.vocabulary import REASONS, Outcome

Get = Callable[..., Any]
Every = Callable[..., list[Any]]
PATH = "/campaigns/701Qy0000000000AAA/dispositions"


def test_a_decision_explains_itself(get: Get) -> None:
    found = get(PATH, model="linear", outcome="lost", reason="price", limit=200)["dispositions"]
    assert found
    for each in found:
        assert each["name"]
        assert (each["raw_reason"], each["rule"][:13]) == ("Price", "reasons.yaml:")
        assert each["stage"] == "Closed Lost"
        assert each["learned_at"].endswith("Z")
        assert each["amount"]["currency"] in {"EUR", "USD"}
        touches = {touch["campaign"] for touch in each["touches"]}
        assert "salesforce-emea:701Qy0000000000AAA" in touches
        assert Decimal(each["share"]) == (Decimal(1) / len(touches)).quantize(Decimal("0.000001")) or (
            abs(Decimal(each["share"]) - Decimal(1) / len(touches)) <= Decimal("0.000001")
        )


def test_users_and_stages_go_by_their_names(get: Get, every: Every, seed: Any) -> None:
    """HubSpot's history names the user id, which is not the id of the owner."""
    found = every(get, PATH, "dispositions", model="linear", limit=200)
    assert {each["connection"] for each in found} == {seed.SALES, seed.MARKETING}
    assert {each["decided_by"] for each in found} == set(seed.COMPANY["reps"])
    assert {each["stage"] for each in found} <= set(seed.COMPANY["stages"].values())


def test_the_newest_decisions_come_first(get: Get, every: Every) -> None:
    times = [
        each["decided_at"] or each["learned_at"]
        for each in every(get, PATH, "dispositions", model="linear", limit=7)
    ]
    assert times == sorted(times, reverse=True)


def test_a_later_decision_says_that_it_is_not_the_first(get: Get, every: Every) -> None:
    entries = {each["entry"] for each in every(get, PATH, "dispositions", model="linear", limit=200)}
    assert entries == {1, 2}


def test_the_vocabulary_is_told_whole(get: Get) -> None:
    answer = get("/reasons")
    assert [each["code"] for each in answer["reasons"]] == list(REASONS)
    assert {each["code"] for each in answer["outcomes"]} == set(Outcome)
    assert all(each["meaning"] and each["label"] for each in answer["reasons"] + answer["outcomes"])


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)
    else:
        yield value


@pytest.mark.parametrize("path", ["/campaigns", PATH, "/unattributed", "/campaigns/701Qy0000000000AAA"])
def test_decimals_travel_as_exact_text(get: Get, path: str) -> None:
    leaves = list(_leaves(get(path, model="first")))
    assert not [leaf for leaf in leaves if isinstance(leaf, float)]
    assert not [leaf for leaf in leaves if re.fullmatch(r"-?[\d.]+E[+-]?\d+", str(leaf))]
    assert [leaf for leaf in leaves if re.fullmatch(r"\d*0", str(leaf)) and isinstance(leaf, str)]


def test_answers_stay_out_of_shared_caches_and_can_be_asked_about(site: Any) -> None:
    client, headers = site.app.test_client(), {"Authorization": f"Bearer {site.token}"}
    first = client.get("/api/v1/campaigns", headers=headers)
    assert first.headers["Cache-Control"] == "private, no-store"
    assert "Authorization" in first.headers["Vary"]
    again = client.get("/api/v1/campaigns", headers={**headers, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = client.get("/api/v1/campaigns?model=linear", headers=headers)
    assert other.headers["ETag"] != first.headers["ETag"]


@contextmanager
def _counted(engine: Any) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(("path", "most"), [("/campaigns", 10), (PATH, 13), ("/unattributed", 9)])
def test_the_number_of_queries_does_not_grow_with_the_list(get: Get, site: Any, path: str, most: int) -> None:
    counts = []
    for limit in (1, 20, 200):
        with _counted(site.engine) as statements:
            get(path, model="linear", limit=limit)
        counts.append(len([each for each in statements if each.startswith("SELECT")]))
    assert len(set(counts)) == 1
    assert 3 < counts[0] <= most
