"""A death anywhere loses nothing and doubles nothing: some of the points that `make torture` goes through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.torture.crew import DATABASES, DECISIONS, look_around
from tests.torture.databases import sqlite_files
from tests.torture.run import find_doubled, find_lost, run

from closedloop.loop.dispositions import Decision
from closedloop.sandbox.world import World
from closedloop.sandbox.world.play import play
from closedloop.schema.vocabulary import ObjectType, Outcome
from closedloop_server.demo.clock import DemoClock
from closedloop_server.demo.crms import SandboxCrms
from closedloop_server.store import ledger
from closedloop_server.store.engine import open_engine, writing
from closedloop_server.store.rows import Key

SHARES = {"sqlite": (0.003, 0.15, 0.4, 0.65, 0.95), "postgresql": (0.1, 0.35, 0.6, 0.9)}
"""How much of the world is over at the points: one where the server starts, then until the last day."""
TRIES = 3


@pytest.mark.parametrize("database", DATABASES)
def test_a_server_that_dies_makes_good_for_it_after_its_next_start(database: str, tmp_path: Path) -> None:
    survey = look_around(database, 1).outcome
    assert (survey.deaths, survey.lost, survey.doubled) == ((), (), ())
    assert len(set(survey.passed)) == len(survey.passed) > 500
    with DATABASES[database]() as databases:
        for share in SHARES[database]:
            first = int(share * len(survey.passed))
            # With its threads in another order, a run need not come by a place as often as the one before.
            for point in survey.passed[first : first + TRIES]:
                outcome = run(seed=1, decisions=DECISIONS, die_at=point, database=databases, folder=tmp_path)
                assert (outcome.lost, outcome.doubled) == ((), ()), point
                if outcome.deaths:
                    break
            assert outcome.deaths == (point,)


def test_the_comparison_sees_what_nobody_told(tmp_path: Path) -> None:
    world = World.from_seed(1, decisions=DECISIONS, start=datetime.now(UTC) - timedelta(days=20))
    clock = DemoClock(world.start)
    with sqlite_files() as databases, databases() as url, SandboxCrms(world=world, clock=clock) as crms:
        play(world, crms.population, crms.salesforce, crms.hubspot)
        engine = open_engine(url)
        assert {mismatch.what for mismatch in find_lost(crms, engine)} >= {
            "outcome",
            "decisions accounted for",
        }
        engine.dispose()


def test_an_entry_that_says_the_same_again_is_seen(tmp_path: Path) -> None:
    with sqlite_files() as databases, databases() as url:
        engine = open_engine(url)
        decision = Decision(outcome=Outcome.WON, reason=None, decided_at=datetime(2026, 1, 1, tzinfo=UTC))
        key = Key("sales", ObjectType.OPPORTUNITY, "O1")
        for day in (1, 2):
            with writing(engine) as connection:
                learned = datetime(2026, 1, day, tzinfo=UTC)
                ledger.append(connection, {key: decision}, at={key: learned}, mappings="")
        assert find_doubled(engine) == ["opportunity O1: entry 2"]
        engine.dispose()
