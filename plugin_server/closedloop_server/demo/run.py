"""Runs a demo from the empty sandboxes to the comparison with the truth."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from closedloop.errors import ClosedLoopError
from closedloop.sandbox.world import Step, Truth
from closedloop.sandbox.world.play import play
from closedloop.schema.vocabulary import CrmName
from closedloop_server.demo.books import keep_books
from closedloop_server.demo.compare import Comparison
from closedloop_server.demo.crms import SandboxCrms
from closedloop_server.demo.read_hubspot import HubSpotReader
from closedloop_server.demo.read_salesforce import SalesforceReader
from closedloop_server.demo.result import Result, balance
from closedloop_server.demo.scene import Scene
from closedloop_server.demo.shown import ReadBack, total

_PATIENCE_SECONDS = 300
"""How long to wait for the server to have nothing left to do."""

Progress = Callable[[str, int, int], None]
"""Told what is going on, how much of it is done, and how much there is."""


class DemoError(ClosedLoopError):
    """The demo cannot go on: something did not come to rest."""


def run(scene: Scene, progress: Progress) -> Result:
    """Plays the scene's world; returns what the CRMs' own records say in the end, compared with the truth."""
    started = time.monotonic()
    progress("reading both CRMs", 0, 1)
    scene.crms.subscribe(scene.runtime.url)
    _come_to_rest(scene)
    progress("reading both CRMs", 1, 1)
    _play(scene, progress)
    progress("waiting for the loop", 0, 1)
    _come_to_rest(scene)
    scene.clock.advance_to(datetime.now(UTC))
    scene.runtime.poll_now()
    _come_to_rest(scene)
    progress("waiting for the loop", 1, 1)
    return _result(scene, started)


def _play(scene: Scene, progress: Progress) -> None:
    """Each day begins when everybody was told of the day before: the clock leaps over what is under way."""
    world = scene.world
    decided = 0

    def begin_day(day: int) -> None:
        scene.crms.settle()
        scene.clock.advance_to(world.days[day])

    def count(_: int, step: Step) -> None:
        nonlocal decided
        decided += step.verdict is not None
        progress("decisions played", decided, world.decisions)

    crms = scene.crms
    play(world, crms.population, crms.salesforce, crms.hubspot, on_step=count, on_day=begin_day)


def _come_to_rest(scene: Scene) -> None:
    if not scene.crms.settle():
        raise DemoError("a sandbox could not deliver its webhooks: see the log for what the server answers")
    if not scene.runtime.wait_idle(_PATIENCE_SECONDS):
        states = "; ".join(f"{state.name}: {state.error}" for state in scene.runtime.states() if state.error)
        raise DemoError(f"the loop did not come to rest in {_PATIENCE_SECONDS} s. {states}".rstrip())


def _result(scene: Scene, started: float) -> Result:
    truth = Truth(world=scene.world)
    read = read_back(scene.crms)
    books = keep_books(scene.runtime.services.engine, scene.model)
    comparison = Comparison(truth=truth, population=scene.crms.population, model=scene.model)
    return Result(
        seed=scene.world.seed,
        model=scene.model,
        decisions=scene.world.decisions,
        superseded=truth.superseded,
        books=books,
        campaigns=read.campaigns,
        mismatches=(
            *comparison.mismatches(read),
            *balance(truth, scene.model, books, total(read.campaigns)),
        ),
        seconds=time.monotonic() - started,
    )


def read_back(crms: SandboxCrms) -> ReadBack:
    """Reads both CRMs over their own APIs, as anybody with an access of their own could."""
    salesforce = SalesforceReader(
        crms.salesforce.url,
        crms.salesforce.client_id,
        crms.salesforce.client_secret,
        currency=crms.world.currencies[CrmName.SALESFORCE],
    )
    hubspot = HubSpotReader(
        crms.hubspot.url,
        crms.hubspot.access_token,
        currency=crms.world.currencies[CrmName.HUBSPOT],
        properties=crms.world.campaign_properties_allowed,
    )
    with closing(salesforce), closing(hubspot):
        return ReadBack(
            campaigns=(*salesforce.campaigns(), *hubspot.campaigns()),
            members=salesforce.members(),
            contacts=hubspot.contacts(),
        )
