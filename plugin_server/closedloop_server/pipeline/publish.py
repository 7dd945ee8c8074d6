"""From decisions and credits to what each campaign and person should show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from closedloop.loop.feedback import Feedback, PersonFeedback
from closedloop.schema.records import Ref, User
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.pipeline.stages import Stages
from closedloop_server.pipeline.totals import campaign_feedback, merged
from closedloop_server.services import Services
from closedloop_server.store import credited, edges, feedback, ledger, records, stale
from closedloop_server.store.edges import Role
from closedloop_server.store.engine import reading
from closedloop_server.store.ledger import Entry
from closedloop_server.store.rows import Key

BATCH = 200

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What targets of one connection should show, and which targets are gone."""

    name: str
    values: tuple[Feedback, ...]
    gone: tuple[str, ...]


def publish(services: Services) -> int:
    """Works out anew what some campaigns and people should show; returns how many waited for it."""
    with reading(services.engine) as connection:
        waiting = stale.waiting(connection, stale.Work.PUBLISH, limit=BATCH)
        if not waiting:
            return 0
        pages = [
            page(connection, services, name, [each.key for each in waiting if each.key.connection == name])
            for name in services.crms
        ]
    bulk = stale.is_bulk(waiting)
    with services.writing() as connection:
        for each in pages:
            feedback.desire(connection, each.name, each.values, now=services.clock(), bulk=bulk)
            feedback.drop(connection, each.name, each.gone)
        stale.strike(connection, stale.Work.PUBLISH, waiting)
    return len(waiting)


def page(connection: Connection, services: Services, name: str, keys: list[Key]) -> Page:
    """What these campaigns and people of a connection should show, as the tables say now."""
    crm = services.crms[name]
    campaigns = [key.id for key in keys if key.object is ObjectType.CAMPAIGN]
    people = {key for key in keys if key.object is not ObjectType.CAMPAIGN}
    deleted = records.deleted(connection, people) | records.erased(connection, people)
    targets = _targets(connection, people - deleted, crm.person_target)
    values = (
        *_campaign_values(connection, services, name, campaigns),
        *_person_values(connection, services, name, targets),
    )
    return Page(
        name=name,
        values=tuple(value for value in values if value.kind in crm.feedback_kinds),
        gone=tuple(_cleared(key).key for key in deleted if key.object is crm.person_target),
    )


def _campaign_values(
    connection: Connection, services: Services, name: str, campaigns: list[str]
) -> Iterable[Feedback]:
    model = services.settings.attribution
    decided = credited.decisions(connection, name, campaigns, model)
    touched = credited.touched(connection, name, campaigns)
    shown = feedback.shown_rows(connection, name, campaigns)
    for campaign in campaigns:
        decisions = merged(decided.get(campaign, ()), touched.get(campaign, ()))
        rows = [(value.total.outcome, value.total.reason) for value in shown.get(campaign, ())]
        total, by_reason = campaign_feedback(campaign, model, decisions, shown=rows)
        yield total
        yield from by_reason


def _targets(connection: Connection, people: set[Key], target: ObjectType) -> dict[Key, set[Key]]:
    """The people whom each target is about: itself, or those whom a campaign member names."""
    if target is not ObjectType.CAMPAIGN_MEMBER:
        return {key: {key} for key in people if key.object is target}
    named = edges.into(connection, people, [Role.LEAD, Role.CONTACT], objects=[ObjectType.CAMPAIGN_MEMBER])
    members = {edge.start for edge in named} | {key for key in people if key.object is target}
    about: dict[Key, set[Key]] = {member: set() for member in members}
    for edge in edges.out_of(connection, members, [Role.LEAD, Role.CONTACT]):
        about[edge.start].add(edge.end)
    return about


def _person_values(
    connection: Connection, services: Services, name: str, targets: dict[Key, set[Key]]
) -> Iterable[Feedback]:
    """What sales decided last about each target's people; a target that shows nothing is left alone."""
    decided = ledger.decided_about(connection, {key for about in targets.values() for key in about})
    newest = {
        target: _newest(entry for key in about for entry in decided.get(key, ()))
        for target, about in targets.items()
    }
    known = feedback.digests(connection, name, (_cleared(target).key for target in targets))
    names = _user_names(connection, newest.values())
    stages = Stages(connection, services.mappings)
    for target, entry in newest.items():
        if entry is not None:
            yield _shown(target, entry, names, stages)
        elif _cleared(target).key in known:
            yield _cleared(target)


def _newest(entries: Iterable[Entry]) -> Entry | None:
    return max(entries, key=lambda entry: (entry.decision.decided_at or _LONG_AGO, entry.id), default=None)


def _cleared(target: Key) -> PersonFeedback:
    return PersonFeedback(target=Ref(target.object, target.id), outcome=None)


def _shown(target: Key, entry: Entry, names: dict[tuple[str, str], str], stages: Stages) -> PersonFeedback:
    decision, subject = entry.decision, entry.subject
    return PersonFeedback(
        target=Ref(target.object, target.id),
        outcome=decision.outcome,
        reason=decision.reason,
        raw_reason=decision.raw_reason,
        note=decision.note,
        stage=stages.label(subject.connection, subject.object, decision.stage),
        decided_at=decision.decided_at,
        decided_by=names.get((subject.connection, decision.decided_by or "")),
    )


def _user_names(connection: Connection, entries: Iterable[Entry | None]) -> dict[tuple[str, str], str]:
    """What the users are called who decided, by connection and by whichever of their ids the record names."""
    wanted: dict[str, set[str]] = {}
    for entry in entries:
        if entry is not None and entry.decision.decided_by:
            wanted.setdefault(entry.subject.connection, set()).add(entry.decision.decided_by)
    names = {}
    for name, ids in wanted.items():
        by_other = records.by_other_id(connection, name, ObjectType.USER, ids)
        keys = {id_: by_other.get(id_, Key(name, ObjectType.USER, id_)) for id_ in ids}
        users = records.fetch(connection, keys.values())
        for id_, key in keys.items():
            user = users.get(key)
            if isinstance(user, User) and user.name:
                names[name, id_] = user.name
    return names
