"""A turn of clearing: what is older than the settings keep it goes, in small portions, a few times a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from closedloop_server.access.limits import forget_failures
from closedloop_server.access.links import forget_old_links
from closedloop_server.access.sessions import forget_old
from closedloop_server.pipeline.bare import bare
from closedloop_server.retention import RetentionSettings
from closedloop_server.services import Services
from closedloop_server.store import audit, inbox, marks, records
from closedloop_server.store.engine import forget_log, reading
from closedloop_server.store.marks import Mark
from closedloop_server.work.kinds import Work

EVERY = timedelta(hours=6)
PORTION = 200
"""Rows in one transaction: whoever else wants to write waits no longer than for these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that gets old. `clear` removes at most PORTION of it and returns how many that were."""

    name: str
    days: int
    count: Callable[[Connection, datetime], int]
    clear: Callable[[Services, Connection, datetime], int]


def rules(settings: RetentionSettings) -> tuple[Rule, ...]:
    """Everything that gets old, and after how many days."""
    return (
        Rule(
            name="delivery bodies",
            days=settings.delivery_bodies_days,
            count=inbox.count_bodies_before,
            clear=_clear_bodies,
        ),
        Rule(
            name="deliveries",
            days=settings.deliveries_days,
            count=inbox.count_before,
            clear=lambda _, connection, before: inbox.forget_before(connection, before, limit=PORTION),
        ),
        Rule(
            name="deleted records",
            days=settings.deleted_records_days,
            count=records.count_long_deleted,
            clear=_clear_deleted,
        ),
        Rule(
            name="audit",
            days=settings.audit_days,
            count=audit.count_before,
            clear=lambda _, connection, before: audit.forget_before(connection, before, limit=PORTION),
        ),
    )


def _clear_bodies(services: Services, connection: Connection, before: datetime) -> int:
    return inbox.empty_before(connection, before, limit=PORTION, now=services.clock())


def _clear_deleted(services: Services, connection: Connection, before: datetime) -> int:
    old = records.long_deleted(connection, before, limit=PORTION)
    reasons = services.mappings.reasons.match
    emptied = {key: bare(record, reasons) for key, record in old.items()}
    records.empty(connection, emptied, now=services.clock())
    return len(old)


def old_rows(
    connection: Connection, settings: RetentionSettings, *, now: datetime
) -> Iterator[tuple[Rule, int]]:
    """Each rule with how much is older than it allows."""
    for rule in rules(settings):
        yield rule, rule.count(connection, now - timedelta(days=rule.days))


def clear_old(services: Services, work: Work, check: Callable[[], None]) -> datetime | None:  # noqa: ARG001 - as every turn
    """Removes everything that is too old, if it is time to; returns when it is time again."""
    now = services.clock()
    with reading(services.engine) as connection:
        last = marks.value(connection, Mark.CLEARED)
    due = datetime.fromisoformat(last) + EVERY if last else now
    if now < due:
        return due
    for rule in rules(services.settings.retention):
        _clear(services, rule, now - timedelta(days=rule.days), check)
    with services.writing() as connection:
        for forget in (forget_failures, forget_old_links, forget_old):
            forget(connection, now=now)
        marks.put(connection, Mark.CLEARED, now.isoformat())
    forget_log(services.engine)
    return now + EVERY


def _clear(services: Services, rule: Rule, before: datetime, check: Callable[[], None]) -> None:
    done = PORTION
    while done == PORTION:
        check()
        with services.writing() as connection:
            done = rule.clear(services, connection, before)
