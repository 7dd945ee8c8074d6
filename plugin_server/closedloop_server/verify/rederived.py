"""That deriving everything from the stored records once more changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from closedloop.schema.vocabulary import DECIDED
from closedloop_server.pipeline.expand import concerned
from closedloop_server.pipeline.judge import Verdict, judge
from closedloop_server.pipeline.rederive import subjects
from closedloop_server.services import Services
from closedloop_server.store.rows import Key, chunks, key_of
from closedloop_server.store.stale import Work
from closedloop_server.store.tables import stale, standings
from closedloop_server.verify.entries import name
from closedloop_server.verify.finding import Check, Finding

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What the next turn of the loop works out anew: leads and opportunities, campaigns and people."""

    subjects: frozenset[Key]
    shown: frozenset[Key]


def waiting(connection: Connection) -> Waiting:
    """What need not follow from the records yet."""
    changed = concerned(connection, _all(connection, Work.CHANGED))
    return Waiting(
        subjects=changed.subjects | _all(connection, Work.SUBJECT),
        shown=changed.shown | _all(connection, Work.PUBLISH),
    )


def check(connection: Connection, services: Services, wait: Waiting) -> Iterator[Finding]:
    """The leads and opportunities about which deriving would write something."""
    judged: set[Key] = set()
    everything = (key for key in subjects(connection, services.crms) if key not in wait.subjects)
    for keys in chunks(everything, BATCH):
        verdicts = judge(connection, services.mappings, keys)
        judged |= verdicts.keys()
        for key, verdict in sorted(verdicts.items()):
            if verdict.news:
                yield Finding(check=Check.DERIVED, where=name(key), message=_difference(verdict))
    for key in sorted(_standing(connection) - judged - wait.subjects):
        if key.connection in services.crms:
            message = "the ledger has entries, and there is no such record"
            yield Finding(check=Check.DERIVED, where=name(key), message=message)


def _difference(verdict: Verdict) -> str:
    if verdict.learned is not None:
        held = verdict.held.decision.outcome if verdict.held else "nothing"
        return f"the ledger says {held}, the record says {verdict.learned.outcome}, or another reason for it"
    before, now = verdict.before, verdict.now
    differing = [
        what
        for what, one, other in (
            ("people", before.people, now.people),
            ("touches", before.touches, now.touches),
            ("credits", before.credits, now.credits),
        )
        if one != other
    ]
    return f"its {', '.join(differing)} do not follow from the records"


def _standing(connection: Connection) -> set[Key]:
    key = (standings.c.connection, standings.c.object, standings.c.crm_id)
    outcomes = [outcome.value for outcome in DECIDED]
    return {key_of(row) for row in connection.execute(select(*key).where(standings.c.outcome.in_(outcomes)))}


def _all(connection: Connection, work: Work) -> frozenset[Key]:
    key = (stale.c.connection, stale.c.object, stale.c.crm_id)
    return frozenset(
        key_of(row) for row in connection.execute(select(*key).where(stale.c.work == work.value))
    )
