"""Notices what somebody changed in the CRM after it was told, and what may no longer be refused.

Our own writes come back by every poll. A target is compared only with what it was told by a call that was
over before the reading began, and while no other call is under way: what it shows then, we know. If it shows
something else than it should and cannot be compared, it is read again when it can: nobody else may come by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from closedloop.crm.base import Crm
from closedloop.loop.feedback import FeedbackKind
from closedloop.schema.records import Record, Ref
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.services import Services
from closedloop_server.store import deliverers, overrides, records, refused
from closedloop_server.store.engine import reading
from closedloop_server.store.overrides import Standing
from closedloop_server.store.rows import Key
from closedloop_server.work.kinds import Kind, Work


@dataclass(slots=True)
class _Seen:
    """What a reading showed: `changed` are the targets that differ from what they were told, or do so no
    more; `older` those that show what we told them before."""

    changed: dict[str, tuple[int, Mapping[str, str]]] = field(default_factory=dict)
    older: list[tuple[str, int]] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.changed or self.older or self.mended)


def last_number(services: Services, name: str) -> int:
    """The number to give to `notice`, taken before the reading begins."""
    with reading(services.engine) as connection:
        return deliverers.last_number(connection, name)


def notice(services: Services, name: str, found: Iterable[Record], *, as_of: int) -> dict[Ref, datetime]:
    """Compares what was read with what was told, before it is stored: records of the connection `name`, read
    after the number `as_of` was given. Returns which have to be read again, and from when on."""
    crm = services.crms[name]
    targets = {key: record for record in found if (key := _key(crm, record)) is not None}
    if not targets:
        return {}
    with reading(services.engine) as connection:
        told = overrides.standing(connection, name, targets, as_of=as_of, now=services.clock())
        about = refused.about(connection, name, targets, (_campaign(each) for each in targets.values()))
        before = (
            records.stored(connection, {Key(name, each.object, each.id) for each in targets.values()})
            if about
            else {}
        )
    seen = _Seen()
    again: dict[Ref, datetime] = {}
    for each in told:
        record = targets[each.key]
        if isinstance(each, Standing):
            _compare(crm, each, record, seen)
        elif crm.differences(each.wanted, record):
            again[record.ref] = each.again
    news = {
        key
        for key, record in targets.items()
        if (row := before.get(Key(name, record.object, record.id))) is None
        or row.updated_at != record.updated_at
    }
    news_campaigns = {_campaign(targets[key]) for key in news} - {""}
    seen.mended = [key for key, campaign in about.items() if key in news or campaign in news_campaigns]
    if seen:
        _keep(services, name, seen)
    return again


def _keep(services: Services, name: str, seen: _Seen) -> None:
    with services.writing() as connection:
        overrides.note(connection, name, seen.changed, now=services.clock())
        overrides.tell_again(connection, name, seen.older)
        refused.try_again(connection, name, keys=seen.mended)
    if seen.older or seen.mended:
        services.wake(Work(Kind.TELL, name))


def _compare(crm: Crm, told: Standing, record: Record, seen: _Seen) -> None:
    shows = crm.differences(told.feedback, record)
    if shows is None or dict(shows) == dict(told.noted or {}):
        return
    if shows and told.before is not None and crm.differences(told.before, record) == {}:
        # Nobody changed it: an older call of ours arrived after the last one. A person who put back exactly
        # that would be answered once.
        seen.older.append((told.key, told.call))
        return
    seen.changed[told.key] = (told.call, shows)


def _key(crm: Crm, record: Record) -> str | None:
    """The feedback that is shown on the record itself."""
    if record.deleted:
        return None
    if record.object is ObjectType.CAMPAIGN:
        return f"{FeedbackKind.CAMPAIGN}|{record.id}"
    if record.object is crm.person_target:
        return f"{FeedbackKind.PERSON}|{record.object}|{record.id}"
    return None


def _campaign(record: Record) -> str:
    return record.id if record.object is ObjectType.CAMPAIGN else ""
