"""Transactions that stay open: what they wrote is stamped with its time, and seen only later.

A real row appears when its transaction commits, with the SystemModstamp of the write: a reader that asks for
what changed "since" may have passed that instant already (reference: Read consistency).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.refusal import Refusal

Written = list[tuple[str, Row]]
"""Rows as a transaction left them, each with its object's name."""


@dataclass(slots=True, kw_only=True, eq=False)
class OpenTransaction:
    """Writes that nobody sees yet. `until` is when they commit by themselves; None waits for `commit`."""

    started: datetime
    until: datetime | None
    land: Callable[[OpenTransaction], None]
    rows: Written = field(default_factory=list)
    fired: list[tuple[str, str]] = field(default_factory=list)

    def commit(self) -> None:
        """Makes the writes visible, and fires their flows. Safe to repeat."""
        self.land(self)


class Unfinished:
    """The transactions that are open. Its callers hold the org's lock."""

    def __init__(self) -> None:
        self._open: list[OpenTransaction] = []

    def add(self, transaction: OpenTransaction) -> None:
        """Keeps it open."""
        self._open.append(transaction)

    def close(self, transaction: OpenTransaction) -> bool:
        """Takes it out; False when it was closed before."""
        if transaction not in self._open:
            return False
        self._open.remove(transaction)
        return True

    def due(self, now: datetime) -> Iterable[OpenTransaction]:
        """Those whose time has come, in the order they were begun."""
        return [t for t in self._open if t.until is not None and t.until <= now]

    def check(self, record_id: str) -> None:
        """Refuses to write a record that an open transaction holds."""
        if any(row["Id"] == record_id for t in self._open for _, row in t.rows):
            raise locked()

    def oldest(self) -> datetime | None:
        """When the longest-running one began."""
        return min((t.started for t in self._open), default=None)


class Locks:
    """Records that somebody else holds for the next few attempts to write them."""

    def __init__(self) -> None:
        self._held: dict[str, int] = {}

    def hold(self, record_id: str, times: int) -> None:
        """Refuses the next `times` writes of the record."""
        self._held[record_id] = times

    def check(self, record_id: str) -> None:
        """Refuses if it is held, which uses one of the times up."""
        left = self._held.pop(record_id, 0)
        if left > 1:
            self._held[record_id] = left - 1
        if left:
            raise locked()


def locked() -> Refusal:
    """The refusal of a write that waited too long for a lock (reference: Retry table)."""
    return Refusal("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", fields=[])
