"""What follows from the decisions that hold: the people behind them, their touches, who gets the credit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from closedloop.loop.attribution import CampaignKey, Cause, Credit
from closedloop.schema.vocabulary import AttributionModel
from closedloop_server.store.rows import Key, chunks, key_of, key_values, where_keys
from closedloop_server.store.tables import credits_, people, standings, touches


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
    """Everything derived for one subject; each set holds whatever order it came in."""

    people: frozenset[Person] = frozenset()
    touches: frozenset[Membership] = frozenset()
    credits: frozenset[Share] = frozenset()

    @property
    def campaigns(self) -> set[CampaignKey]:
        """Every campaign that is credited or touched the people."""
        credited = {share.credit.campaign for share in self.credits if share.credit.campaign}
        return credited | {touch.campaign for touch in self.touches}


def fetch(connection: Connection, entries: Mapping[Key, int]) -> dict[Key, Derived]:
    """What is stored for these subjects, whose holding entries are given by their ids."""
    subject_of = {ledger_id: subject for subject, ledger_id in entries.items()}
    found_people = _people(connection, entries)
    found_touches = _touches(connection, subject_of)
    found_credits = _credits(connection, subject_of)
    return {
        subject: Derived(
            people=frozenset(found_people.get(subject, ())),
            touches=frozenset(found_touches.get(subject, ())),
            credits=frozenset(found_credits.get(subject, ())),
        )
        for subject in entries
    }


def replace(
    connection: Connection, found: Mapping[Key, Derived], *, before: Mapping[Key, int], now: Mapping[Key, int]
) -> None:
    """Writes what was derived for these subjects in place of what was.

    `before` are the entries that held, `now` those that hold: credit belongs to the entry that holds.
    """
    for condition in where_keys(people, found):
        connection.execute(delete(people).where(condition))
    for ids in chunks(sorted({*before.values(), *now.values()})):
        for table in (touches, credits_):
            connection.execute(delete(table).where(table.c.ledger_id.in_(ids)))
    _insert(connection, people, (row for key, each in found.items() for row in _people_rows(key, each)))
    _insert(connection, touches, (row for key, each in found.items() for row in _touch_rows(now[key], each)))
    _insert(
        connection, credits_, (row for key, each in found.items() for row in _credit_rows(now[key], each))
    )


def subjects_of(connection: Connection, persons: Iterable[Key]) -> set[Key]:
    """The subjects that these people were found behind."""
    columns = (people.c.connection, people.c.object, people.c.crm_id)
    return {
        key_of(row)
        for condition in where_keys(people, persons, "person_")
        for row in connection.execute(select(*columns).where(condition).distinct())
    }


def people_of(connection: Connection, subjects: Iterable[Key]) -> set[Key]:
    """The people who were found behind these subjects."""
    return {person.key for found in _people(connection, subjects).values() for person in found}


def subjects_of_members(connection: Connection, name: str, members: Iterable[str]) -> set[Key]:
    """The subjects whose touches include these campaign members of a connection."""
    found = set()
    for ids in chunks(sorted(set(members))):
        query = (
            select(standings.c.connection, standings.c.object, standings.c.crm_id)
            .join(touches, touches.c.ledger_id == standings.c.ledger_id)
            .where(touches.c.campaign_connection == name, touches.c.member_id.in_(ids))
        )
        found |= {key_of(row) for row in connection.execute(query)}
    return found


def _people(connection: Connection, subjects: Iterable[Key]) -> dict[Key, list[Person]]:
    found: dict[Key, list[Person]] = {}
    for condition in where_keys(people, subjects):
        for row in connection.execute(select(people).where(condition)):
            person = Person(key=key_of(row, "person_"), human=row.human, link=Link(row.link))
            found.setdefault(key_of(row), []).append(person)
    return found


def _touches(connection: Connection, subject_of: Mapping[int, Key]) -> dict[Key, list[Membership]]:
    found: dict[Key, list[Membership]] = {}
    for ids in chunks(sorted(subject_of)):
        for row in connection.execute(select(touches).where(touches.c.ledger_id.in_(ids))):
            membership = Membership(
                campaign=CampaignKey(row.campaign_connection, row.campaign_id),
                member_id=row.member_id,
                person=key_of(row, "person_"),
                link=Link(row.link),
                at=row.touched_at,
            )
            found.setdefault(subject_of[row.ledger_id], []).append(membership)
    return found


def _credits(connection: Connection, subject_of: Mapping[int, Key]) -> dict[Key, list[Share]]:
    found: dict[Key, list[Share]] = {}
    for ids in chunks(sorted(subject_of)):
        for row in connection.execute(select(credits_).where(credits_.c.ledger_id.in_(ids))):
            campaign = CampaignKey(row.campaign_connection, row.campaign_id) if row.campaign_id else None
            credit = Credit(share=row.share, campaign=campaign, cause=Cause(row.cause) if row.cause else None)
            found.setdefault(subject_of[row.ledger_id], []).append(
                Share(model=AttributionModel(row.model), credit=credit)
            )
    return found


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


def _insert(connection: Connection, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    for chunk in chunks(rows):
        connection.execute(insert(table), chunk)
