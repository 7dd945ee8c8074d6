"""What changed in a stretch of time: `GET sobjects/X/updated` and `…/deleted`.

REST API Developer Guide, "sObject Get Updated" and "sObject Get Deleted"; SOAP API Developer Guide,
"getUpdated()", "GetDeletedResult", "Polling for Changes". The codes are theirs; the messages that go with
INVALID_REPLICATION_DATE, and what a missing or unreadable date is answered with, are unverified.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta

from closedloop.sandbox.salesforce.records.values import parse_datetime, to_json
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.schema.sobject import SObject

_MOST_IDS = 600_000
_UPDATES_KEPT = timedelta(days=30)
_DELETIONS_KEPT = timedelta(days=15)


class Replication:
    """The two endpoints. Lower `most` to bring the limit of ids near."""

    def __init__(self) -> None:
        self.most = _MOST_IDS

    def updated(self, call: Call) -> Answer:
        """The ids of the records made or changed in the time, deleted ones left out."""
        kind = _replicable(call)
        start, end = _window(call, _UPDATES_KEPT)
        stamps, rows = call.org.tables.ordered(kind.name, "SystemModstamp")
        window = rows[bisect_left(stamps, start) : bisect_right(stamps, end)]
        ids = sorted(row["Id"] for row in window if not row.get("IsDeleted"))
        self._check(len(ids))
        return Answer(body={"ids": ids, "latestDateCovered": to_json(_covered(call, end))})

    def deleted(self, call: Call) -> Answer:
        """The ids of the records deleted in the time, and when each was."""
        kind = _replicable(call)
        start, end = _window(call, _DELETIONS_KEPT)
        purged = call.org.deletions.purged
        if purged is not None and start < purged:
            raise _bad_date("startDate is before the earliest date available: the delete log was purged")
        found = call.org.deletions.between(kind.name, start, end)
        self._check(len(found))
        earliest = purged or _minute(call.org.clock()) - _DELETIONS_KEPT
        return Answer(
            body={
                "deletedRecords": [{"deletedDate": to_json(d.at), "id": d.id} for d in found],
                "earliestDateAvailable": to_json(earliest),
                "latestDateCovered": to_json(_covered(call, end)),
            }
        )

    def _check(self, count: int) -> None:
        if count > self.most:
            message = f"The number of ids exceeds {self.most}: choose dates that are closer together."
            raise Refusal("EXCEEDED_ID_LIMIT", message)


def _replicable(call: Call) -> SObject:
    kind = call.kind()
    if not kind.replicable:
        raise Refusal("INVALID_TYPE", f"sObject type '{kind.name}' is not replicable.")
    return kind


def _window(call: Call, kept: timedelta) -> tuple[datetime, datetime]:
    # "The API truncates the seconds portion of dateTime values" (Polling for Changes).
    start, end = _minute(_date(call, "start")), _minute(_date(call, "end"))
    if start >= end:
        raise _bad_date("startDate must be at least one minute before endDate")
    if start < _minute(call.org.clock()) - kept:
        raise _bad_date(f"startDate cannot be more than {kept.days} days ago")
    return start, end


def _date(call: Call, name: str) -> datetime:
    # A plus sign that was not encoded arrives as a blank.
    found = parse_datetime((call.argument(name) or "").replace(" ", "+"))
    if found is None:
        raise Refusal("MALFORMED_QUERY", f"{name} must be a date and time with its offset")
    return found


def _covered(call: Call, end: datetime) -> datetime:
    # While a transaction runs, nothing after its start is sure (Help 000199029).
    return min(end, _minute(call.org.covered()))


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


def _bad_date(message: str) -> Refusal:
    return Refusal("INVALID_REPLICATION_DATE", message)
