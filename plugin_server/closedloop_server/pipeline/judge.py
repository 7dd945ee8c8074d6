"""Judges leads and opportunities by the stored records: what sales decided, and who gets the credit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from closedloop.loop.attribution import CampaignKey, attribute
from closedloop.loop.dispositions import Decision, decide
from closedloop.mapping import Mappings
from closedloop.schema.records import CampaignMember, Lead, Opportunity
from closedloop.schema.vocabulary import DECIDED, AttributionModel, StageMeaning
from closedloop_server.pipeline.copies import copies
from closedloop_server.pipeline.decisions import next_decision
from closedloop_server.pipeline.people import behind
from closedloop_server.pipeline.primary import primary_campaigns
from closedloop_server.pipeline.stages import Stages
from closedloop_server.pipeline.touches import Members, counted, members_of, memberships
from closedloop_server.store import derived, ledger, records
from closedloop_server.store.derived import Derived, Person, Share
from closedloop_server.store.ledger import Entry
from closedloop_server.store.rows import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What has to be written about one subject: a new entry or none, and all that follows from it."""

    held: Entry | None
    learned: Decision | None
    before: Derived
    now: Derived

    @property
    def news(self) -> bool:
        """Whether anything has to be written."""
        return self.learned is not None or self.before != self.now

    @property
    def decision(self) -> Decision | None:
        """What holds once this is written, whether it decides something or not."""
        return self.learned or (self.held.decision if self.held else None)

    def learned_at(self, now: datetime) -> datetime:
        """When this is learned: now, or when a clock was ahead of ours, not before what it supersedes."""
        known = (self.held.learned_at if self.held else None, self.before.learned_at)
        return max([now, *(time for time in known if time is not None)])


Subjects = Mapping[Key, Lead | Opportunity]

Reading = Callable[[Key, Lead | Opportunity], Lead | Opportunity]
"""Makes of a stored record what other mappings would have made of the CRM's answer."""


def judge(
    connection: Connection, mappings: Mappings, keys: Iterable[Key], *, read: Reading | None = None
) -> dict[Key, Verdict]:
    """What these mappings make of each of these leads and opportunities, against what is stored about it."""
    subjects = {
        key: read(key, record) if read else record
        for key, record in records.fetch(connection, keys).items()
        if isinstance(record, Lead | Opportunity)
    }
    held = ledger.holding(connection, subjects)
    before = derived.fetch(connection, {key: entry.id for key, entry in held.items()})
    learned = _learned(connection, mappings, subjects, held)
    decided = {key: entry for key, entry in _in_force(held, learned).items() if entry.outcome in DECIDED}
    following = _follow(connection, {key: subjects[key] for key in decided}, decided)
    return {
        key: Verdict(
            held=held.get(key),
            learned=learned.get(key),
            before=before.get(key, Derived()),
            now=following.get(key, Derived()),
        )
        for key in subjects
    }


def _learned(
    connection: Connection, mappings: Mappings, subjects: Subjects, held: Mapping[Key, Entry]
) -> dict[Key, Decision]:
    """What is new in what sales decided. A copy of another CRM's opportunity decides nothing: the same
    decision would count twice."""
    stages = Stages(connection, mappings)
    copied = copies(connection, subjects)
    learned = {}
    for key, record in subjects.items():
        meaning = StageMeaning.OPEN if key in copied else stages.meaning(key.connection, record)
        decision = decide(record, meaning, mappings.reasons.match)
        last = held[key].decision if key in held else None
        news = next_decision(record, decision, last)
        if news is not None:
            learned[key] = news
    return learned


def _in_force(held: Mapping[Key, Entry], learned: Mapping[Key, Decision]) -> dict[Key, Decision]:
    return {key: entry.decision for key, entry in held.items()} | dict(learned)


def _follow(
    connection: Connection, subjects: Subjects, decided: Mapping[Key, Decision]
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
