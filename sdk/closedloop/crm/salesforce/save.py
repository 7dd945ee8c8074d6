"""Writes records: by collections of 200, or by a Bulk 2.0 job where that takes fewer calls.

Updates, deletions and upserts by a unique field can be repeated, so a lost answer is asked for again.
Creating cannot: what was sent without an answer is looked for by a unique field, if the record has one, and
its result is an `UncertainError` if not.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from closedloop.crm.results import Draft, Verb, WriteResult
from closedloop.crm.salesforce import sheet
from closedloop.crm.salesforce.batches import Batches, Outcome, Row, rows_of
from closedloop.crm.salesforce.bulk import BULK_WRITE_FROM, Bulk, BulkError, Load
from closedloop.crm.salesforce.credentials import BulkUse
from closedloop.crm.salesforce.fetch import Fetch
from closedloop.crm.salesforce.outcomes import fate_of, is_gone, is_stale, reference_gone, result
from closedloop.crm.salesforce.parcels import Packer, Parcel
from closedloop.crm.salesforce.proof import Proof
from closedloop.crm.salesforce.statuses import Statuses
from closedloop.errors import (
    AnswerError,
    ClosedLoopError,
    CrmError,
    RefusedError,
    RetryableError,
    UncertainError,
    UnsupportedError,
)
from closedloop.schema.vocabulary import ObjectType

if TYPE_CHECKING:
    from closedloop.crm.salesforce.client import Client
    from closedloop.crm.salesforce.describes import Field

log = logging.getLogger(__name__)

_READ_ONLY: Mapping[ObjectType, str] = {
    ObjectType.USER: "users are made and changed in Salesforce's Setup: each one takes a licence",
    ObjectType.STAGE: "stages are values of a picklist: change them in Salesforce's Setup",
}
_OPERATIONS: Mapping[Verb, str] = {
    Verb.CREATE: "insert",
    Verb.UPDATE: "update",
    Verb.UPSERT: "upsert",
    Verb.DELETE: "delete",
}
_Outcomes = dict[Any, Outcome]


class Save:
    """Writes to one org."""

    def __init__(
        self, client: Client, packer: Packer, fetch: Fetch, proof: Proof, bulk: Bulk, *, use: BulkUse
    ) -> None:
        self._client = client
        self._statuses = Statuses(client)
        self._packer = packer
        self._fetch = fetch
        self._proof = proof
        self._bulk = bulk
        self._use = use

    def check_writable(self, of: ObjectType) -> None:
        """UnsupportedError when no record of the object can be written."""
        if of in _READ_ONLY:
            raise UnsupportedError(f"no {of} can be written: {_READ_ONLY[of]}", reason="read_only")

    def write(
        self, of: ObjectType, verb: Verb, drafts: Sequence[Draft], by: str | None = None
    ) -> list[WriteResult]:
        """One result per draft, in order."""
        self.check_writable(of)
        results = self._written(of, verb, drafts, by)
        stale = [place for place, each in enumerate(results) if is_stale(each.error)]
        if stale:  # Nothing of those requests was done; described anew, only who names the field is refused.
            self._packer.forget()
            with suppress(CrmError):  # then the first answers stand
                again = self._written(of, verb, [drafts[place] for place in stale], by)
                for place, each in zip(stale, again, strict=True):
                    results[place] = each
        return results

    def _written(
        self, of: ObjectType, verb: Verb, drafts: Sequence[Draft], by: str | None
    ) -> list[WriteResult]:
        key = self._packer.key_field(of, by) if by is not None else None
        packed = self._packer.pack(of, verb, drafts, by)
        parcels = [each for each in packed if isinstance(each, Parcel)]
        refused, outcomes = self._statuses.refused(parcels), _Outcomes()
        merged, twins = _merged([each for each in parcels if each.place not in refused])
        for source in dict.fromkeys(parcel.source for parcel in merged):
            mine = sorted((each for each in merged if each.source == source), key=lambda each: each.order)
            self._send(_Job(verb, source, key), mine, outcomes)
        self._explain_gone(verb, merged, outcomes)
        outcomes |= {place: outcomes[first] for place, first in twins.items()} | refused
        return [
            result(verb, draft, each if isinstance(each, ClosedLoopError) else outcomes[place])
            for place, (draft, each) in enumerate(zip(drafts, packed, strict=True))
        ]

    def _send(self, job: _Job, parcels: Sequence[Parcel], outcomes: _Outcomes) -> None:
        """Gives each parcel an outcome. An error that ends everything is raised if nothing was done before,
        else it is the outcome of what is left."""
        try:
            rest = self._by_bulk(job, parcels, outcomes)
            self._by_collections(job, rest, outcomes)
        except CrmError as error:
            if not outcomes:
                raise
            outcomes.update((each.place, error) for each in parcels if each.place not in outcomes)

    # Jobs

    def _by_bulk(self, job: _Job, parcels: Sequence[Parcel], outcomes: _Outcomes) -> Sequence[Parcel]:
        """Writes what a job can, if it is enough for one; returns what is left for collections."""
        fit = [parcel for parcel in parcels if sheet.fits(parcel.fields)]
        wanted = self._use is BulkUse.ALWAYS or (self._use is BulkUse.AUTO and len(fit) >= BULK_WRITE_FROM)
        if not (wanted and fit):
            return parcels
        loaded = self._bulk.ingest(
            Load(
                sobject=job.source,
                operation=_OPERATIONS[job.verb],
                key=job.telling,
                external_id=job.key.name if job.key else None,
                exact=job.key is None or job.key.case_sensitive,
            ),
            [_record(parcel, id_name="Id") for parcel in fit],
        )
        for at, outcome in loaded.results.items():
            if not isinstance(outcome, RetryableError):  # a locked record is sent again by itself
                outcomes[fit[at].place] = outcome
        if loaded.why is not None and not isinstance(loaded.why, RefusedError) and not loaded.results:
            raise loaded.why
        if loaded.why is not None and not (isinstance(loaded.why, BulkError) and self._use is BulkUse.AUTO):
            outcomes.update((fit[at].place, loaded.why) for at in loaded.untouched)
        return [parcel for parcel in parcels if parcel.place not in outcomes]

    # Collections

    def _by_collections(self, job: _Job, parcels: Sequence[Parcel], outcomes: _Outcomes) -> None:
        began = time.monotonic()
        Batches(self._sender(job), _place, outcomes).run(parcels)
        lost = [each for each in parcels if isinstance(outcomes[each.place], UncertainError)]
        provable = [each for each in lost if job.verb is Verb.CREATE and self._proof.field(each)]
        if provable:
            self._prove(job, provable, outcomes, began)

    def _prove(self, job: _Job, lost: Sequence[Parcel], outcomes: _Outcomes, began: float) -> None:
        """Finds out what became of records whose creation was not answered, and creates those that are
        not there. Their unique field lets Salesforce itself refuse the second of two that cross."""
        made = self._proof.created(job.source, lost, within=time.monotonic() - began)
        outcomes.update(made)
        again = [each for each in lost if each.place not in made]
        sent: _Outcomes = {}
        try:
            Batches(self._sender(job), _place, sent).run(again)
        finally:
            outcomes.update(sent)
        crossed = [each for each in again if isinstance(sent[each.place], ClosedLoopError)]
        outcomes.update(self._proof.created(job.source, crossed, within=time.monotonic() - began))

    def _sender(self, job: _Job) -> Callable[[Sequence[Parcel]], Sequence[Row]]:
        match job.verb:
            case Verb.CREATE:
                return self._create
            case Verb.UPDATE:
                return self._update
            case Verb.DELETE:
                return self._delete
            case Verb.UPSERT:
                return lambda parcels: self._upsert(job, parcels)

    def _create(self, parcels: Sequence[Parcel]) -> list[Row]:
        return self._collection("POST", "composite/sobjects", parcels, repeatable=False)

    def _update(self, parcels: Sequence[Parcel]) -> list[Row]:
        return self._collection("PATCH", "composite/sobjects", parcels, repeatable=True)

    def _upsert(self, job: _Job, parcels: Sequence[Parcel]) -> list[Row]:
        """By a field that is not unique, two that cross could both create: then it is not repeated."""
        assert job.key is not None  # noqa: S101 - only an upsert comes here
        path = f"composite/sobjects/{job.source}/{job.key.name}"
        return self._collection("PATCH", path, parcels, repeatable=job.key.unique or job.key.type == "id")

    def _collection(
        self, method: str, path: str, parcels: Sequence[Parcel], *, repeatable: bool
    ) -> list[Row]:
        records = [{"attributes": {"type": each.source}, **_record(each, id_name="id")} for each in parcels]
        body = {"allOrNone": False, "records": records}
        try:
            answer = self._client.request(method, path, body=body, repeatable=repeatable)
            return rows_of(answer.body, len(parcels))
        except AnswerError as error:
            if repeatable:
                raise
            # Not Salesforce's words: nobody knows what became of the records.
            raise UncertainError(error.message, reason=error.reason, status=error.status) from error

    def _delete(self, parcels: Sequence[Parcel]) -> list[Row]:
        params = {"ids": ",".join(parcel.id or "" for parcel in parcels), "allOrNone": "false"}
        answer = self._client.request("DELETE", "composite/sobjects", params=params)
        return rows_of(answer.body, len(parcels))

    # Afterwards

    def _explain_gone(self, verb: Verb, parcels: Iterable[Parcel], outcomes: _Outcomes) -> None:
        """Says where something is gone what it is: Salesforce's words are the same for a record, which may
        live on in another one, and for one that its values name, such as a campaign."""
        gone = [each for each in parcels if is_gone(outcomes[each.place])]
        if verb is Verb.CREATE:
            outcomes.update((each.place, reference_gone(outcomes[each.place])) for each in gone)
        if verb is not Verb.UPDATE:
            return
        for source in dict.fromkeys(parcel.source for parcel in gone):
            mine = {each.id: each.place for each in gone if each.id and each.source == source}
            try:
                fates = self._fetch.fates(source, list(mine))
            except CrmError as error:  # what was written before has to be told all the same
                log.warning("what became of %d records of %s cannot be asked: %s", len(mine), source, error)
                continue
            for record_id, place in mine.items():
                outcomes[place] = fate_of(fates.get(record_id), outcomes[place])


class _Job:
    """What is done with the records of one object; `key` is the field that they are upserted by."""

    def __init__(self, verb: Verb, source: str, key: Field | None) -> None:
        self.verb = verb
        self.source = source
        self.key = key

    @property
    def telling(self) -> str:
        """The field that tells one record from another; empty if only all of them do."""
        if self.key is not None:
            return self.key.name
        return "" if self.verb is Verb.CREATE else "Id"


def _merged(parcels: Sequence[Parcel]) -> tuple[list[Parcel], dict[int, int]]:
    """The parcels, those for one key as one with the later of two values (Salesforce refuses a key that
    comes twice in a request: DUPLICATE_VALUE, "Duplicate external id specified"), and whose outcome they
    share."""
    firsts: dict[tuple[str, str], Parcel] = {}
    twins: dict[int, int] = {}
    found: dict[int, Parcel] = {}
    for parcel in parcels:
        first = firsts.setdefault((parcel.source, parcel.key), parcel) if parcel.key else parcel
        if first is parcel:
            found[parcel.place] = parcel
        else:
            twins[parcel.place] = first.place
            found[first.place] = found[first.place].with_fields(parcel.fields)
    return list(found.values()), twins


def _record(parcel: Parcel, *, id_name: str) -> dict[str, Any]:
    return {**({id_name: parcel.id} if parcel.id else {}), **parcel.fields}


def _place(parcel: Parcel) -> int:
    return parcel.place
