"""The delete log, from which `GET sobjects/X/deleted` answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from closedloop.sandbox.salesforce.records.tables import Entry, Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """One deletion; the date is the record's SystemModstamp (SOAP API Developer Guide, GetDeletedResult)."""

    id: str
    at: datetime


class Deletions:
    """Which records were deleted when, until the log is purged."""

    def __init__(self) -> None:
        self._log: dict[str, dict[str, Deleted]] = {}
        self.purged: datetime | None = None

    def note(self, written: Iterable[Entry], tables: Tables) -> None:
        """Logs those of the rows just written that are deleted since, and forgets those that are back."""
        for sobject, record_id, _ in written:
            row = tables.get(sobject, record_id)
            if row is not None and row.get("IsDeleted"):
                entry = Deleted(id=record_id, at=row["SystemModstamp"])
                self._log.setdefault(sobject, {})[record_id] = entry
            elif record_id in self._log.get(sobject, {}):
                del self._log[sobject][record_id]

    def purge(self, at: datetime) -> None:
        """Forgets everything, as when an administrator purges the recycle bin."""
        self._log.clear()
        self.purged = at

    def between(self, sobject: str, start: datetime, end: datetime) -> list[Deleted]:
        """The deletions of the object in that time, the earliest first."""
        found = (d for d in self._log.get(sobject, {}).values() if start <= d.at <= end)
        return sorted(found, key=lambda d: (d.at, d.id))
