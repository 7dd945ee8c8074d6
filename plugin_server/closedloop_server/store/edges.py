"""How records point at each other, and the people behind a lead or an opportunity that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, bindparam, delete, select

from closedloop.schema.vocabulary import ObjectType
from closedloop_server.store.rows import Key, among_keys, insert_all, is_among_keys, key_of, key_values
from closedloop_server.store.tables import edges, records


class Role(StrEnum):
    """As what one record points at another."""

    CAMPAIGN = "campaign"
    LEAD = "lead"
    CONTACT = "contact"
    OPPORTUNITY = "opportunity"
    CONVERTED_CONTACT = "converted_contact"
    SAME_PERSON = "same_person"  # an id that the CRMs' own sync wrote
    COPY_OF = "copy_of"  # likewise: the deal is only a copy of the other CRM's opportunity


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """`start` points at `end`."""

    start: Key
    role: Role
    end: Key


def replace(connection: Connection, starts: Iterable[Key], found: Sequence[Edge]) -> None:
    """Makes `found` all the edges that these records have."""
    for values in among_keys(starts):
        connection.execute(_REMOVED, values)
    _insert(connection, found)


def _insert(connection: Connection, found: Iterable[Edge]) -> None:
    rows = [
        {**key_values(edge.start), "role": edge.role.value, **key_values(edge.end, "to_")}
        for edge in sorted(set(found))
    ]
    insert_all(connection, edges, rows)


def add(connection: Connection, found: Sequence[Edge]) -> None:
    """Lets records point at more than they do already."""
    new = set(found) - set(out_of(connection, {edge.start for edge in found}))
    _insert(connection, new)


def out_of(connection: Connection, starts: Iterable[Key], roles: Sequence[Role] = tuple(Role)) -> list[Edge]:
    """The edges that these records have."""
    wanted = {"roles": [role.value for role in roles]}
    return [
        _edge(row) for values in among_keys(starts) for row in connection.execute(_OUT_OF, values | wanted)
    ]


def into(
    connection: Connection,
    ends: Iterable[Key],
    roles: Sequence[Role] = tuple(Role),
    *,
    objects: Sequence[ObjectType] = tuple(ObjectType),
) -> list[Edge]:
    """The edges that records of these objects have to `ends`; a deleted record points at nothing."""
    wanted = {"roles": [role.value for role in roles], "objects": [object_.value for object_ in objects]}
    return [_edge(row) for values in among_keys(ends) for row in connection.execute(_INTO, values | wanted)]


def pointing_at(connection: Connection, ends: Iterable[Key], roles: Sequence[Role]) -> list[Edge]:
    """The edges that records have to `ends`, those of deleted records too."""
    wanted = {"roles": [role.value for role in roles]}
    return [
        _edge(row) for values in among_keys(ends) for row in connection.execute(_POINTING_AT, values | wanted)
    ]


_REMOVED = delete(edges).where(is_among_keys(edges))

_OF_ROLES = edges.c.role.in_(bindparam("roles", expanding=True))

_OUT_OF = select(edges).where(is_among_keys(edges), _OF_ROLES)

_POINTING_AT = select(edges).where(is_among_keys(edges, "to_"), _OF_ROLES)

_INTO = (
    select(edges)
    .join(
        records,
        (records.c.connection == edges.c.connection)
        & (records.c.object == edges.c.object)
        & (records.c.crm_id == edges.c.crm_id),
    )
    .where(
        is_among_keys(edges, "to_"),
        _OF_ROLES,
        edges.c.object.in_(bindparam("objects", expanding=True)),
        records.c.deleted.is_(False),
    )
)


def _edge(row: object) -> Edge:
    return Edge(key_of(row), Role(row.role), key_of(row, "to_"))  # type: ignore[attr-defined]  # a Row
