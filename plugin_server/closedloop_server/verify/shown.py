"""That what campaigns and people should show is what the ledger makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, select

from closedloop.loop.feedback import FeedbackKind
from closedloop.schema.schemas import dump_feedback
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline.publish import page
from closedloop_server.services import Services
from closedloop_server.store import credited, derived
from closedloop_server.store.rows import Key, chunks
from closedloop_server.store.tables import desired
from closedloop_server.verify.finding import Check, Finding
from closedloop_server.verify.rederived import Waiting

BATCH = 200

Values = dict[str, Any]
"""What each target shows, by the key of the value."""


def check(connection: Connection, services: Services, wait: Waiting) -> Iterator[Finding]:
    """The values that publishing everything once more would change, and those that nothing asks for."""
    for name in services.crms:
        stored = _stored(connection, name)
        targets = _targets(connection, name) | set(_people_shown(name, stored))
        wanted, _ = _published(connection, services, name, targets)
        mine = {key for key in wait.shown if key.connection == name}
        later, gone = _published(connection, services, name, mine)
        left_alone = later.keys() | gone
        for key in sorted((stored.keys() | wanted.keys()) - left_alone):
            message = _wrong(stored.get(key), wanted.get(key))
            if message:
                yield Finding(check=Check.SHOWN, where=f"{name} {key}", message=message)


def _wrong(stored: Any, wanted: Any) -> str | None:
    if stored is None:
        return "it should show something, and nothing is kept for it"
    if wanted is None:
        return "nothing in the ledger asks for what it should show"
    return None if stored == wanted else "what it should show does not follow from the ledger"


def _published(
    connection: Connection, services: Services, name: str, targets: set[Key]
) -> tuple[Values, set[str]]:
    """What these targets of a connection should show, and the keys of those that are gone."""
    wanted: Values = {}
    gone: set[str] = set()
    for keys in chunks(sorted(targets), BATCH):
        found = page(connection, services, name, keys)
        wanted |= {value.key: dump_feedback(value) for value in found.values}
        gone |= set(found.gone)
    return wanted, gone


def _targets(connection: Connection, name: str) -> set[Key]:
    """Every campaign and person of a connection that may show something."""
    campaigns = {
        Key(each.connection, ObjectType.CAMPAIGN, each.id)
        for each in credited.every_campaign(connection)
        if each.connection == name
    }
    everybody = derived.everybody(connection)
    return campaigns | {key for key in everybody if key.connection == name}


def _stored(connection: Connection, name: str) -> Values:
    query = select(desired.c.key, desired.c.state).where(desired.c.connection == name)
    return {row.key: row.state for row in connection.execute(query)}


def _people_shown(name: str, stored: Mapping[str, Any]) -> Iterator[Key]:
    """The people whose values are kept, who may have left every decision since."""
    for key in stored:
        kind, object_, *rest = key.split("|", 2)
        if kind == FeedbackKind.PERSON:
            yield Key(name, ObjectType(object_), rest[0])
