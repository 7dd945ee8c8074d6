"""Changes and deletes records in batches, and keeps what becomes of each."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from closedloop.crm.hubspot.answers import Json
from closedloop.crm.hubspot.batches import unanswered
from closedloop.crm.hubspot.calls import CAMPAIGN_CHUNK, CHUNK
from closedloop.crm.hubspot.fetch import IDENTITY, Fetch
from closedloop.crm.hubspot.ids import id_of
from closedloop.crm.hubspot.sending import Sending
from closedloop.crm.hubspot.values import Prepared
from closedloop.crm.results import Draft, WriteOutcome, WriteResult
from closedloop.errors import (
    ClosedLoopError,
    CrmError,
    GoneError,
    MergedError,
    RefusedError,
    UnsupportedError,
)
from closedloop.schema.vocabulary import ObjectType

_O = ObjectType


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One draft on its way: `place` is its place in what was given, `key` the value to upsert by."""

    place: int
    id: str | None
    prepared: Prepared
    key: str = ""
    associations: tuple[Mapping[str, Any], ...] = ()

    @property
    def properties(self) -> dict[str, str]:
        """The properties to set."""
        return dict(self.prepared.properties)

    def input(self) -> Json:
        """The row as the batch calls that name records by their ids take it."""
        return {"id": str(self.id), "properties": self.properties}


class Ledger:
    """The results of one write, and the error that has ended it, if one has."""

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self._drafts = drafts
        self._results: list[WriteResult | None] = [None] * len(drafts)
        self.stopped: CrmError | None = None

    def settle(self, place: int, result: WriteResult) -> None:
        """Notes what became of the draft at this place."""
        self._results[place] = result

    def done(self, place: int, outcome: WriteOutcome, id_: str | None) -> None:
        """Notes that the draft was written."""
        self.settle(place, WriteResult(outcome=outcome, id=id_))

    def fail(self, place: int, error: ClosedLoopError, id_: str | None = None) -> None:
        """Notes why the draft was not written."""
        self.settle(place, WriteResult(outcome=WriteOutcome.FAILED, id=id_, error=error))

    def result(self, place: int) -> WriteResult | None:
        """What is noted so far."""
        return self._results[place]

    def run(self, sending: Sending[Row], rows: Sequence[Row], size: int = CHUNK) -> None:
        """Sends rows, unless the writing has been ended, and notes what ends it."""
        sending.stopped = self.stopped
        sending.send_all(rows, size)
        self.stopped = sending.stopped

    def results(self) -> list[WriteResult]:
        """One result per draft; raises the error that ended the writing before anything was settled."""
        if self.stopped is not None and not any(self._results):
            raise self.stopped
        return [
            result or WriteResult(outcome=WriteOutcome.FAILED, id=draft.id, error=self.stopped)
            for draft, result in zip(self._drafts, self._results, strict=True)
        ]


def concerns_one(error: ClosedLoopError) -> bool:
    """Whether the error is about one record: no connection, credentials or allowance would fail them all."""
    return isinstance(error, RefusedError) or not isinstance(error, CrmError)


def partly(error: ClosedLoopError, what: str) -> ClosedLoopError:
    """The error of a record of which everything but `what` is written already.

    One that passes stays what it is: doing all of it again does no harm. A refusal of `what` is none of the
    record: a contact is not gone because the company that it was to belong to is.
    """
    message = f"everything but {what} was written: {error.message}"
    if isinstance(error, RefusedError | UnsupportedError):
        return RefusedError(message, reason="partly_written")
    told = copy.copy(error)
    told.message, told.args = message, (message,)
    return told


def update(fetch: Fetch, of: ObjectType, source: str, rows: Sequence[Row], ledger: Ledger) -> None:
    """Changes records. One that was merged away is changed in the one that it lives on in."""
    client, is_campaign = fetch.reader.client, of is _O.CAMPAIGN

    def call(inputs: Sequence[Json]) -> Any:
        return client.update_campaigns(inputs) if is_campaign else client.update(source, inputs)

    sending = Sending[Row](send=call, of=Row.input, settle=_settling(ledger, WriteOutcome.UPDATED))
    ledger.run(sending, rows, CAMPAIGN_CHUNK if is_campaign else CHUNK)


def upsert(fetch: Fetch, source: str, key: str, rows: Sequence[Row], ledger: Ledger) -> None:
    """Changes the records that the property finds and creates the others. Of rows with the same value there
    the last one's others win, because HubSpot refuses a batch that names a record twice."""
    same: dict[str, list[Row]] = {}
    for row in rows:
        same.setdefault(row.key.casefold(), []).append(row)

    def of(row: Row) -> Json:
        each = same[row.key.casefold()]
        values = {name: value for one in each for name, value in one.properties.items()}
        return {"id": row.key, "idProperty": key, "properties": values}

    def settle(row: Row, result: Json | None, error: CrmError | None) -> None:
        outcome = WriteOutcome.CREATED if result and result.get("new") is True else WriteOutcome.UPDATED
        for each in same[row.key.casefold()]:
            _settling(ledger, outcome)(each, result, error)

    sending = Sending[Row](
        send=lambda inputs: fetch.reader.client.upsert(source, inputs),
        of=of,
        settle=settle,
        id_property=key,
    )
    ledger.run(sending, [each[0] for each in same.values()])


def delete(fetch: Fetch, of: ObjectType, source: str, rows: Sequence[Row], ledger: Ledger) -> None:
    """Archives records. They are looked for first: the id of one that was merged away stands for the one that
    it lives on in, which nobody asked to delete. Campaigns are never merged."""
    client, is_campaign = fetch.reader.client, of is _O.CAMPAIGN
    if ledger.stopped is not None:
        return

    def call(inputs: Sequence[Json]) -> Any:
        ids = [str(each["id"]) for each in inputs]
        client.archive_campaigns(ids) if is_campaign else client.archive(source, ids)
        return {"results": list(inputs)}  # HubSpot says nothing: 204, whatever became of them

    try:
        live = list(rows) if is_campaign else _live(fetch, of, source, rows, ledger)
    except CrmError as error:  # of activities those of another kind may have been deleted already
        ledger.stopped = error
        return
    sending = Sending[Row](send=call, of=Row.input, settle=_settling(ledger, WriteOutcome.DELETED))
    ledger.run(sending, live, CAMPAIGN_CHUNK if is_campaign else CHUNK)


def _live(fetch: Fetch, of: ObjectType, source: str, rows: Sequence[Row], ledger: Ledger) -> list[Row]:
    """The rows of records that are there under their own ids; the others are settled."""
    live: list[Row] = []
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        errors = fetch.look(of, source, [str(row.id) for row in chunk], wanted=IDENTITY).errors
        for row in chunk:
            error = errors.get(str(row.id))
            if error is None:
                live.append(row)
            elif isinstance(error, GoneError) and not isinstance(error, MergedError):
                ledger.done(row.place, WriteOutcome.DELETED, row.id)
            else:
                ledger.fail(row.place, error, row.id)
    return live


def _settling(ledger: Ledger, outcome: WriteOutcome) -> Callable[[Row, Json | None, CrmError | None], None]:
    def settle(row: Row, result: Json | None, error: CrmError | None) -> None:
        id_ = id_of(result) or row.id
        if error is None and id_ is not None:
            ledger.done(row.place, outcome, id_)
        else:
            ledger.fail(row.place, error or unanswered(), row.id)

    return settle
