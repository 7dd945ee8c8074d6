"""Works out what sales decided about leads and opportunities, and who gets the credit.

One thread at a time may run this: it is the only writer of the ledger and of what is derived from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from closedloop.loop.attribution import CampaignKey, attribute
from closedloop.loop.dispositions import Decision, decide
from closedloop.schema.records import CampaignMember, Lead, Opportunity, Record
from closedloop.schema.vocabulary import DECIDED, AttributionModel, ObjectType, StageMeaning
from closedloop_server.pipeline.copies import copies
from closedloop_server.pipeline.decisions import next_decision
from closedloop_server.pipeline.people import behind
from closedloop_server.pipeline.primary import primary_campaigns
from closedloop_server.pipeline.stages import Stages
from closedloop_server.pipeline.touches import Members, counted, members_of, memberships
from closedloop_server.services import Services
from closedloop_server.store import derived, ledger, records, stale
from closedloop_server.store.derived import Derived, Person, Share
from closedloop_server.store.engine import reading
from closedloop_server.store.ledger import Entry
from closedloop_server.store.rows import Key

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What has to be written about one subject: a new entry or none, and all that follows from it."""

    held: Entry | None
    learned: Decision | None
    before: Derived
    now: Derived

    @property
    def news(self) -> bool:
        return self.learned is not None or self.before != self.now


def derive(services: Services) -> int:
    """Judges some of the subjects that wait for it; returns how many there were."""
    with reading(services.engine) as connection:
        waiting = stale.waiting(connection, stale.Work.SUBJECT, limit=BATCH)
        if not waiting:
            return 0
        verdicts = _judge(connection, services, [each.key for each in waiting])
    news = {key: verdict for key, verdict in verdicts.items() if verdict.news}
    with services.writing() as connection:
        _write(connection, services, news)
        stale.note(connection, stale.Work.PUBLISH, _concerned(news.values()))
        stale.strike(connection, stale.Work.SUBJECT, waiting)
    return len(waiting)


def _judge(connection: Connection, services: Services, keys: list[Key]) -> dict[Key, _Verdict]:
    subjects = {key: record for key, record in records.fetch(connection, keys).items() if _is_subject(record)}
    held = ledger.holding(connection, subjects)
    before = derived.fetch(connection, {key: entry.id for key, entry in held.items()})
    learned = _learned(connection, services, subjects, held)
    decided = {key: entry for key, entry in _in_force(held, learned).items() if entry.outcome in DECIDED}
    following = _follow(connection, {key: subjects[key] for key in decided}, decided)
    return {
        key: _Verdict(
            held=held.get(key),
            learned=learned.get(key),
            before=before.get(key, Derived()),
            now=following.get(key, Derived()),
        )
        for key in subjects
    }


def _is_subject(record: Record) -> bool:
    return isinstance(record, Lead | Opportunity)


def _learned(
    connection: Connection, services: Services, subjects: Mapping[Key, Record], held: Mapping[Key, Entry]
) -> dict[Key, Decision]:
    """What is new in what sales decided. A copy of another CRM's opportunity decides nothing: the same
    decision would count twice."""
    stages = Stages(connection, services.mappings)
    copied = copies(connection, subjects)
    learned = {}
    for key, record in subjects.items():
        if not isinstance(record, Lead | Opportunity):
            continue
        meaning = StageMeaning.OPEN if key in copied else stages.meaning(key.connection, record)
        decision = decide(record, meaning, services.mappings.reasons.match)
        last = held[key].decision if key in held else None
        news = next_decision(record, decision, last)
        if news is not None:
            learned[key] = news
    return learned


def _in_force(held: Mapping[Key, Entry], learned: Mapping[Key, Decision]) -> dict[Key, Decision]:
    return {key: entry.decision for key, entry in held.items()} | dict(learned)


def _follow(
    connection: Connection, subjects: Mapping[Key, Record], decided: Mapping[Key, Decision]
) -> dict[Key, Derived]:
    """The people, the touches and the credits of every decided subject."""
    people = behind(connection, subjects)
    members = members_of(connection, {person.key for each in people.values() for person in each})
    primary = primary_campaigns(connection, subjects)
    return {key: _derived(people[key], members, decided[key], primary.get(key)) for key in subjects}


def _derived(
    people: tuple[Person, ...], members: Members, decision: Decision, primary: CampaignKey | None
) -> Derived:
    found: dict[derived.Membership, CampaignMember] = memberships(people, members)
    touches = counted(people, found)
    humans = len({person.human for person in people})
    return Derived(
        people=frozenset(people),
        touches=frozenset(found),
        credits=frozenset(
            Share(model=model, credit=credit)
            for model in AttributionModel
            for credit in attribute(
                touches, model, decided_at=decision.decided_at, primary=primary, people=humans
            )
        ),
    )


def _write(connection: Connection, services: Services, news: Mapping[Key, _Verdict]) -> None:
    learned = {key: verdict.learned for key, verdict in news.items() if verdict.learned}
    added = ledger.append(connection, learned, now=services.clock())
    before = {key: verdict.held.id for key, verdict in news.items() if verdict.held}
    derived.replace(
        connection,
        {key: verdict.now for key, verdict in news.items()},
        before=before,
        now=before | {key: entry.id for key, entry in added.items()},
    )


def _concerned(news: Iterable[_Verdict]) -> set[Key]:
    """Every campaign and person that may have to show something else now."""
    concerned = set()
    for verdict in news:
        for each in (verdict.before, verdict.now):
            concerned |= {Key(key.connection, ObjectType.CAMPAIGN, key.id) for key in each.campaigns}
            concerned |= {person.key for person in each.people}
    return concerned
