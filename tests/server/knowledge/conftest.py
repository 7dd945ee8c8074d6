"""A history that is told to the tables directly: what each CRM holds changes, and the loop follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from closedloop.mapping import Mappings, load_mappings, mappings_from
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import CrmName, ObjectType
from closedloop_server.pipeline.derive import derive
from closedloop_server.pipeline.expand import expand
from closedloop_server.pipeline.publish import publish
from closedloop_server.pipeline.relations import edges_of
from closedloop_server.pipeline.replay import replay
from closedloop_server.services import Services
from closedloop_server.store import edges, records, stale
from closedloop_server.store.engine import writing
from closedloop_server.store.rows import Key
from closedloop_server.store.tables import metadata

if TYPE_CHECKING:
    from tests.server.conftest import Loop, Make

_INSTALLED = {CrmName.SALESFORCE: ["sales"], CrmName.HUBSPOT: ["marketing"]}
_NAMES = {CrmName.SALESFORCE: "sales", CrmName.HUBSPOT: "marketing"}


@dataclass(repr=False)  # Hypothesis prints its arguments, and mappings are long
class History:
    """What the CRMs hold, changed record by record; `loop` is the one that knows it. `other_mappings` are
    some that the server may be started with instead of the shipped ones."""

    loop: Loop
    make: Make
    other_mappings: Mappings

    @property
    def services(self) -> Services:
        return self.loop.services

    def begin(self) -> None:
        """Forgets everything that was before, and reads the stages."""
        with writing(self.loop.engine) as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
        self.judge_by(load_mappings())
        self.hold(*(each for each in self.loop.sales.records.values() if each.object is ObjectType.STAGE))

    def hold(self, *found: Record) -> None:
        """These records are read, and what follows waits."""
        now = self.loop.clock()
        known = {Key(_NAMES[each.crm], each.object, each.id): replace(each, updated_at=now) for each in found}
        with writing(self.loop.engine) as connection:
            records.save(connection, known, now=now)
            pointers = [
                edge for key, each in known.items() for edge in edges_of(key.connection, each, _INSTALLED)
            ]
            edges.replace(connection, known, pointers)
            stale.note(connection, stale.Work.CHANGED, known)

    def tell(self, *found: Record) -> None:
        """These records are read, and everything follows."""
        self.hold(*found)
        self.follow()

    def follow(self) -> int:
        """Works out what waits; returns how much that was."""
        done = 0
        while count := sum(step(self.services) for step in (expand, derive, publish)):
            done += count
        return done

    def look_again(self, keys: Iterable[Key]) -> None:
        """Has these leads and opportunities judged once more."""
        with writing(self.loop.engine) as connection:
            stale.note(connection, stale.Work.SUBJECT, keys)
        self.follow()

    def judge_by(self, mappings: Mappings) -> None:
        """The server is started with other mappings."""
        self.loop.services = replace(self.services, mappings=mappings)
        replay(self.services)

    def rejected(self, number: int, *, reason: str = "No budget", **values: Any) -> None:
        """A lead of campaign C1 is rejected."""
        lead = self.make.lead(f"L{number}", "Unqualified", reason=reason, **values)
        member = self.make.member(f"M{number}", "C1", lead_id=lead.id)
        self.tell(self.make.campaign("C1"), lead, member)


@pytest.fixture
def history(loop: Loop, salesforce: Make, other_mappings: Mappings) -> History:
    """A history that has not begun to be told but for the stages."""
    told = History(loop, salesforce, other_mappings)
    told.begin()
    told.follow()
    return told


@pytest.fixture(scope="session")
def other_mappings() -> Mappings:
    """Mappings by which nobody can be reached where the shipped ones read that there is no budget."""
    files = dict(load_mappings().files)
    rule = "  - reason: unable_to_reach\n    exact:\n"
    exact = "      - No budget\n"
    text = files["reasons.yaml"]
    assert (text.count(rule), text.count(exact)) == (1, 1)
    files["reasons.yaml"] = text.replace(exact, "").replace(rule, rule + exact)
    return mappings_from(files)
