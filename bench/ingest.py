"""Measures how fast webhooks are taken in: signed deliveries of 100 HubSpot events from ten senders."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, cast

from flask import Flask, Response, jsonify
from sqlalchemy import func, select

from bench.result import Figure
from bench.senders import Load, Sent
from closedloop.crm.base import Batch, Crm, Organisation, Page
from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.loop.feedback import Delivery, DeliveryResult, Feedback, FeedbackKind
from closedloop.mapping import load_mappings
from closedloop.schema.records import Lead, Record, Ref
from closedloop.schema.vocabulary import CrmName, ObjectType
from closedloop_server.app import create_app
from closedloop_server.runtime import Runtime
from closedloop_server.services import Services
from closedloop_server.serving import HttpServer
from closedloop_server.settings import ConnectionSettings, Settings
from closedloop_server.store.engine import open_engine, reading
from closedloop_server.store.schema import upgrade
from closedloop_server.store.tables import inbox, ledger

_SENDERS = 10
_ROUNDS = 3
_PATIENCE = 120.0
_PORTAL, _APP, _SECRET = 26051000, 777, "only-for-this-measurement"
_PUBLIC = "https://loop.example.com"
_PATH = "/webhooks/hubspot/marketing"


def ingest_vs_noop(n: int) -> list[Figure]:
    """Deliveries taken and on the disk, a second, against a view that looks at nothing, in turns; no worker
    reads what came."""
    with _folder() as folder, _taking(folder) as ours, _serving(_noop()) as theirs:
        paces: dict[str, list[float]] = {ours: [], theirs: []}
        for number in range(_ROUNDS + 1):
            for url in (ours, theirs):
                pace = n / _sent(url, number * n, n).altogether
                if number:
                    paces[url].append(pace)
        stored = _stored(folder)
    if stored != n * (_ROUNDS + 1):
        raise AssertionError(f"{stored} of {n * (_ROUNDS + 1)} deliveries were stored")
    value, most = statistics.median(paces[ours]), statistics.median(paces[theirs])
    return [
        Figure(name="ingest_vs_noop", value=value, unit="deliver/s", baseline=most, ratio=value / most, n=n)
    ]


def disk_syncs_per_s(n: int) -> list[Figure]:
    """How often a second this disk takes the bytes of a delivery, appended to one file and synced."""
    body = next(_load("http://-/", 0, 1).requests())
    with _folder() as folder, (folder / "appended").open("wb", buffering=0) as file:
        began = time.perf_counter()
        for _ in range(n):
            file.write(body)
            os.fsync(file.fileno())
        seconds = time.perf_counter() - began
    return [Figure(name="disk_syncs_per_s", value=n / seconds, unit="syncs/s", n=n)]


def ingest_p99_ms(n: int) -> list[Figure]:
    """How long all but one in a hundred answers take at most, while no worker has anything to do."""
    with _folder() as folder, _taking(folder) as url:
        _sent(url, 0, n)
        sent = _sent(url, n, n)
    return [_p99("ingest_p99_ms", sent, n)]


def ingest_p99_ms_busy(n: int) -> list[Figure]:
    """The same while the workers of the same process read what comes, and work out what follows from it."""
    crm = cast("Crm", RejectingHubSpot())
    with _folder() as folder, Runtime(_settings(folder), crms={"marketing": crm}) as runtime:
        url = f"{runtime.url}{_PATH}"
        _sent(url, 0, n)
        _await_decisions(runtime.services)
        sent = _sent(url, n, n)
        if runtime.idle() and n > _SENDERS:
            raise AssertionError("the workers had nothing left to do: they were not busy all the time")
    return [_p99("ingest_p99_ms_busy", sent, n)]


def _await_decisions(services: Services) -> None:
    """Waits until the workers have come to the end of the loop for the first time, with most still to do."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with reading(services.engine) as connection:
            if connection.scalar(select(func.count()).select_from(ledger)):
                return
        time.sleep(0.05)
    raise AssertionError("the workers decided nothing")


class RejectingHubSpot:
    """A portal in memory in which sales has rejected every lead that is asked for."""

    name: ClassVar[CrmName] = CrmName.HUBSPOT
    person_target: ClassVar[ObjectType] = ObjectType.CONTACT
    feedback_kinds: ClassVar[frozenset[FeedbackKind]] = frozenset(
        {FeedbackKind.PERSON, FeedbackKind.CAMPAIGN}
    )

    def organisation(self) -> Organisation:
        """The portal."""
        return Organisation(crm=self.name, id=str(_PORTAL))

    def sizes(self) -> Mapping[ObjectType, int]:
        """Nothing to count."""
        return {}

    def refresh(self, refs: Iterable[Ref]) -> Batch:
        """The leads asked for, each rejected just now."""
        return Batch(records=tuple(_rejected(ref) for ref in refs))

    def poll(self, cursor: str | None) -> Iterator[Page]:
        """Nothing that no webhook told."""
        yield Page(batch=Batch(), cursor=cursor or "0")

    def deliver(self, feedback: Iterable[Feedback]) -> list[DeliveryResult]:
        """Takes everything."""
        return [DeliveryResult(key=each.key, delivery=Delivery.DELIVERED) for each in feedback]


def _rejected(ref: Ref) -> Record:
    now = datetime.now(UTC)
    return Lead(
        crm=CrmName.HUBSPOT, id=ref.id, stage="unqualified-stage-id", stage_changed_at=now, updated_at=now
    )


def _p99(name: str, sent: Sent, n: int) -> Figure:
    ordered = sorted(sent.each)
    return Figure(name=name, value=ordered[(len(ordered) * 99 - 1) // 100] * 1000, unit="ms", n=n)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder on the disk that the project is on: a temporary folder is kept in memory on some machines."""
    build = Path("build")
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as folder:
        yield Path(folder).resolve()


@contextmanager
def _taking(folder: Path) -> Iterator[str]:
    """The address of the webhook of a server without workers."""
    settings = _settings(folder)
    engine = open_engine(settings.database_url)
    upgrade(engine)
    services = Services(engine=engine, settings=settings, mappings=load_mappings(), crms={})
    with _serving(create_app(services)) as url:
        yield url
    engine.dispose()


@contextmanager
def _serving(app: Flask) -> Iterator[str]:
    server = HttpServer("127.0.0.1", 0)
    server.start(app)
    try:
        yield f"{server.url}{_PATH}"
    finally:
        server.stop()


def _noop() -> Flask:
    app = Flask("noop")

    def view() -> Response:
        return jsonify(stored=False, known=False)

    app.add_url_rule(_PATH, view_func=view, methods=["POST"])
    return app


def _settings(folder: Path) -> Settings:
    return Settings(
        database_url=f"sqlite:///{folder / 'loop.db'}",
        secret_key=_SECRET,
        public_url=_PUBLIC,
        port=0,
        settle_seconds=0,
        connections=(
            ConnectionSettings(
                name="marketing",
                crm=CrmName.HUBSPOT,
                organisation_id=str(_PORTAL),
                credentials=HubSpotCredentials(access_token=_SECRET),
                webhook_secrets=(_SECRET,),
                app_id=str(_APP),
            ),
        ),
    )


def _stored(folder: Path) -> int:
    engine = open_engine(_settings(folder).database_url)
    with reading(engine) as connection:
        count = connection.scalar(select(func.count()).select_from(inbox)) or 0
    engine.dispose()
    return count


def _load(url: str, first: int, count: int) -> Load:
    return Load(
        url=url,
        public_url=_PUBLIC,
        secret=_SECRET,
        portal=_PORTAL,
        app=_APP,
        first=first,
        count=count,
        senders=_SENDERS,
    )


def _sent(url: str, first: int, count: int) -> Sent:
    """What a process of its own says of sending so many deliveries."""
    command = [sys.executable, "-m", "bench.senders", json.dumps(asdict(_load(url, first, count)))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
    told = json.loads(done.stdout)
    return Sent(altogether=told["altogether"], each=tuple(told["each"]))
