"""What others may have to hear of a judgement: called by the loop in the transaction that writes it down."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from closedloop_server.pipeline.judge import Verdict
from closedloop_server.services import Services
from closedloop_server.store.ledger import Entry
from closedloop_server.store.rows import Key
from closedloop_server.subscriptions import breaches, decisions


def follow(
    connection: Connection, services: Services, verdicts: Mapping[Key, Verdict], added: Mapping[Key, Entry]
) -> None:
    """Writes the events of what was added to the ledger, and the deadlines of the leads that were judged."""
    decisions.announce(connection, services, added, verdicts)
    breaches.follow(connection, services, verdicts)
