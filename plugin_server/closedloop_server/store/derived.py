"""What follows from the decisions that hold: the people behind them, their touches, who gets the credit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, select

from closedloop.loop.attribution import CampaignKey, Cause, Credit
from closedloop.schema.vocabulary import DECIDED, AttributionModel
from closedloop_server.store.replacing import replace_rows
from closedloop_server.store.rows import Key, among_keys, chunks, is_among_keys, key_of, key_values
from closedloop_server.store.tables import (
    credits_,
    past_credits,
    past_touches,
    people,
    standings,
    touches,
)


class Link(StrEnum):
    """How a person was found to be behind a lead or an opportunity, the surest first."""

    RECORD = "record"  # the lead itself, or the contact that the record names
    CONTACT_ROLE = "contact_role"
    CONVERTED = "converted"  # the contact that a lead became, or the lead that a contact was
    LINKED_ID = "linked_id"  # an id that the CRMs' own sync wrote
    EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Person:
    """One record of a human being behind a subject; the same `human`, the same human being."""

    key: Key
    human: int
    link: Link


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Membership:
    """One row of a campaign that names one of the people behind a subject."""

    campaign: CampaignKey
    member_id: str
    person: Key
    link: Link
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A credit under its model."""

    model: AttributionModel
    credit: Credit


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """Everything derived for one subject; each set holds whatever order it came in. `learned_at` is when the
    newest of its stored touches and credits was learned."""

    people: frozenset[Person] = frozenset()
    touches: frozenset[Membership] = frozenset()
    credits: frozenset[Share] = frozenset()
    learned_at: datetime | None = field(default=None, compare=False)

    @property
    def campaigns(self) -> set[CampaignKey]:
        """Every campaign that is credited or touched the people."""
        credited = {share.credit.campaign for share in self.credits if share.credit.campaign}
        return credited | {touch.campaign for touch in self.touches}


def fetch(connection: Connection, entries: Mapping[Key, int]) -> dict[Key, Derived]:
    """What is stored for these subjects, whose holding entries are given by their ids."""
    found_people = _people(connection, entries)
    touch_rows = _rows_of(connection, touches, entries.values())
    credit_rows = _rows_of(connection, credits_, entries.values())
    return {
        subject: Derived(
            people=frozenset(found_people.get(subject, ())),
            touches=frozenset(map(_membership, touch_rows.get(ledger_id, ()))),
            credits=frozenset(map(_share, credit_rows.get(ledger_id, ()))),
            learned_at=_newest([*touch_rows.get(ledger_id, ()), *credit_rows.get(ledger_id, ())]),
        )
        for subject, ledger_id in entries.items()
    }


def replace(
    connection: Connection,
    found: Mapping[Key, Derived],
    *,
    before: Mapping[Key, int],
    now: Mapping[Key, int],
    at: Mapping[Key, datetime],
) -> None:
    """Makes what was derived for these subjects what holds, from `at` on; what held before moves to the past.

    `before` are the entries that held, `now` those that hold: credit belongs to the entry that holds. Rows
    that stay the same are not touched.
    """
    _replace_people(connection, found)
    times = {entry: at[key] for entries in (before, now) for key, entry in entries.items()}
    for table, past, rows_of in (
        (touches, past_touches, _touch_rows),
        (credits_, past_credits, _credit_rows),
    ):
        stored = _rows_of(connection, table, times)
        replace_rows(
            connection,
            table,
            [dict(row._mapping) for rows in stored.values() for row in rows],  # noqa: SLF001 - public
            [row for key, each in found.items() if key in now for row in rows_of(now[key], each)],
            past=past,
            at=lambda row: times[row["ledger_id"]],
        )


def _replace_people(connection: Connection, found: Mapping[Key, Derived]) -> None:
    stored = [
        dict(row) for values in among_keys(found) for row in connection.execute(_PEOPLE, values).mappings()
    ]
    wanted = [row for key, each in found.items() for row in _people_rows(key, each)]
    replace_rows(connection, people, stored, wanted)


def set_aside(connection: Connection, *, now: datetime) -> None:
    """Moves to the past what is kept of entries that do not hold or decide nothing: none should be there."""
    decided = select(standings.c.ledger_id).where(standings.c.outcome.in_([each.value for each in DECIDED]))
    for table, past in ((touches, past_touches), (credits_, past_credits)):
        strays = select(table).where(table.c.ledger_id.not_in(decided))
        rows = [dict(row) for row in connection.execute(strays).mappings()]
        replace_rows(
            connection, table, rows, [], past=past, at=lambda row: max(now, row["learned_at"] or now)
        )


def everybody(connection: Connection) -> set[Key]:
    """Everybody who was found behind a lead or an opportunity."""
    columns = (people.c.person_connection, people.c.person_object, people.c.person_id)
    return {key_of(row, "person_") for row in connection.execute(select(*columns).distinct())}


def subjects_of(connection: Connection, persons: Iterable[Key]) -> set[Key]:
    """The subjects that these people were found behind."""
    return {key_of(row) for values in among_keys(persons) for row in connection.execute(_SUBJECTS, values)}


def people_of(connection: Connection, subjects: Iterable[Key]) -> set[Key]:
    """The people who were found behind these subjects."""
    return {person.key for found in _people(connection, subjects).values() for person in found}


def subjects_of_members(connection: Connection, name: str, members: Iterable[str]) -> set[Key]:
    """The subjects whose touches include these campaign members of a connection."""
    found = set()
    for ids in chunks(sorted(set(members))):
        found |= {key_of(row) for row in connection.execute(_OF_MEMBERS, {"name": name, "ids": ids})}
    return found


_PEOPLE = select(people).where(is_among_keys(people))

_SUBJECTS = (
    select(people.c.connection, people.c.object, people.c.crm_id)
    .where(is_among_keys(people, "person_"))
    .distinct()
)

_OF_MEMBERS = (
    select(standings.c.connection, standings.c.object, standings.c.crm_id)
    .join(touches, touches.c.ledger_id == standings.c.ledger_id)
    .where(
        touches.c.campaign_connection == bindparam("name"),
        touches.c.member_id.in_(bindparam("ids", expanding=True)),
    )
)


def _people(connection: Connection, subjects: Iterable[Key]) -> dict[Key, list[Person]]:
    found: dict[Key, list[Person]] = {}
    for values in among_keys(subjects):
        for row in connection.execute(_PEOPLE, values):
            person = Person(key=key_of(row, "person_"), human=row.human, link=Link(row.link))
            found.setdefault(key_of(row), []).append(person)
    return found


def _rows_of(connection: Connection, table: Table, entries: Iterable[int]) -> dict[int, list[Any]]:
    """The rows of each of these entries of the ledger."""
    found: dict[int, list[Any]] = {}
    for ids in chunks(sorted(entries)):
        for row in connection.execute(_of_entries(table), {"ids": ids}):
            found.setdefault(row.ledger_id, []).append(row)
    return found


@cache
def _of_entries(table: Table) -> Select[Any]:
    return select(table).where(table.c.ledger_id.in_(bindparam("ids", expanding=True)))


def _newest(rows: Iterable[Any]) -> datetime | None:
    return max((row.learned_at for row in rows if row.learned_at), default=None)


def _membership(row: Any) -> Membership:
    return Membership(
        campaign=CampaignKey(row.campaign_connection, row.campaign_id),
        member_id=row.member_id,
        person=key_of(row, "person_"),
        link=Link(row.link),
        at=row.touched_at,
    )


def _share(row: Any) -> Share:
    campaign = CampaignKey(row.campaign_connection, row.campaign_id) if row.campaign_id else None
    credit = Credit(share=row.share, campaign=campaign, cause=Cause(row.cause) if row.cause else None)
    return Share(model=AttributionModel(row.model), credit=credit)


def _people_rows(subject: Key, derived: Derived) -> list[dict[str, Any]]:
    return [
        {
            **key_values(subject),
            **key_values(person.key, "person_"),
            "human": person.human,
            "link": person.link.value,
        }
        for person in derived.people
    ]


def _touch_rows(ledger_id: int, derived: Derived) -> list[dict[str, Any]]:
    return [
        {
            "ledger_id": ledger_id,
            "campaign_connection": touch.campaign.connection,
            "campaign_id": touch.campaign.id,
            "member_id": touch.member_id,
            **key_values(touch.person, "person_"),
            "touched_at": touch.at,
            "link": touch.link.value,
        }
        for touch in derived.touches
    ]


def _credit_rows(ledger_id: int, derived: Derived) -> list[dict[str, Any]]:
    return [
        {
            "ledger_id": ledger_id,
            "model": share.model.value,
            "campaign_connection": share.credit.campaign.connection if share.credit.campaign else "",
            "campaign_id": share.credit.campaign.id if share.credit.campaign else "",
            "share": share.credit.share,
            "cause": share.credit.cause.value if share.credit.cause else None,
        }
        for share in derived.credits
    ]
