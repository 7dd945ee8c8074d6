"""Writes records: by collections of 200, or by a Bulk 2.0 job where that takes fewer calls.

Updates, deletions and upserts by a unique field can be repeated, so a lost answer is asked for again.
Creating cannot: what was sent without an answer is looked for by a unique field, if the record has one, and
its result is an `UncertainError` if not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from closedloop.crm.results import Draft, Verb, WriteOutcome, WriteResult
from closedloop.crm.salesforce import sheet
from closedloop.crm.salesforce.batches import Batches, Outcome
from closedloop.crm.salesforce.bulk import BULK_WRITE_FROM, Bulk, BulkError, Load
from closedloop.crm.salesforce.credentials import BulkUse
from closedloop.crm.salesforce.fetch import Fetch
from closedloop.crm.salesforce.ids import full_id
from closedloop.crm.salesforce.parcels import Packer, Parcel
from closedloop.crm.salesforce.proof import Proof
from closedloop.crm.wire import loads
from closedloop.errors import (
    AnswerError,
    ClosedLoopError,
    CrmError,
    GoneError,
    MergedError,
    RefusedError,
    RetryableError,
    UncertainError,
    UnsupportedError,
)
from closedloop.schema.vocabulary import ObjectType

if TYPE_CHECKING:
    from closedloop.crm.salesforce.client import Client
    from closedloop.crm.salesforce.describes import Field

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
_OUTCOMES: Mapping[Verb, WriteOutcome] = {
    Verb.CREATE: WriteOutcome.CREATED,
    Verb.UPDATE: WriteOutcome.UPDATED,
    Verb.UPSERT: WriteOutcome.UPDATED,
    Verb.DELETE: WriteOutcome.DELETED,
}
_Outcomes = dict[Any, Outcome]


class Save:
    """Writes to one org."""

    def __init__(
        self, client: Client, packer: Packer, fetch: Fetch, proof: Proof, bulk: Bulk, *, use: BulkUse
    ) -> None:
        self._client = client
        self._packer = packer
        self._fetch = fetch
        self._proof = proof
        self._bulk = bulk
        self._use = use

    def write(
        self, of: ObjectType, verb: Verb, drafts: Sequence[Draft], by: str | None = None
    ) -> list[WriteResult]:
        """One result per draft, in order."""
        if of in _READ_ONLY:
            raise UnsupportedError(f"{of} cannot be written: {_READ_ONLY[of]}", reason="read_only")
        key = self._packer.key_field(of, by) if by is not None else None
        packed = self._packer.pack(of, verb, drafts, by)
        parcels = [each for each in packed if isinstance(each, Parcel)]
        outcomes: _Outcomes = {}
        merged, twins = _merged(parcels)
        for source in dict.fromkeys(parcel.source for parcel in merged):
            mine = sorted((each for each in merged if each.source == source), key=lambda each: each.order)
            self._send(_Job(verb, source, key), mine, outcomes)
        self._tell_merged(verb, merged, outcomes)
        outcomes |= {place: outcomes[first] for place, first in twins.items()}
        return [
            _result(verb, draft, each if isinstance(each, ClosedLoopError) else outcomes[place])
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
        Batches(self._sender(job), _place, sent).run(again)
        crossed = [each for each in again if isinstance(sent[each.place], ClosedLoopError)]
        found = self._proof.created(job.source, crossed, within=time.monotonic() - began)
        outcomes.update(sent | found)

    def _sender(self, job: _Job) -> Callable[[Sequence[Parcel]], Any]:
        match job.verb:
            case Verb.CREATE:
                return self._create
            case Verb.UPDATE:
                return self._update
            case Verb.DELETE:
                return self._delete
            case Verb.UPSERT:
                return lambda parcels: self._upsert(job, parcels)

    def _create(self, parcels: Sequence[Parcel]) -> Any:
        try:
            return self._collection("POST", "composite/sobjects", parcels, repeatable=False)
        except AnswerError as error:  # not Salesforce's words: nobody knows what became of the records
            raise UncertainError(error.message, reason=error.reason, status=error.status) from error

    def _update(self, parcels: Sequence[Parcel]) -> Any:
        return self._collection("PATCH", "composite/sobjects", parcels, repeatable=True)

    def _upsert(self, job: _Job, parcels: Sequence[Parcel]) -> Any:
        """By a field that is not unique, two that cross could both create: then it is not repeated."""
        assert job.key is not None  # noqa: S101 - only an upsert comes here
        path = f"composite/sobjects/{job.source}/{job.key.name}"
        return self._collection("PATCH", path, parcels, repeatable=job.key.unique or job.key.type == "id")

    def _collection(self, method: str, path: str, parcels: Sequence[Parcel], *, repeatable: bool) -> Any:
        records = [{"attributes": {"type": each.source}, **_record(each, id_name="id")} for each in parcels]
        body = {"allOrNone": False, "records": records}
        return loads(self._client.request(method, path, body=body, repeatable=repeatable).body)

    def _delete(self, parcels: Sequence[Parcel]) -> Any:
        params = {"ids": ",".join(parcel.id or "" for parcel in parcels), "allOrNone": "false"}
        return loads(self._client.request("DELETE", "composite/sobjects", params=params).body)

    # Afterwards

    def _tell_merged(self, verb: Verb, parcels: Iterable[Parcel], outcomes: _Outcomes) -> None:
        """Says of records that are gone into which they were merged, if they were."""
        if verb is Verb.DELETE:
            return
        gone = [each for each in parcels if each.id and isinstance(outcomes[each.place], GoneError)]
        for source in dict.fromkeys(parcel.source for parcel in gone):
            fates = self._fetch.fates(source, [each.id for each in gone if each.id and each.source == source])
            for parcel in gone:
                fate = fates.get(parcel.id or "")
                if isinstance(fate, MergedError):
                    outcomes[parcel.place] = fate


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


def _result(verb: Verb, draft: Draft, outcome: Outcome | ClosedLoopError) -> WriteResult:
    if isinstance(outcome, GoneError) and verb is Verb.DELETE:
        return WriteResult(outcome=WriteOutcome.DELETED, id=draft.id)
    if isinstance(outcome, UncertainError) and verb in {Verb.UPDATE, Verb.DELETE}:
        outcome = RetryableError(
            outcome.message, reason=outcome.reason, status=outcome.status, code=outcome.code
        )
    if isinstance(outcome, ClosedLoopError):
        return WriteResult(outcome=WriteOutcome.FAILED, id=draft.id, error=outcome)
    created = verb is Verb.UPSERT and outcome.get("created") is True
    made = full_id(outcome.get("id")) if outcome.get("id") else draft.id
    return WriteResult(outcome=WriteOutcome.CREATED if created else _OUTCOMES[verb], id=made)
