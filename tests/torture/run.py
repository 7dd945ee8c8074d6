"""One life of a world with one death of the server in it, and what the CRMs and the ledger say in the end."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import Engine, select
from tests.torture.clock import SharedClock
from tests.torture.forks import FORKS
from tests.torture.server import HungError, MortalServer
from tests.torture.victim import Orders

from closedloop.mapping import Mappings, load_mappings, mappings_from
from closedloop.sandbox.world import Truth, World
from closedloop.sandbox.world.play import play
from closedloop.schema.vocabulary import AttributionModel
from closedloop_server.demo.books import keep_books
from closedloop_server.demo.compare import Comparison, Mismatch
from closedloop_server.demo.crms import SandboxCrms
from closedloop_server.demo.result import balance
from closedloop_server.demo.run import read_back
from closedloop_server.demo.shown import total
from closedloop_server.services import Services, connect_all
from closedloop_server.settings import Settings
from closedloop_server.store.engine import open_engine, reading
from closedloop_server.store.tables import ledger
from closedloop_server.verify import verify

MODEL = AttributionModel.LINEAR
Database = Callable[[], AbstractContextManager[str]]
"""Makes a new database with all tables and nothing in them; its address is good within the block."""

FAULTS: dict[str, Any] = {
    "rules": [
        {"name": "server errors", "fault": "server_error", "probability": 0.02},
        {"name": "busy", "fault": "unavailable", "probability": 0.02},
        {"name": "cut before", "fault": "reset", "probability": 0.01},
        {"name": "cut after", "fault": "reset", "done": True, "probability": 0.01},
        {"name": "told twice", "fault": "webhook_duplicated", "probability": 0.1},
        {"name": "never told", "fault": "webhook_lost", "probability": 0.1},
    ]
}
"""What goes wrong besides, in every run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. `deaths` are the points at which the server died; there are none when the run was
    over without coming by its point. `passed` are the points by which the last process came, in order."""

    decisions: int
    passed: tuple[str, ...]
    deaths: tuple[str, ...]
    lost: tuple[str, ...]
    doubled: tuple[str, ...]


def run(*, seed: int, decisions: int, die_at: str | None, database: Database, folder: Path) -> Outcome:
    """Plays the world of a seed against a server that dies at the crash point of that name."""
    world = World.from_seed(seed, decisions=decisions, start=datetime.now(UTC) - timedelta(days=20))
    offset = FORKS.Value("d", 0.0)
    clock = SharedClock(offset)
    offset.value = world.start.timestamp() - datetime.now(UTC).timestamp()
    with (
        SandboxCrms(world=world, clock=clock, faults={**FAULTS, "seed": seed}) as crms,
        database() as url,
    ):
        settings = Settings(
            database_url=url,
            secret_key=secrets.token_urlsafe(48),
            connections=crms.connections(),
            attribution=MODEL,
            poll_seconds=90 * 86_400.0,
            settle_seconds=0.05,
            port=_free_port(),
        )
        epitaph = folder / "epitaph"
        epitaph.unlink(missing_ok=True)
        server = MortalServer(orders=Orders(settings=settings, offset=offset, epitaph=epitaph, die_at=die_at))
        hung = tuple[str, ...]()
        try:
            _live(crms, server, clock, f"http://{settings.host}:{settings.port}")
        except HungError as error:
            hung = (str(error),)
        finally:
            passed = server.stop()
        engine = open_engine(url)
        try:
            return Outcome(
                decisions=world.decisions,
                passed=passed,
                deaths=tuple(server.deaths),
                lost=(*hung, *map(str, find_lost(crms, engine)), *find_broken(settings, engine)),
                doubled=tuple(find_doubled(engine)),
            )
        finally:
            engine.dispose()


def _live(crms: SandboxCrms, server: MortalServer, clock: SharedClock, url: str) -> None:
    """As the demo does: first installation, day after day of sales work, and a last look around."""

    def come_to_rest() -> None:
        crms.settle(1)
        server.rest()

    def begin_day(day: int) -> None:
        come_to_rest()
        clock.advance_to(crms.world.days[day])

    server.start()
    crms.subscribe(url)
    come_to_rest()
    play(crms.world, crms.population, crms.salesforce, crms.hubspot, on_day=begin_day)
    come_to_rest()
    clock.advance_to(datetime.now(UTC))
    for crm in (crms.salesforce, crms.hubspot):
        crm.faults.use({})
    server.poll()
    come_to_rest()


def find_broken(settings: Settings, engine: Engine) -> list[str]:
    """What `closedloop verify` finds: whatever does not follow from the records."""
    mappings = load_mappings()
    crms = connect_all(settings, mappings)
    services = Services(engine=engine, settings=settings, mappings=mappings, crms=crms)
    with patch("closedloop_server.store.versions.mappings_from", _compiled):
        return [str(finding) for finding in verify(services)]


def _compiled(files: Mapping[str, str]) -> Mappings:
    return _compiled_once(tuple(sorted(files.items())))


@cache
def _compiled_once(files: tuple[tuple[str, str], ...]) -> Mappings:
    """The mappings of these files, which are the same in every database and take long to compile."""
    return mappings_from(dict(files))


def find_lost(crms: SandboxCrms, engine: Engine) -> list[Mismatch]:
    """Whatever the CRMs' records, or the totals, say otherwise than is true."""
    truth = Truth(world=crms.world)
    read = read_back(crms)
    comparison = Comparison(truth=truth, population=crms.population, model=MODEL)
    books = keep_books(engine, MODEL)
    return [*comparison.mismatches(read), *balance(truth, MODEL, books, total(read.campaigns))]


def find_doubled(engine: Engine) -> list[str]:
    """Entries of the ledger that only say again what the one before said."""
    query = select(ledger).order_by(ledger.c.connection, ledger.c.object, ledger.c.crm_id, ledger.c.entry)
    with reading(engine) as connection:
        entries = [dict(row) for row in connection.execute(query).mappings()]
    return [
        f"{after['object']} {after['crm_id']}: entry {after['entry']}"
        for before, after in pairwise(entries)
        if _told(before) == _told(after)
    ]


def _told(entry: dict[str, Any]) -> dict[str, Any]:
    """What an entry says, its subject included, and when we learned it not."""
    return {name: value for name, value in entry.items() if name not in {"id", "entry", "learned_at"}}


def _free_port() -> int:
    """A port that is free now; the server needs the same one after each start."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
