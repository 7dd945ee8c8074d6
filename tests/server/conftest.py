"""An in-memory pair of CRMs behind the real interface, and the loop around them, turned by hand."""

from __future__ import annotations

import itertools
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, event, func, select
from sqlalchemy.util import LRUCache

from closedloop.crm.base import Batch, Organisation, Page
from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.errors import CrmError
from closedloop.loop.feedback import Delivery, DeliveryResult, Feedback, FeedbackKind
from closedloop.mapping import load_mappings
from closedloop.schema.records import (
    Campaign,
    CampaignMember,
    Contact,
    ContactRole,
    Lead,
    Money,
    Opportunity,
    Record,
    Ref,
    Stage,
)
from closedloop.schema.schemas import dump_feedback
from closedloop.schema.vocabulary import CrmName, ObjectType
from closedloop_server.app import create_app
from closedloop_server.pipeline.deliver import deliver
from closedloop_server.pipeline.derive import derive
from closedloop_server.pipeline.expand import expand
from closedloop_server.pipeline.inbox import read_inbox
from closedloop_server.pipeline.publish import publish
from closedloop_server.pipeline.refresh import poll, refresh
from closedloop_server.services import Services
from closedloop_server.settings import ConnectionSettings, Settings
from closedloop_server.store import hints
from closedloop_server.store.engine import open_engine, reading, writing
from closedloop_server.store.schema import upgrade
from closedloop_server.store.tables import metadata
from closedloop_server.webhooks.committing import SharedCommits

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
ORGANISATION = "00D5g000004ABCDEA4"
PATH_SECRET = "a-secret-part-of-the-path"
CLIENT_SECRET = "the-client-secret-of-the-app"
PORTAL = "26051000"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **units: float) -> datetime:
        """Moves on by a timedelta's units and returns the new time."""
        self.now += timedelta(**units)
        return self.now


@dataclass
class MemoryCrm:
    """A CRM that holds records and what was written to them. It can be out of reach, and refuse targets."""

    name: ClassVar[CrmName]
    person_target: ClassVar[ObjectType]
    feedback_kinds: ClassVar[frozenset[FeedbackKind]]

    organisation_id: ClassVar[str]

    clock: Clock
    records: dict[Ref, Record] = field(default_factory=dict)
    shown: dict[str, Feedback] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    down: CrmError | None = None
    fates: dict[str, DeliveryResult] = field(default_factory=dict)
    reads: int = 0
    form: str = "as installed"

    def put(self, record: Record) -> Record:
        """What somebody in the CRM saves."""
        saved = replace(record, updated_at=record.updated_at or self.clock())
        self.records[record.ref] = saved
        return saved

    def change(self, ref: Ref, **values: Any) -> Record:
        """What somebody in the CRM changes."""
        values.setdefault("updated_at", self.clock())
        return self.put(replace(self.records[ref], **values))

    def remove(self, ref: Ref) -> list[Ref]:
        """What somebody in the CRM deletes; its campaign members and contact roles go with it."""
        removed = [ref, *(each.ref for each in self.records.values() if _joins(each, ref))]
        for each in removed:
            del self.records[each]
        return removed

    def organisation(self) -> Organisation:
        return Organisation(crm=self.name, id=self.organisation_id)

    def sizes(self) -> dict[ObjectType, int]:
        self._reach()
        return dict(Counter(ref.object for ref in self.records))

    def refresh(self, refs: Iterable[Ref]) -> Batch:
        self._reach()
        asked = list(refs)
        there = [self.records[ref] for ref in asked if ref in self.records]
        around = [record for record in self.records.values() if self._is_around(record, there)]
        return Batch(
            records=tuple({record.ref: self._read(record) for record in [*there, *around]}.values()),
            gone=tuple(ref for ref in asked if ref not in self.records),
        )

    def poll(self, cursor: str | None) -> Iterator[Page]:
        self._reach()
        since = datetime.fromisoformat(cursor) if cursor else datetime.min.replace(tzinfo=UTC)
        changed = [record for record in self.records.values() if (record.updated_at or since) >= since]
        for record in sorted(changed, key=lambda record: record.updated_at or since):
            yield Page(
                batch=Batch(records=(self._read(record),)), cursor=(record.updated_at or since).isoformat()
            )

    def deliver(self, feedback: Sequence[Feedback]) -> list[DeliveryResult]:
        self._reach()
        return [self._tell(value) for value in feedback]

    def differences(self, feedback: Feedback, record: Record) -> Mapping[str, str] | None:
        shown = record.raw.get("shown")
        if not isinstance(shown, Mapping):
            return None
        told = dump_feedback(feedback)
        return {name: str(shown[name]) for name in told if shown.get(name) != told[name]}

    def feedback_form(self) -> str:
        self._reach()
        return self.form

    def _read(self, record: Record) -> Record:
        """The record as a reading brings it, with the feedback that it shows."""
        kind = FeedbackKind.CAMPAIGN if record.object is ObjectType.CAMPAIGN else FeedbackKind.PERSON
        keys = (f"{kind}|{record.id}", f"{kind}|{record.object}|{record.id}")
        shown = next((self.shown[key] for key in keys if key in self.shown), None)
        return replace(record, raw={**record.raw, "shown": dump_feedback(shown)}) if shown else record

    def _tell(self, value: Feedback) -> DeliveryResult:
        self.told.append(value.key)
        fate = self.fates.get(value.key)
        if fate is not None:
            return fate
        self.shown[value.key] = value
        return DeliveryResult(key=value.key, delivery=Delivery.DELIVERED)

    def _reach(self) -> None:
        self.reads += 1
        if self.down is not None:
            raise self.down

    def _is_around(self, record: Record, there: list[Record]) -> bool:
        ids = {each.id for each in there}
        people = {each.contact_id for each in there if isinstance(each, Lead | Opportunity)}
        people |= {each.converted_contact_id for each in there if isinstance(each, Lead)}
        roles = [
            each
            for each in self.records.values()
            if isinstance(each, ContactRole) and each.opportunity_id in ids
        ]
        people |= {role.contact_id for role in roles} | ids
        match record:
            case ContactRole():
                return record in roles
            case Contact():
                return record.id in people
            case CampaignMember():
                return bool({record.lead_id, record.contact_id} & (people - {None}))
            case _:
                return False


def _joins(record: Record, ref: Ref) -> bool:
    match record:
        case CampaignMember():
            ends = {(ObjectType.LEAD, record.lead_id), (ObjectType.CONTACT, record.contact_id)}
        case ContactRole():
            ends = {
                (ObjectType.OPPORTUNITY, record.opportunity_id),
                (ObjectType.CONTACT, record.contact_id),
            }
        case _:
            return False
    return (ref.object, ref.id) in ends


class MemorySalesforce(MemoryCrm):
    name = CrmName.SALESFORCE
    organisation_id = ORGANISATION
    person_target = ObjectType.CAMPAIGN_MEMBER
    feedback_kinds = frozenset(FeedbackKind)


class MemoryHubSpot(MemoryCrm):
    name = CrmName.HUBSPOT
    organisation_id = PORTAL
    person_target = ObjectType.CONTACT
    feedback_kinds = frozenset({FeedbackKind.PERSON, FeedbackKind.CAMPAIGN})


class _CrashError(Exception):
    pass


@dataclass
class Loop:
    """Two connections, `sales` on Salesforce and `marketing` on HubSpot, and the steps between them."""

    services: Services
    clock: Clock
    sales: MemoryCrm
    marketing: MemoryCrm

    @property
    def engine(self) -> Engine:
        return self.services.engine

    def hint(self, name: str, *refs: Ref) -> None:
        """What the inbox makes of a webhook."""
        with writing(self.engine) as connection:
            hints.note(connection, name, refs, now=self.clock())

    def turn(self) -> int:
        """Takes every step until nothing is left to do at this time; returns how much was done."""
        done = 0
        while count := self.one_round():
            done += count
        return done

    def one_round(self) -> int:
        """Takes each step once."""
        inner = [step(self.services) for step in (read_inbox, expand, derive, publish)]
        outer = [step(self.services, name) for step in (refresh, deliver) for name in self.services.crms]
        return sum(inner) + sum(outer)

    def poll(self) -> None:
        """Polls both CRMs and lets everything follow."""
        for name in self.services.crms:
            poll(self.services, name)
        self.turn()

    def settle(self) -> int:
        """Lets the time pass that hints wait, then lets everything follow."""
        self.clock.pass_(seconds=self.services.settings.settle_seconds)
        return self.turn()

    @contextmanager
    def breaking_off(self, at: int) -> Iterator[list[int]]:
        """Has the steps' transaction number `at` from now, counted from 0, rolled back at its end, as a crash
        would; what is yielded holds the number once it was."""
        left = itertools.count(at, -1)
        broken: list[int] = []

        @contextmanager
        def crashing(engine: Engine) -> Iterator[Connection]:
            with writing(engine) as connection:
                yield connection
                if next(left) == 0:
                    broken.append(at)
                    raise _CrashError

        with patch("closedloop_server.services.writing", crashing), suppress(_CrashError):
            yield broken

    def rows(self, table: str, **values: Any) -> list[dict[str, Any]]:
        """The rows of a table with these values."""
        source = metadata.tables[table]
        query = select(source).where(*(source.c[name] == value for name, value in values.items()))
        with reading(self.engine) as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def snapshot(self) -> dict[str, list[str]]:
        """Everything that is worked out, to compare with later."""
        tables = ("ledger", "standings", "people", "touches", "credits", "desired", "delivered")
        return {name: sorted(map(repr, self.rows(name))) for name in tables}

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        with reading(self.engine) as connection:
            return {
                name: connection.scalar(select(func.count()).select_from(table)) or 0
                for name, table in metadata.tables.items()
            }


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Which database a test runs on: both. Where it makes no difference, a test or a module says
    `pytest.mark.parametrize("database", ["sqlite"], indirect=True)`."""
    return str(request.param)


@pytest.fixture
def new_database(
    request: pytest.FixtureRequest, database: str, tmp_path: Path
) -> Iterator[Callable[[], str]]:
    """Hands out databases with all tables and nothing in them; what a test leaves in one is gone after it."""
    made: list[str] = []

    def on_sqlite() -> str:
        made.append(f"loop{len(made) or ''}.db")
        shutil.copy(request.getfixturevalue("empty_database"), tmp_path / made[-1])
        return f"sqlite:///{tmp_path / made[-1]}"

    def on_postgresql() -> str:
        made.append(databases.take())
        return made[-1]

    if database == "sqlite":
        yield on_sqlite
        return
    databases = request.getfixturevalue("postgresql_databases")
    yield on_postgresql
    for url in made:
        databases.give_back(url)


@pytest.fixture
def settings(new_database: Callable[[], str]) -> Settings:
    return Settings(
        database_url=new_database(),
        secret_key="only for this test",
        public_url="https://loop.example.com",
        settle_seconds=2,
        connections=(
            ConnectionSettings(
                name="sales",
                crm=CrmName.SALESFORCE,
                organisation_id=ORGANISATION,
                credentials=SalesforceCredentials(login_url="http://127.0.0.1:1", access_token="t"),
                webhook_secrets=(PATH_SECRET, "the-next-one"),
            ),
            ConnectionSettings(
                name="marketing",
                crm=CrmName.HUBSPOT,
                organisation_id=PORTAL,
                credentials=HubSpotCredentials(base_url="http://127.0.0.1:1", access_token="t"),
                webhook_secrets=("an-older-secret", CLIENT_SECRET),
                app_id="777",
            ),
        ),
    )


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the tables and nothing in them: copying it is quicker than the migrations."""
    path = tmp_path_factory.mktemp("database") / "empty.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_server: Any, beside: Callable[[str], Any]) -> Iterator[Any]:
    """The same on PostgreSQL, where a database is emptied for the next test: see tests/databases.py."""
    url: str = postgresql_server.create()
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    databases = beside("databases").Databases(postgresql_server, url)
    yield databases
    databases.close()


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = _knowing(open_engine(settings.database_url))
    yield engine
    engine.dispose()


@pytest.fixture
def loop(engine: Engine, settings: Settings, clock: Clock) -> Loop:
    return _loop(_hasty(engine), settings, clock)


@pytest.fixture(scope="session")
def application() -> Callable[[Services], Flask]:
    """The application over some services: one that was made for the same settings goes on with these, for
    most of making one is to describe the API."""
    made: list[tuple[Settings, Flask]] = []

    def serve(services: Services) -> Flask:
        settings = replace(services.settings, database_url="")
        app = next((app for known, app in made if known == settings), None)
        if app is None:
            app = create_app(services)
            made.append((settings, app))
        app.extensions |= {"closedloop": services, "closedloop.webhooks": SharedCommits(services)}
        return app

    return serve


@pytest.fixture
def make_loop(settings: Settings, new_database: Callable[[], str]) -> Callable[[], Loop]:
    """Makes a loop of its own on a new database; whoever calls it disposes of the engine."""
    return lambda: _loop(_hasty(_knowing(open_engine(new_database()))), settings, Clock())


_first: dict[str, Engine] = {}
_worked_out = LRUCache[Any, Any](2_000)


def _knowing(engine: Engine) -> Engine:
    """With the SQL that engines of earlier tests made of the same statements: making it takes longer than
    running it. It is remembered by the dialect that made it."""
    name = engine.dialect.name
    if name not in _first:
        engine.connect().close()  # by which the dialect gets to know its server
        _first[name] = engine
    engine.dialect = _first[name].dialect
    engine.update_execution_options(compiled_cache=_worked_out)
    return engine


def _hasty(engine: Engine) -> Engine:
    """Without the waits for the disk: no power is cut here. The order of the commits stays."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    return engine


def _loop(engine: Engine, settings: Settings, clock: Clock) -> Loop:
    sales, marketing = MemorySalesforce(clock), MemoryHubSpot(clock)
    for stage in _stages():
        sales.put(stage)
    services = Services(
        engine=engine,
        settings=settings,
        mappings=load_mappings(),
        crms={"sales": sales, "marketing": marketing},
        clock=clock,
    )
    return Loop(services, clock, sales, marketing)


def _stages() -> list[Stage]:
    def stage(name: str, *, closed: bool, won: bool) -> Stage:
        return Stage(
            crm=CrmName.SALESFORCE, id=name, of=ObjectType.OPPORTUNITY, name=name, closed=closed, won=won
        )

    return [
        stage("Prospecting", closed=False, won=False),
        stage("Closed Won", closed=True, won=True),
        stage("Closed Lost", closed=True, won=False),
    ]


@dataclass
class Make:
    """Makes records with little said about them."""

    crm: CrmName

    def campaign(self, id: str, **values: Any) -> Campaign:  # noqa: A002 - the word of the schema
        return Campaign(crm=self.crm, id=id, name=f"Campaign {id}", **values)

    def contact(self, id: str, **values: Any) -> Contact:  # noqa: A002
        return Contact(crm=self.crm, id=id, **values)

    def lead(self, id: str, stage: str, **values: Any) -> Lead:  # noqa: A002
        return Lead(crm=self.crm, id=id, stage=stage, **values)

    def opportunity(self, id: str, stage: str, **values: Any) -> Opportunity:  # noqa: A002
        values.setdefault("amount", Money(amount=Decimal(1000), currency="EUR"))
        return Opportunity(crm=self.crm, id=id, stage=stage, **values)

    def member(self, id: str, campaign: str, **values: Any) -> CampaignMember:  # noqa: A002
        return CampaignMember(crm=self.crm, id=id, campaign_id=campaign, **values)

    def role(self, opportunity: str, contact: str, **values: Any) -> ContactRole:
        return ContactRole(
            crm=self.crm,
            id=f"{opportunity}-{contact}",
            opportunity_id=opportunity,
            contact_id=contact,
            **values,
        )


@pytest.fixture
def salesforce() -> Make:
    return Make(CrmName.SALESFORCE)


@pytest.fixture
def hubspot() -> Make:
    return Make(CrmName.HUBSPOT)
