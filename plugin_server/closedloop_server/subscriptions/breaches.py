"""Watches the service levels: which leads wait, which have waited too long, and who has to hear of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from closedloop.loop.service_levels import Deadline, deadlines
from closedloop.mapping.lifecycle import stage_names
from closedloop.schema.records import Lead
from closedloop.schema.vocabulary import DECIDED, ObjectType
from closedloop_server.pipeline.judge import Verdict
from closedloop_server.pipeline.stages import Stages
from closedloop_server.services import Services
from closedloop_server.store import records
from closedloop_server.store.engine import reading
from closedloop_server.store.rows import Key
from closedloop_server.subscriptions import deadlines as table
from closedloop_server.subscriptions import events
from closedloop_server.subscriptions.deadlines import Kept
from closedloop_server.subscriptions.event_types import EventType
from closedloop_server.subscriptions.events import Event
from closedloop_server.subscriptions.payloads import data_of, subject_of

BATCH = 500


def follow(connection: Connection, services: Services, verdicts: Mapping[Key, Verdict]) -> None:
    """Works out the deadlines of the leads that were judged, and notes the breaches that show by it."""
    leads = [key for key in verdicts if key.object is ObjectType.LEAD]
    if not leads or not (services.mappings.lifecycle.service_levels or table.any_kept(connection)):
        return
    now = services.clock()
    stages = Stages(connection, services.mappings)
    known = table.of_leads(connection, leads)
    before = {each for rows in known.values() for each in rows}
    after = {
        row
        for key, lead in records.fetch(connection, leads).items()
        if isinstance(lead, Lead)
        for row in _after(
            services, key, lead, known.get(key, []), _found(services, stages, key, lead, verdicts[key])
        )
    }
    lasting = {_place(each) for each in after}
    table.drop(connection, [each for each in before if _place(each) not in lasting])
    table.keep(connection, after - before)
    _announce(connection, services, [each for each in after - before if each.breached_at == now])


def notice(services: Services) -> int:
    """Notes some of the deadlines that have passed unmet; returns how many."""
    levels = [level.name for level in services.mappings.lifecycle.service_levels]
    if not levels:
        return 0
    now = services.clock()
    with reading(services.engine) as connection:
        found = table.passed(connection, levels, now=now, limit=BATCH)
    if not found:
        return 0
    missed = [replace(each, breached_at=now) for each in found]
    with services.writing() as connection:
        table.keep(connection, missed)
        _announce(connection, services, missed)
    return len(missed)


def _found(services: Services, stages: Stages, key: Key, lead: Lead, verdict: Verdict) -> list[Deadline]:
    decision = verdict.decision
    decided_at = None
    if decision is not None and decision.outcome in DECIDED:
        # Where the CRM does not say when, ours is the nearest there is.
        decided_at = decision.decided_at or verdict.learned_at(services.clock())
    label = stages.label(key.connection, key.object, lead.stage)
    return deadlines(
        services.mappings.lifecycle.service_levels,
        lead,
        stage=stage_names(lead.stage, label),
        decided_at=decided_at,
    )


def _after(
    services: Services, key: Key, lead: Lead, before: Iterable[Kept], found: Iterable[Deadline]
) -> Iterator[Kept]:
    """The deadlines of a lead as they are now: those that go on, that are new, and that ended."""
    now = services.clock()
    known = {(each.deadline.level, each.deadline.started_at): each for each in before}
    for deadline in found:
        row = known.pop((deadline.level, deadline.started_at), None)
        if row is not None:
            yield _ended(
                replace(row, deadline=replace(row.deadline, due_at=deadline.due_at)), deadline.ended_at, now
            )
        elif deadline.ended_at is None or not deadline.breached(now):
            # Of an end that was late but was not seen from here: a record keeps the last of several alone,
            # and the first, which counts, may have been in time.
            yield Kept(subject=key, deadline=deadline)
    levels = {level.name for level in services.mappings.lifecycle.service_levels}
    for row in known.values():
        if row.deadline.ended_at is not None:
            yield row
        elif row.deadline.level in levels and not lead.deleted:
            yield _ended(row, lead.stage_changed_at or lead.updated_at or now, now)
        elif row.breached_at is not None:
            yield replace(row, deadline=replace(row.deadline, ended_at=now))


def _ended(row: Kept, at: datetime | None, now: datetime) -> Kept:
    """The deadline with its end, if it has one: the first end counts, whatever happened after it."""
    deadline = row.deadline
    if deadline.ended_at is None and at is not None:
        deadline = replace(deadline, ended_at=min(max(at, deadline.started_at), now))
    late = deadline.ended_at is not None and deadline.breached(now)
    return replace(row, deadline=deadline, breached_at=row.breached_at or (now if late else None))


def _place(kept: Kept) -> tuple[Key, str, datetime]:
    return kept.subject, kept.deadline.level, kept.deadline.started_at


def _announce(connection: Connection, services: Services, missed: Iterable[Kept]) -> None:
    """Makes events of the breaches, but not of those that are long past."""
    now = services.clock()
    oldest = now - services.settings.webhooks.oldest
    events.append(
        connection, (_event(services, each, now) for each in missed if each.deadline.due_at >= oldest)
    )


def _event(services: Services, missed: Kept, now: datetime) -> Event:
    key, deadline = missed.subject, missed.deadline
    known = services.connection(key.connection)
    type_ = EventType.SLA_BREACHED
    return Event(
        id=events.event_id(
            type_, key.connection, key.object.value, key.id, deadline.level, deadline.started_at.isoformat()
        ),
        type=type_,
        occurred_at=deadline.due_at,
        learned_at=now,
        connection=key.connection,
        subject=key,
        data=data_of(
            type_,
            subject=subject_of(key, known.crm if known else None),
            level=deadline.level,
            started_at=deadline.started_at,
            due_at=deadline.due_at,
            ended_at=deadline.ended_at,
        ),
    )
