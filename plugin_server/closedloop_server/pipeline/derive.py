"""Writes down what sales decided about leads and opportunities, and who gets the credit.

One thread at a time may run this: it is the only writer of the ledger and of what is derived from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline.judge import Verdict, judge
from closedloop_server.services import Services
from closedloop_server.store import derived, ledger, marks, stale, versions
from closedloop_server.store.engine import reading
from closedloop_server.store.leases import SupersededError
from closedloop_server.store.ledger import Entry
from closedloop_server.store.marks import Mark
from closedloop_server.store.rows import Key, chunks
from closedloop_server.store.stale import Stale
from closedloop_server.subscriptions.following import follow

BATCH = 200

PORTION = 25
"""Judgements that are written in one transaction, at most: whoever else wants to write, as a webhook does,
has to wait that long."""


def derive(services: Services) -> int:
    """Judges some of the subjects that wait for it; returns how many there were.

    Fails with SupersededError, and writes nothing more, when another worker has judged one of them meanwhile,
    or when other mappings are in force by now.
    """
    with reading(services.engine) as connection:
        waiting = stale.waiting(connection, stale.Work.SUBJECT, limit=BATCH)
        if not waiting:
            return 0
        verdicts = judge(connection, services.mappings, [each.key for each in waiting])
    for portion in chunks(waiting, PORTION):
        _note(services, portion, verdicts)
    return len(waiting)


def _note(services: Services, portion: Sequence[Stale], verdicts: Mapping[Key, Verdict]) -> None:
    """Writes down what was made of these subjects. Each stands for itself: what changed since they were
    judged is stale again, and stays so."""
    judged = {each.key: verdicts[each.key] for each in portion if each.key in verdicts}
    news = {key: verdict for key, verdict in judged.items() if verdict.news}
    with services.writing() as connection:
        added = _write(connection, services, news)
        follow(connection, services, judged, added)
        stale.note(connection, stale.Work.PUBLISH, _concerned(news.values()), bulk=stale.is_bulk(portion))
        stale.strike(connection, stale.Work.SUBJECT, portion)


def _write(connection: Connection, services: Services, news: Mapping[Key, Verdict]) -> dict[Key, Entry]:
    """Writes what is new down, and returns what was added to the ledger."""
    now = services.clock()
    _check_mappings(connection, services)
    ledger.check(connection, {key: verdict.held for key, verdict in news.items()})
    at = {key: verdict.learned_at(now) for key, verdict in news.items()}
    learned = {key: verdict.learned for key, verdict in news.items() if verdict.learned}
    if learned:
        versions.keep(connection, services.mappings, now=now)
    added = ledger.append(connection, learned, at=at, mappings=services.mappings.version)
    before = {key: verdict.held.id for key, verdict in news.items() if verdict.held}
    derived.replace(
        connection,
        {key: verdict.now for key, verdict in news.items()},
        before=before,
        now=before | {key: entry.id for key, entry in added.items()},
        at=at,
    )
    return added


def _check_mappings(connection: Connection, services: Services) -> None:
    """While servers and workers are restarted with new mappings, the old ones judge no more: the ledger would
    go to and fro between the two."""
    in_force = marks.value(connection, Mark.MAPPINGS)
    if in_force not in (None, services.mappings.version):
        raise SupersededError(
            "another server was started with other mappings: restart this one with the same files",
            reason="other_mappings",
        )


def _concerned(news: Iterable[Verdict]) -> set[Key]:
    """Every campaign and person that may have to show something else now."""
    concerned = set()
    for verdict in news:
        for each in (verdict.before, verdict.now):
            concerned |= {Key(key.connection, ObjectType.CAMPAIGN, key.id) for key in each.campaigns}
            concerned |= {person.key for person in each.people}
    return concerned
