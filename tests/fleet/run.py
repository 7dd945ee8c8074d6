"""A world played to a fleet whose processes die and are cut off, and what the CRMs say in the end."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from sqlalchemy import Engine, inspect, make_url
from tests.fleet.process import Member
from tests.fleet.wire import Connect, Wire, to_port, to_unix_socket
from tests.torture.clock import SharedClock
from tests.torture.forks import FORKS
from tests.torture.run import FAULTS, MODEL, _free_port, find_doubled, find_lost

from closedloop.sandbox.world import World
from closedloop.sandbox.world.play import play
from closedloop_server.demo.compare import Mismatch
from closedloop_server.demo.crms import SandboxCrms
from closedloop_server.settings import Settings
from closedloop_server.store import cursors, leases, waiting
from closedloop_server.store.engine import open_engine, reading, writing

WEB, WORKERS = 2, 3

OUTAGE = 12.0
"""Seconds for which a worker is cut off: longer than the others wait for a sign of life."""

PATIENCE = 180.0


class HungError(Exception):
    """The fleet is alive, and does not come to rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetResult:
    """How a run ended: `points` are the kills and the outages."""

    points: int
    decisions: int
    lost: tuple[Mismatch, ...]
    doubled: tuple[str, ...]
    seed: int


@dataclass(kw_only=True)
class Fleet:
    """The processes; one of the workers reaches the database over a wire that can be cut."""

    members: list[Member]
    cut_off: Wire
    balancer: Wire
    kills: int = 0
    outages: int = 0

    def start(self) -> None:
        """Starts every process."""
        for member in self.members:
            member.start()

    def stop(self) -> None:
        """Ends every process."""
        for member in self.members:
            member.stop()


@dataclass(kw_only=True)
class Trouble:
    """Kills a process every few seconds, and cuts one off now and then, until it is over."""

    fleet: Fleet
    random: Random
    every: float
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def brewing(self) -> Iterator[None]:
        """Makes trouble within the block; in the end everything is whole again."""
        threads = [threading.Thread(target=make, daemon=True) for make in (self._kill, self._cut)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _kill(self) -> None:
        while not self._over.wait(self.random.uniform(0.3, 1.7) * self.every):
            self.random.choice(self.fleet.members).kill()
            self.fleet.kills += 1

    def _cut(self) -> None:
        while not self._over.wait(self.every):
            self.fleet.cut_off.cut()
            self.fleet.outages += 1
            self._over.wait(OUTAGE)
            self.fleet.cut_off.mend()
            self._over.wait(OUTAGE)


def run_fleet(seed: int, *, decisions: int, url: str, every: float = 3.0, least: float = 0.0) -> FleetResult:
    """Plays the world of a seed to a fleet on the empty database at `url`, in which a process dies about
    every so many seconds. There is trouble for `least` seconds, and until all is played."""
    world = World.from_seed(seed, decisions=decisions, start=datetime.now(UTC) - timedelta(days=20))
    offset = FORKS.Value("d", world.start.timestamp() - datetime.now(UTC).timestamp())
    clock = SharedClock(offset)
    with ExitStack() as stack:
        crms = stack.enter_context(SandboxCrms(world=world, clock=clock, faults={**FAULTS, "seed": seed}))
        fleet = stack.enter_context(_fleet(crms, url, clock))
        engine = open_engine(url)
        stack.callback(engine.dispose)
        _wait_for(lambda: _is_at_work(engine))
        crms.subscribe(f"http://127.0.0.1:{fleet.balancer.port}")
        trouble = Trouble(fleet=fleet, random=Random(seed), every=every)
        until = time.monotonic() + least
        with trouble.brewing():
            play(
                world,
                crms.population,
                crms.salesforce,
                crms.hubspot,
                on_day=lambda day: _next_day(crms, clock, world.days[day]),
            )
            while time.monotonic() < until:
                time.sleep(0.1)
        _come_to_rest(crms, clock, engine)
        return FleetResult(
            points=fleet.kills + fleet.outages,
            decisions=world.decisions,
            lost=tuple(find_lost(crms, engine)),
            doubled=tuple(find_doubled(engine)),
            seed=seed,
        )


@contextmanager
def _fleet(crms: SandboxCrms, url: str, clock: SharedClock) -> Iterator[Fleet]:
    ports = [_free_port() for _ in range(WEB)]
    with Wire([to_port(port) for port in ports]) as balancer, Wire([_database(url)]) as wire:
        settings = Settings(
            database_url=url,
            secret_key=secrets.token_urlsafe(48),
            connections=crms.connections(),
            public_url=f"http://127.0.0.1:{balancer.port}",
            attribution=MODEL,
            poll_seconds=90 * 86_400.0,
            settle_seconds=0.05,
        )
        over_wire = make_url(url).set(host="127.0.0.1", port=wire.port).difference_update_query(["host"])
        cut_off = replace(settings, database_url=over_wire.render_as_string(hide_password=False))
        offset = clock._offset
        members = [Member(settings=replace(settings, port=port), offset=offset, web=True) for port in ports]
        members += [Member(settings=each, offset=offset) for each in (*[settings] * (WORKERS - 1), cut_off)]
        fleet = Fleet(members=members, cut_off=wire, balancer=balancer)
        try:
            fleet.start()
            yield fleet
        finally:
            wire.mend()
            fleet.stop()


def _database(url: str) -> Connect:
    parts = make_url(url)
    folder = parts.query.get("host")
    if folder:
        return to_unix_socket(f"{folder}/.s.PGSQL.{parts.port or 5432}")
    return to_port(parts.port or 5432)


def _next_day(crms: SandboxCrms, clock: SharedClock, day: datetime) -> None:
    crms.settle(1)
    clock.advance_to(day)


def _come_to_rest(crms: SandboxCrms, clock: SharedClock, engine: Engine) -> None:
    """Everybody lives, the CRMs answer, and a last poll finds what no webhook has told."""
    clock.advance_to(datetime.now(UTC))
    for crm in (crms.salesforce, crms.hubspot):
        crm.faults.use({})
    crms.settle()
    names = [each.name for each in crms.connections()]
    with writing(engine) as connection:
        cursors.ask(connection, names)

    def rests() -> bool:
        with reading(engine) as connection:
            return cursors.all_polled(connection, names) and not waiting.anything(connection, names)

    _wait_for(rests)


def _is_at_work(engine: Engine) -> bool:
    """Whether a process has made the tables, and a worker has begun."""
    if not inspect(engine).has_table("leases"):
        return False
    with reading(engine) as connection:
        return bool(leases.every(connection))


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise HungError("the fleet is alive, and does not get on")
        time.sleep(0.05)
