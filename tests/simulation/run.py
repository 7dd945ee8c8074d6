"""A simulation from its first day to its last, and what is wrong in the end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, Engine, event
from tests.simulation.conclusions import conclusions, differences, doubled, trace, untold
from tests.simulation.crm import SimulatedCrm, SimulatedHubSpot, SimulatedSalesforce
from tests.simulation.people import MARKETING, SALES, People
from tests.simulation.scheduler import Scheduler

from closedloop.crm.base import Crm
from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.mapping import load_mappings
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import CrmName
from closedloop_server.services import Services
from closedloop_server.settings import ConnectionSettings, Settings
from closedloop_server.store import cursors, hints
from closedloop_server.store.engine import open_engine, writing
from closedloop_server.store.schema import upgrade
from closedloop_server.work.kinds import Kind, Work, all_work
from closedloop_server.work.owned import OwnedWork

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
SHORTEST, LONGEST = 0.05, 3 * 3600.0
"""Seconds between two things that happen; a hundred a day, and mostly one right after the other."""
MAPPINGS = load_mappings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """How a simulation ended. `trace` is the same whenever the seed is."""

    seed: int
    days: int
    decisions: int
    kills: int
    takeovers: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    trace: str


def simulate(seed: int, *, days: int) -> Simulated:
    """Plays a seed. What is lost or doubled in the end names the records, and the seed plays it again."""
    with tempfile.TemporaryDirectory(prefix="closedloop-simulation-", dir=_quick_place()) as folder:
        simulation = Simulation(seed=seed, folder=Path(folder))
        with simulation.running():
            for _ in range(days):
                simulation.live_a_day()
            simulation.come_to_rest()
            return Simulated(
                seed=seed,
                days=days,
                decisions=len(simulation.trace_of_decisions()),
                kills=simulation.scheduler.kills,
                takeovers=simulation.scheduler.takeovers,
                lost=tuple(simulation.lost()),
                doubled=tuple(doubled(simulation.engine)),
                trace=sha256(repr(simulation.trace_of_decisions()).encode()).hexdigest(),
            )


@dataclass(kw_only=True)
class Simulation:
    """The two CRMs, the people in them, the webhooks under way, and the workers."""

    seed: int
    folder: Path
    now: datetime = START
    under_way: list[tuple[str, Ref]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)
        self.engine = _database(self.folder / "loop.db")
        self.sales = SimulatedSalesforce(self.clock, self.chance, self._pause)
        self.marketing = SimulatedHubSpot(self.clock, self.chance, self._pause)
        self.people = People(sales=self.sales, marketing=self.marketing, clock=self.clock, chance=self.chance)
        self.services = self._services(self.engine, {SALES: self.sales, MARKETING: self.marketing})
        self.scheduler = Scheduler(
            works=all_work(self.services.crms), start=self._process, chance=self.chance
        )
        self._processes = 0

    def clock(self) -> datetime:
        """Stands still until something passes the time."""
        return self.now

    def pass_time(self, **units: float) -> None:
        """Moves the clock on by a timedelta's units."""
        self.now += timedelta(**units)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Other workers may come in before and after each transaction of a turn."""
        with ExitStack() as stack:
            stack.callback(self.engine.dispose)
            stack.enter_context(patch("closedloop_server.services.writing", self._interrupted_writing))
            # The deadlines of calls pass with the time of the simulation.
            stack.enter_context(patch("closedloop.crm.retry.seconds", self._seconds))
            self.people.prepare()
            yield

    def live_a_day(self) -> None:
        """People work, webhooks come or not, workers go on, die and are taken for dead, CRMs fail."""
        self._draw_trouble()
        ends = self.now + timedelta(days=1)
        while self.now < ends:
            self.pass_time(seconds=SHORTEST * (LONGEST / SHORTEST) ** self.chance.random())
            self.chance.choices(
                (
                    self._somebody_works,
                    self._a_webhook_comes,
                    self.scheduler.step,
                    self._misfortune,
                    self._a_request_arrives,
                ),
                weights=(4, 3, 12, 1, 1),
            )[0]()

    def come_to_rest(self) -> None:
        """No more faults: every turn ends, everything is polled, and time passes until nothing waits."""
        self.sales.trouble = self.marketing.trouble = 0.0
        self.scheduler.finish()
        while self.sales.on_the_way or self.marketing.on_the_way:
            self._a_request_arrives()
        while self.under_way:
            self._a_webhook_comes(lossless=True)
        with writing(self.engine) as connection:
            cursors.ask(connection, [SALES, MARKETING])
        for _ in range(8):
            self.pass_time(hours=3)
            self.scheduler.take_turns()

    def lost(self) -> Iterator[str]:
        """Whatever differs from what a fresh installation finds, or from what the CRMs were to show."""
        fresh = _database(self.folder / "fresh.db")
        try:
            services = self._services(fresh, self._copies())
            works = [work for work in all_work(services.crms) if work.kind in {Kind.LOOP, Kind.READ}]
            for _ in range(4):
                self.pass_time(hours=3)
                for work in works:
                    OwnedWork(services, work, holder="fresh", check=lambda: None).take_turn()
            yield from differences(conclusions(self.engine), conclusions(fresh))
        finally:
            fresh.dispose()
        for name, crm in ((SALES, self.sales), (MARKETING, self.marketing)):
            yield from untold(self.engine, name, crm.shown, meddled=crm.meddled)

    def trace_of_decisions(self) -> list[dict[str, Any]]:
        """The whole ledger."""
        return trace(self.engine)

    def _copies(self) -> dict[str, SimulatedCrm]:
        """CRMs with the same records, which have shown nothing yet."""
        quiet = Random(0)
        return {
            name: type(crm)(self.clock, quiet, lambda: None, records=dict(crm.records))
            for name, crm in ((SALES, self.sales), (MARKETING, self.marketing))
        }

    def _services(self, engine: Engine, crms: Mapping[str, Crm]) -> Services:
        return Services(engine=engine, settings=_settings(), mappings=MAPPINGS, crms=crms, clock=self.clock)

    def _process(self, work: Work) -> OwnedWork:
        self._processes += 1
        return OwnedWork(self.services, work, holder=f"process {self._processes}", check=lambda: None)

    def _seconds(self) -> float:
        return self.now.timestamp()

    def _pause(self) -> None:
        self.scheduler.pause()

    @contextmanager
    def _interrupted_writing(self, engine: Engine) -> Iterator[Connection]:
        self._pause()
        with writing(engine) as connection:
            yield connection
        self._pause()

    def _somebody_works(self) -> None:
        self.under_way += self.people.act()

    def _a_webhook_comes(self, *, lossless: bool = False) -> None:
        """In any order; one in ten never comes, unless it is of a deletion; one in ten comes again."""
        if not self.under_way:
            return
        name, ref = self.under_way.pop(self.chance.randrange(len(self.under_way)))
        crm = self.sales if name == SALES else self.marketing
        drawn = 1.0 if lossless else self.chance.random()
        if drawn < 0.1 and ref in crm.records:
            return
        if drawn > 0.9 and not lossless:
            self.under_way.append((name, ref))
        with writing(self.engine) as connection:
            hints.note(connection, name, [ref], now=self.now)

    def _a_request_arrives(self) -> None:
        """One that its sender knows nothing of any more, or waits for."""
        under_way = [(crm, each) for crm in (self.sales, self.marketing) for each in crm.on_the_way]
        if under_way:
            crm, request = self.chance.choice(under_way)
            crm.arrive(request)

    def _misfortune(self) -> None:
        self.chance.choice(
            (self.scheduler.kill, self.scheduler.lose, self.scheduler.find, self._poll_is_asked_for)
        )()

    def _poll_is_asked_for(self) -> None:
        with writing(self.engine) as connection:
            cursors.ask(connection, [self.chance.choice((SALES, MARKETING))])

    def _draw_trouble(self) -> None:
        """Most days are good, some bad, and on some a CRM is out of reach."""
        for crm in (self.sales, self.marketing):
            crm.trouble = self.chance.choice((0.0, 0.05, 0.05, 0.3, 2.0))


def _settings() -> Settings:
    return Settings(
        database_url="unused",
        secret_key="only for a simulation",
        connections=(
            ConnectionSettings(
                name=SALES,
                crm=CrmName.SALESFORCE,
                organisation_id=SimulatedSalesforce.organisation_id,
                credentials=SalesforceCredentials(login_url="http://127.0.0.1:1", access_token="t"),
            ),
            ConnectionSettings(
                name=MARKETING,
                crm=CrmName.HUBSPOT,
                organisation_id=SimulatedHubSpot.organisation_id,
                credentials=HubSpotCredentials(base_url="http://127.0.0.1:1", access_token="t"),
            ),
        ),
    )


def _quick_place() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a directory of its own is made there


def _database(path: Path) -> Engine:
    path.write_bytes(_new_database())
    engine = open_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    return engine


@cache
def _new_database() -> bytes:
    """An empty database; making one takes as long as some days of a simulation."""
    with tempfile.TemporaryDirectory(prefix="closedloop-simulation-", dir=_quick_place()) as folder:
        path = Path(folder) / "new.db"
        engine = open_engine(f"sqlite:///{path}")
        upgrade(engine)
        engine.dispose()
        return path.read_bytes()
