"""Which campaigns touched the people behind a subject, each human being once per campaign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection

from closedloop.loop.attribution import CampaignKey, Touch
from closedloop.schema.records import CampaignMember, TouchPosition
from closedloop.schema.vocabulary import ObjectType
from closedloop_server.store import edges, records
from closedloop_server.store.derived import Link, Membership, Person
from closedloop_server.store.edges import Role
from closedloop_server.store.rows import Key

_FAR = datetime.max.replace(tzinfo=UTC)
_SURENESS = tuple(Link)

Members = Mapping[Key, tuple[CampaignMember, ...]]
"""The campaign members of each person."""


def members_of(connection: Connection, people: Iterable[Key]) -> Members:
    """The campaign members, deleted ones left out, of each of these people."""
    found = edges.into(connection, people, [Role.LEAD, Role.CONTACT], objects=[ObjectType.CAMPAIGN_MEMBER])
    rows = records.fetch(connection, {edge.start for edge in found})
    members: dict[Key, list[CampaignMember]] = {}
    for edge in sorted(found):
        record = rows[edge.start]
        if isinstance(record, CampaignMember):
            members.setdefault(edge.end, []).append(record)
    return {person: tuple(each) for person, each in members.items()}


def memberships(people: Iterable[Person], members: Members) -> dict[Membership, CampaignMember]:
    """Every campaign member of these people, each once: with the person found most surely."""
    found: dict[tuple[str, str], tuple[Membership, CampaignMember]] = {}
    surest = sorted(people, key=lambda person: (_SURENESS.index(person.link), person))
    for person in surest:
        for member in members.get(person.key, ()):
            membership = Membership(
                campaign=CampaignKey(person.key.connection, member.campaign_id),
                member_id=member.id,
                person=person.key,
                link=person.link,
                at=member.touched_at,
            )
            found.setdefault((person.key.connection, member.id), (membership, member))
    return dict(found.values())


def counted(people: Iterable[Person], found: Mapping[Membership, CampaignMember]) -> list[Touch]:
    """The touches as attribution counts them: one per human being and campaign, the earliest."""
    human_of = {person.key: person.human for person in people}
    first: dict[tuple[int, CampaignKey], Touch] = {}
    for membership in sorted(found, key=lambda each: (each.at or _FAR, each.campaign, each.member_id)):
        human = human_of[membership.person]
        touch = Touch(
            campaign=membership.campaign,
            person=str(human),
            at=membership.at,
            position=found[membership].position or TouchPosition.UNKNOWN,
        )
        first.setdefault((human, membership.campaign), touch)
    return list(first.values())
