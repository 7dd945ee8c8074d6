"""Deals that HubSpot's Salesforce sync made from opportunities that are connected themselves."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from closedloop_server.store import edges, records
from closedloop_server.store.edges import Role
from closedloop_server.store.rows import Key


def copies(connection: Connection, subjects: Iterable[Key]) -> set[Key]:
    """Those of the subjects that are copies of an opportunity which is there.

    A deal whose opportunity is in no connected org, or was deleted there, stands for itself.
    """
    pointing = edges.out_of(connection, subjects, [Role.COPY_OF])
    there = records.present(connection, {edge.end for edge in pointing})
    return {edge.start for edge in pointing if edge.end in there}
