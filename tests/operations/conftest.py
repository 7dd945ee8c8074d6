"""A site with something on every page of operations, and browsers signed in to it in every role."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import Connection, Engine, insert, select, update

from closedloop.crm.base import Ignored
from closedloop_server.access import Role, create_token
from closedloop_server.store import audit, inbox, readings
from closedloop_server.store.engine import writing
from closedloop_server.store.inbox import Outcome
from closedloop_server.store.tables import (
    attempts,
    cursors,
    delivered,
    deliverers,
    desired,
    events,
    hints,
    leases,
    overridden,
    sendings,
    stale,
    subscriptions,
    usage,
)
from closedloop_server.store.usage import SLICE

NOW = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
SALES, MARKETING = "salesforce-emea", "hubspot-marketing"
UNBROKEN = "x" * 180
MARKUP = '<script>alert("1")</script>'
SUBSCRIPTION = "sub_0123456789abcdef01234567"
DISABLED = "sub_76543210fedcba9876543210"


def event_id(number: int) -> str:
    """An event's id in the form that they have."""
    return "evt_" + f"{number:032}".translate(str.maketrans("0123456789", "abcdefghij"))


@dataclass(frozen=True, kw_only=True)
class Operated:
    """The application, its database, and a token of every role."""

    app: Any
    engine: Engine
    tokens: dict[Role, str]

    def client(self, role: Role) -> FlaskClient:
        """A browser signed in with a role."""
        client: FlaskClient = self.app.test_client()
        with client.session_transaction() as session:
            session["form"] = "form-token"
        answer = client.post("/login", data={"token": self.tokens[role], "form": "form-token"})
        assert answer.status_code == 303, answer.get_data(as_text=True)[:500]
        return client


def _open(seed: Any, directory: Path) -> Operated:
    """The site in a directory, which may hold a database already."""
    site = seed.open_site(directory, fill=False)
    with writing(site.engine) as connection:
        tokens = {role: create_token(connection, name=f"the {role}", role=role, now=NOW) for role in Role}
    return Operated(app=site.app, engine=site.engine, tokens=tokens)


@pytest.fixture(scope="session")
def filled(seed: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with something on every page, to be copied: making it takes a while."""
    directory = tmp_path_factory.mktemp("filled")
    site = seed.open_site(directory)
    with writing(site.engine) as connection:
        _fill(connection)
    site.engine.dispose()
    return directory


@pytest.fixture
def operated(seed: Any, filled: Path, tmp_path: Path) -> Iterator[Operated]:
    """A site of its own, with something on every page."""
    opened = _open(seed, shutil.copytree(filled, tmp_path / "operated"))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def empty(seed: Any, tmp_path: Path) -> Iterator[Operated]:
    """A site on its first day."""
    opened = _open(seed, tmp_path)
    yield opened
    opened.engine.dispose()


@pytest.fixture(scope="module")
def watched(seed: Any, filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    """The same for all tests of a file, none of which changes anything that another looks at."""
    opened = _open(seed, shutil.copytree(filled, tmp_path_factory.mktemp("watched") / "site"))
    yield opened
    opened.engine.dispose()


@pytest.fixture(scope="session")
def page_addresses() -> list[str]:
    """Every page of operations, in each of its states."""
    return [
        "/operations/",
        "/operations/connections",
        "/operations/inbox",
        "/operations/inbox?state=unreadable",
        "/operations/inbox/119",
        "/operations/inbox/118",
        "/operations/inbox/80",
        "/operations/inbox/3",
        "/operations/deliveries",
        "/operations/deliveries?state=refused",
        "/operations/deliveries?state=changed",
        "/operations/subscriptions",
        f"/operations/subscriptions/{SUBSCRIPTION}",
        f"/operations/subscriptions/{DISABLED}",
        "/operations/audit",
        "/operations/tokens",
    ]


@pytest.fixture
def form_of() -> Callable[[FlaskClient], str]:
    """The secret that the forms of a browser's session carry."""

    def found(client: FlaskClient) -> str:
        page = html.document_fromstring(client.get("/").get_data(as_text=True))
        return str(page.xpath("string(//input[@name='form']/@value)"))

    return found


def _fill(connection: Connection) -> None:
    _inbox(connection)
    _readings(connection)
    _told(connection)
    _subscribed(connection)
    for number, step in enumerate(("changed", "subject", "publish")):
        rows = [
            {"work": step, "connection": SALES, "object": "lead", "crm_id": f"00Q{place}", "noted": 1}
            for place in range(number + 2)
        ]
        connection.execute(insert(stale), rows)
    for kind, name in (("loop", ""), ("read", SALES), ("read", MARKETING), ("tell", SALES), ("send", "")):
        row = {"kind": kind, "connection": name, "number": 3, "holder": "host-a.example:4711"}
        connection.execute(insert(leases).values(**row, taken_at=NOW - timedelta(hours=5)))
    for number in range(60):
        audit.note(
            connection,
            who=MARKUP if number == 59 else "the admin",
            action="connection.pause" if number % 2 else "token.create",
            target=UNBROKEN if number == 58 else SALES,
            details={"role": "viewer", "list": [1, 2]} if number % 3 else {},
            now=NOW - timedelta(minutes=60 - number),
        )


def _inbox(connection: Connection) -> None:
    for number in range(120):
        inbox.keep(
            connection,
            SALES if number % 3 else MARKETING,
            content_type="text/xml; charset=utf-8" if number % 3 else "application/json",
            body=b'[{"subscriptionType": "contact.propertyChange", "objectId": %d}]' % number
            if number % 3 == 0
            else f"<Envelope n='{number}'>{MARKUP}{UNBROKEN}</Envelope>".encode(),
            now=NOW - timedelta(minutes=120 - number),
        )
    outcomes = [
        Outcome(
            id=number,
            hints=number % 5,
            ignored=(Ignored(reason="other_object", count=2),) if number % 4 == 0 else (),
            error="expected a SOAP envelope with notifications, found another document"
            if number % 40 == 0
            else None,
        )
        for number in range(1, 116)
    ]
    inbox.mark_read(connection, outcomes, now=NOW)
    inbox.empty(connection, [3], why=inbox.Emptied.PRIVACY, now=NOW)
    rows = [
        {
            "connection": SALES,
            "object": "lead",
            "crm_id": f"00Q{n}",
            "noted": 1,
            "noted_at": NOW - timedelta(minutes=9),
        }
        for n in range(7)
    ]
    connection.execute(insert(hints), rows)


def _readings(connection: Connection) -> None:
    connection.execute(
        insert(cursors).values(
            connection=SALES,
            round=1,
            asked=1,
            started_at=NOW - timedelta(days=40),
            complete_at=NOW - timedelta(days=39),
            polled_at=NOW - timedelta(minutes=4),
            next_at=NOW + timedelta(minutes=1),
        )
    )
    connection.execute(
        insert(cursors).values(
            connection=MARKETING,
            round=1,
            asked=1,
            started_at=NOW - timedelta(hours=3),
            done={"contact": 41_000, "campaign": 210},
            expected={"contact": 96_500, "campaign": 210},
            error="the budget of 5000 calls a day is spent: raise `daily_budget`, or wait",
        )
    )
    readings.pause(connection, MARKETING, by="the operator", now=NOW - timedelta(minutes=20))
    this_slice = int(NOW.timestamp() // SLICE.total_seconds())
    for name, back, calls in ((SALES, 30, 1_204), (MARKETING, 2, 4_990), (SALES, 150, 77_777)):
        connection.execute(insert(usage).values(connection=name, slice=this_slice - back, calls=calls))


def _told(connection: Connection) -> None:
    """Some values that wait, some that are refused, some that somebody changed."""
    mine = select(desired.c.key).where(desired.c.connection == SALES).order_by(desired.c.key)
    keys = list(connection.scalars(mine))
    assert len(keys) > 140
    for key in keys[:90]:
        row = desired.c.connection == SALES, desired.c.key == key
        connection.execute(update(desired).where(*row).values(waits=True, priority=12))
    for number, key in enumerate(keys[90:200]):
        row = desired.c.connection == SALES, desired.c.key == key
        connection.execute(update(desired).where(*row).values(waits=False))
        digest = connection.scalar(select(desired.c.digest).where(*row))
        connection.execute(delivered.delete().where(delivered.c.connection == SALES, delivered.c.key == key))
        refused = number < 70
        connection.execute(
            insert(delivered).values(
                connection=SALES,
                key=key,
                digest=digest,
                delivery="refused" if refused else "delivered",
                code=("ENTITY_IS_DELETED" if number % 2 else "FIELD_CUSTOM_VALIDATION_EXCEPTION")
                if refused
                else None,
                message=(UNBROKEN if number == 1 else f"not allowed: {MARKUP}") if refused else None,
                at=NOW - timedelta(minutes=number),
                call=number + 1,
            )
        )
        if not refused and number < 76:
            shows = {"won": "12", "top_reasons": MARKUP}
            row_of = {"connection": SALES, "key": key, "call": number + 1, "shows": shows}
            connection.execute(insert(overridden).values(**row_of, seen_at=NOW - timedelta(minutes=number)))
    connection.execute(
        insert(deliverers).values(
            connection=SALES,
            calls=400,
            answered_at=NOW - timedelta(hours=2),
            failing_since=NOW - timedelta(minutes=50),
            code="session_expired",
            message="the CRM does not accept the credentials any more",
            bulk_until=NOW + timedelta(hours=6),
        )
    )


def _subscribed(connection: Connection) -> None:
    common = {"description": "", "connections": [], "created_at": NOW - timedelta(days=9), "failures": 0}
    rows = [
        (SUBSCRIPTION, "Slack bridge", ["lead.accepted", "opportunity.won"], "active", ""),
        (DISABLED, MARKUP, [], "disabled", "nothing got through for 5 days"),
        ("sub_111111111111111111111111", UNBROKEN[:100], [], "paused", ""),
    ]
    for id_, name, types, state, why in rows:
        connection.execute(
            insert(subscriptions).values(
                **common,
                id=id_,
                name=name,
                url=f"https://hooks.example.com/{UNBROKEN}",
                types=types,
                state=state,
                why=why,
                state_since=NOW - timedelta(days=2),
            )
        )
    for number in range(40):
        event: dict[str, Any] = {
            "id": event_id(number),
            "type": "opportunity.won" if number % 2 else "lead.accepted",
            "connection": SALES,
            "object": "lead",
            "crm_id": f"00Q{number}",
            "occurred_at": NOW - timedelta(hours=number),
            "learned_at": NOW - timedelta(hours=number),
            "payload": {},
        }
        connection.execute(insert(events).values(**event))
        told = {"event_id": event["id"], "subscription_id": SUBSCRIPTION, "asked_at": NOW, "error": ""}
        state = "waiting" if number % 5 == 0 else "sent"
        connection.execute(insert(sendings).values(**told, state=state, attempts=1))
        accepted = number % 5 != 0
        connection.execute(
            insert(attempts).values(
                event_id=event["id"],
                subscription_id=SUBSCRIPTION,
                at=NOW - timedelta(hours=40 - number),
                duration_ms=None if number == 7 else 120 + number,
                status=200 if accepted else 503,
                error="" if accepted else "the subscriber answered 503",
                answer="" if accepted else f"{MARKUP}{UNBROKEN}",
            )
        )
