"""Every version of the mappings that ever judged anything here, whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from closedloop.errors import MappingError
from closedloop.mapping import Mappings, mappings_from
from closedloop_server.store.rows import upsert
from closedloop_server.store.tables import mapping_versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of the mappings; `name` is the digest of its files."""

    name: str
    first_used_at: datetime


def keep(connection: Connection, mappings: Mappings, *, now: datetime) -> None:
    """Keeps the text of these mappings, unless it is kept already."""
    known = select(mapping_versions.c.version).where(mapping_versions.c.version == mappings.version)
    if connection.scalar(known) is None:
        row = {"version": mappings.version, "files": dict(mappings.files), "first_used_at": now}
        upsert(connection, mapping_versions, [row], keep=("first_used_at",))


def all_of(connection: Connection) -> tuple[Version, ...]:
    """Every version that is kept, the oldest first."""
    here = mapping_versions.c
    query = select(here.version, here.first_used_at).order_by(here.first_used_at, here.version)
    return tuple(
        Version(name=row.version, first_used_at=row.first_used_at) for row in connection.execute(query)
    )


def load(connection: Connection, name: str) -> Mappings | None:
    """The mappings of a version that is kept, else None."""
    files = _files(connection, name)
    # Under an overlay the text is the same mapping, and not the same bytes: the name is what it was used as.
    return None if files is None else replace(mappings_from(files), version=name)


def is_whole(connection: Connection, name: str) -> bool:
    """Whether the text of a version is kept, and still makes mappings."""
    try:
        return load(connection, name) is not None
    except MappingError:
        return False


def _files(connection: Connection, name: str) -> dict[str, str] | None:
    return connection.scalar(select(mapping_versions.c.files).where(mapping_versions.c.version == name))
