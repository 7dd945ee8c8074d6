"""A market in files has everything that it has in memory, and its truth beside it."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from closedloop.sandbox.world import Market, Tally, decisions
from closedloop.sandbox.world.files import Form, write

NAMES = (
    "accounts",
    "people",
    "twins",
    "touches",
    "subjects",
    "steps",
    "attempts",
    "decisions",
    "campaigns",
    "reps",
)


@pytest.fixture(scope="module")
def market() -> Market:
    return Market.of(250, seed=14)


def rows(path: Path) -> list[dict[str, object]]:
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            return list(csv.DictReader(file))
        return [json.loads(line) for line in file]


@pytest.mark.parametrize("form", get_args(Form))
def test_every_row_is_in_its_file(market: Market, tmp_path: Path, form: Form) -> None:
    tally = write(market, tmp_path, form)
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    found = {name: rows(tmp_path / f"{name}.{form}") for name in NAMES}
    assert {name: len(each) for name, each in found.items()} == truth["rows"]
    assert len(found["people"]) == truth["people"] == truth["sums"]["people"] == 250
    assert [row["key"] for row in found["campaigns"]] == [campaign.key for campaign in market.campaigns]
    assert truth["sums"]["standing"] == tally.standing > 100
    assert truth["planted"]["timing_rep"] == market.planted.timing_rep


def test_parts_of_a_step_are_objects_in_ndjson_and_columns_in_csv(market: Market, tmp_path: Path) -> None:
    write(market, tmp_path / "a", "ndjson")
    write(market, tmp_path / "b", "csv")
    told = [row["verdict"] for row in rows(tmp_path / "a" / "steps.ndjson")]
    columns = rows(tmp_path / "b" / "steps.csv")
    assert len(told) == len(columns)
    for verdict, row in zip(told, columns, strict=True):
        expected = (verdict["outcome"], verdict["reason"] or "") if isinstance(verdict, dict) else ("", "")
        assert (row["verdict.outcome"], row["verdict.reason"]) == expected


def test_the_sums_are_those_of_the_decisions_that_hold(market: Market) -> None:
    tally = Tally(at=market.start)
    holding = Counter[tuple[str, str]]()
    amounts = 0
    for story in market.stories():
        tally.add(story)
        for decision in decisions(story):
            if decision.holds(market.start):
                holding[decision.rep, decision.outcome] += 1
                amounts += int(decision.amount or 0) * (decision.outcome in {"won", "lost"})
    assert tally.standing == holding.total()
    for counts in (tally.campaigns, tally.regions, tally.segments, tally.sources, tally.roles, tally.months):
        assert sum(each.total() for each in counts.values()) == tally.standing
    told = Counter({(rep, told[0]): 0 for rep, each in tally.reps.items() for told in each})
    for rep, each in tally.reps.items():
        for (outcome, _, _), count in each.items():
            told[rep, outcome] += count
    assert told == holding
    assert sum(tally.amounts.values()) == amounts
    assert sum(each.total() for each in tally.served.values()) == sum(
        each.total() for each in tally.followed.values()
    )
    assert tally.followed[market.planted.silent_region].keys() == {"never"}
