"""One object of a connected CRM: the same methods, whichever CRM it is.

    lead = crm.leads.get("00QQy00000AbCdEFGH")
    for lead in crm.leads.list(): …
    for page in crm.leads.changes(since=cursor): …; cursor = page.cursor
    crm.leads.update(lead, {"reason": "No budget"})
    results = crm.contacts.create_many([{"last_name": "Meyer", "email": "…"}, …])

What a CRM cannot hold or do is an `UnsupportedError` that names it; nothing is left out silently.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar, cast

from closedloop.crm.arguments import check_since, pair, several
from closedloop.crm.base import Refusal
from closedloop.crm.results import ChangePage, Draft, ReadResult, Verb, WriteOutcome, WriteResult
from closedloop.errors import BadValueError, ClosedLoopError, UnsupportedError
from closedloop.mapping import CrmMapping
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import ObjectType

R = TypeVar("R", bound=Record)
Values = Mapping[str, Any]
"""Our field names and values; None clears a field. Custom fields go by the names the mapping gives them."""


class Port(Protocol):
    """What an adapter gives the resources of its CRM. Any number of ids or drafts at a time: batches are
    the adapter's business. Raises only `CrmError`s, and only for what concerns the whole call;
    UnsupportedError for what the CRM cannot do with the object at all."""

    mapping: CrmMapping

    def check_writable(self, of: ObjectType) -> None:
        """UnsupportedError, which names the object, when none of its records can be written at all."""

    def checked_id(self, of: ObjectType, id: str) -> str:  # noqa: A002 - the word of the schema
        """The id in the form that records have; BadValueError for what cannot be one of the CRM's ids."""

    def read(
        self, of: ObjectType, ids: Sequence[str], fields: frozenset[str] | None = None
    ) -> Sequence[ReadResult[Record]]:
        """One result per id, in order; of these fields of ours only, if given, where that is cheaper."""

    def scan(self, of: ObjectType) -> Iterator[Sequence[Record | Refusal]]:
        """All of an object, page by page; never more than a page in memory."""

    def changed(self, of: ObjectType, since: str | datetime | None) -> Iterator[ChangePage[Record]]:
        """Everything that changed since; RefusedError for a text that is not a cursor of this object's."""

    def write(
        self, of: ObjectType, verb: Verb, drafts: Sequence[Draft], by: str | None = None
    ) -> Sequence[WriteResult]:
        """One result per draft, in order; `by` is the field of ours that finds the record to upsert.
        No two drafts have the same id."""


class Resource(Generic[R]):
    """One object of one connected CRM. Threads may share it."""

    def __init__(self, port: Port, record: type[R]) -> None:
        self.object: ObjectType = record.object
        self._port = port

    # Reading

    def get(self, id: str) -> R:  # noqa: A002 - the word of the schema
        """The record; GoneError if there is none, MergedError if it lives on under another id."""
        result = self.get_many([id])[0]
        if result.record is None:
            raise result.error or UnsupportedError(f"no {self.object} can be read by its id")
        return result.record

    def get_many(self, ids: Iterable[str]) -> builtins.list[ReadResult[R]]:
        """One result per id, in order, whatever happens to the others."""
        asked = builtins.list(several(ids, "ids"))
        checked = [self._checked(each) for each in asked]
        wanted = builtins.list(dict.fromkeys(each for each in checked if isinstance(each, str)))
        found = {result.id: result for result in self._port.read(self.object, wanted)} if wanted else {}
        return [
            cast("ReadResult[R]", found[each]) if isinstance(each, str) else ReadResult(id=given, error=each)
            for given, each in zip(asked, checked, strict=True)
        ]

    def list(self, *, on_refusal: Callable[[Refusal], None] | None = None) -> Iterator[R]:
        """Every record there is, read page by page as it is asked for.

        A payload that cannot become a record ends the reading with its NormaliseError, unless `on_refusal`
        takes it: then the reading goes on.
        """
        for page in self._port.scan(self.object):
            for each in page:
                if not isinstance(each, Refusal):
                    yield cast("R", each)
                elif on_refusal is None:
                    raise each.error
                else:
                    on_refusal(each)

    def changes(self, since: str | datetime | None = None) -> Iterator[ChangePage[R]]:
        """What was created, changed, deleted or merged since a page's `cursor` or an instant, page by page;
        None begins with everything there is. There is always at least one page."""
        check_since(since)
        return cast("Iterator[ChangePage[R]]", self._port.changed(self.object, since))

    # Writing one record

    def create(self, values: Values | Record) -> WriteResult:
        """Creates a record of these values, or with those of a record of any CRM; raises what went wrong."""
        return _raised(self.create_many([values])[0])

    def update(self, record: R | str, values: Values, *, compare: bool = True) -> WriteResult:
        """Changes these fields of a record, given itself or by its id; see `update_many`."""
        return _raised(self.update_many([(record, values)], compare=compare)[0])

    def upsert(self, values: Values | Record, *, by: str) -> WriteResult:
        """Updates the record that has this value in the field `by`, or creates it."""
        return _raised(self.upsert_many([values], by=by)[0])

    def delete(self, record: R | str) -> WriteResult:
        """Deletes a record, given itself or by its id; one that is gone already counts as deleted."""
        return _raised(self.delete_many([record])[0])

    # Writing many records: one result each, in order

    def create_many(self, values: Iterable[Values | Record]) -> builtins.list[WriteResult]:
        """Creates records; one result each, in order. What fails does not hold up the others."""
        batch = self._batch()
        for each in several(values, "records"):
            batch.add(each)
        return batch.send(Verb.CREATE)

    def update_many(
        self, changes: Iterable[tuple[R | str, Values]], *, compare: bool = True
    ) -> builtins.list[WriteResult]:
        """Changes records, given themselves or by id, to the values beside them. One result each, in order.

        Only what differs is written: from the record, if one was given, else from what the CRM holds now,
        which is read first. `compare=False` writes everything and reads nothing. The same record
        twice is written once, with the later of two values.
        """
        batch = self._batch()
        for each in several(changes, "pairs of a record and its new values"):
            record, values = pair(each)
            batch.add(values, record)
        if compare:
            batch.leave_out_unchanged()
        return batch.send(Verb.UPDATE)

    def upsert_many(self, values: Iterable[Values | Record], *, by: str) -> builtins.list[WriteResult]:
        """Updates the records that have these values in the field `by`, creates those that nobody has."""
        batch = self._batch()
        for each in several(values, "records"):
            batch.add(each)
        return batch.send(Verb.UPSERT, by=by)

    def delete_many(self, records: Iterable[R | str]) -> builtins.list[WriteResult]:
        """Deletes records, each given itself or by its id; one result each, in order."""
        batch = self._batch()
        for record in several(records, "records or ids"):
            batch.add({}, record)
        return batch.send(Verb.DELETE)

    def _batch(self) -> _Batch:
        """A batch to fill; whether the object can be written at all is told before anything else."""
        self._port.check_writable(self.object)
        return _Batch(self._port, self.object)

    def _checked(self, id: str) -> str | ClosedLoopError:  # noqa: A002 - the word of the schema
        try:
            return self._port.checked_id(self.object, id)
        except ClosedLoopError as error:
            return error


class _Unborn:
    """Stands for a record that is yet to be created. None does not: it is somebody's mistake."""


_UNBORN = _Unborn()


class _Batch:
    """Drafts on their way to the CRM, and where in the results each belongs."""

    def __init__(self, port: Port, of: ObjectType) -> None:
        self._port, self._of = port, of
        self._results: list[WriteResult | None] = []
        self._drafts: dict[str, Draft] = {}
        self._known: dict[str, Record] = {}
        self._places: dict[str, list[int]] = {}

    def add(self, values: Values | Record, record: Record | str | _Unborn = _UNBORN) -> None:
        """Takes one more record; what is wrong with it is its result."""
        place = len(self._results)
        try:
            id_ = None if isinstance(record, _Unborn) else self._identified(record)
            typed = self._port.mapping.coerce(self._of, values)
        except ClosedLoopError as error:
            self._results.append(_failed(error, record if isinstance(record, str) else None))
            return
        self._results.append(None)
        key = f"={place}" if id_ is None else id_
        before = self._drafts.get(key)
        self._drafts[key] = Draft(id=id_, values={**(before.values if before else {}), **typed})
        self._places.setdefault(key, []).append(place)
        if isinstance(record, Record):
            self._known[key] = record

    def leave_out_unchanged(self) -> None:
        """Drops what the records hold already; one that holds everything needs no writing."""
        unknown = [key for key in self._drafts if key not in self._known]
        fields = frozenset(name for key in unknown for name in self._drafts[key].values)
        if unknown:
            for result in self._port.read(self._of, unknown, fields):
                if result.record is not None:
                    self._known[result.id] = result.record
                elif result.error is not None:
                    self._settle(result.id, _failed(result.error, result.id))
        for key, draft in list(self._drafts.items()):
            changed = self._port.mapping.changed(self._known[key], draft.values)
            self._drafts[key] = Draft(id=draft.id, values=changed)
            if not changed:
                self._settle(key, WriteResult(outcome=WriteOutcome.UNCHANGED, id=draft.id))

    def send(self, verb: Verb, *, by: str | None = None) -> list[WriteResult]:
        """Writes what is left, and gives all results."""
        keys = list(self._drafts)
        if keys:
            drafts = [self._drafts[key] for key in keys]
            for key, result in zip(keys, self._port.write(self._of, verb, drafts, by), strict=True):
                self._settle(key, result)
        return [result for result in self._results if result is not None]

    def _identified(self, record: Record | str) -> str:
        if not isinstance(record, Record):
            return self._port.checked_id(self._of, record)
        crm = self._port.mapping.crm
        if record.object is not self._of or record.crm is not crm:
            given, wanted = f"{record.object.one} of {record.crm.label}'s", f"{self._of.one} of {crm.label}'s"
            raise BadValueError(f"expected {wanted}, got {given}", reason="wrong_record")
        return record.id

    def _settle(self, key: str, result: WriteResult) -> None:
        del self._drafts[key]
        for place in self._places[key]:
            self._results[place] = result


def _failed(error: ClosedLoopError, id_: str | None) -> WriteResult:
    return WriteResult(outcome=WriteOutcome.FAILED, id=id_, error=error)


def _raised(result: WriteResult) -> WriteResult:
    if result.error is not None:
        raise result.error
    return result
