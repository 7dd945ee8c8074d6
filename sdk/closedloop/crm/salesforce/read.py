"""Reads objects by id, with all that the loop needs to judge them, in as few API requests as it takes.

Each round asks for everything that is known to be needed, five queries to a request; its rows name what
the next round needs: a lead's members, their campaigns, the contact it became, and that contact's members.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from closedloop.crm.base import Batch, Refusal
from closedloop.crm.currency import priced
from closedloop.crm.salesforce.describes import Describes
from closedloop.crm.salesforce.ids import full_id
from closedloop.crm.salesforce.needs import Need, belonging, followed
from closedloop.crm.salesforce.soql import Question, chunks, one_of, select
from closedloop.errors import AnswerError, NormaliseError, RefusedError
from closedloop.mapping import CrmMapping
from closedloop.mapping.page import Misfit
from closedloop.schema.records import (
    Record,
    Ref,
)
from closedloop.schema.vocabulary import ObjectType

if TYPE_CHECKING:
    from closedloop.crm.salesforce.client import Client

T = TypeVar("T")

_IDS_PER_QUERY = 200
_ALWAYS = ("Id", "IsDeleted", "MasterRecordId", "SystemModstamp")
"""Asked of every object that has them, whatever the mapping says: they tell what became of a row."""

_CURRENCY = "CurrencyIsoCode"
"""Exists in orgs with several currencies only: nobody is to be told that it lacks."""


@dataclass(slots=True)
class Findings:
    """What has been read so far, each object once."""

    records: dict[Ref, Record] = field(default_factory=dict)
    gone: dict[Ref, None] = field(default_factory=dict)
    refused: dict[Ref, Refusal] = field(default_factory=dict)

    def batch(self) -> Batch:
        """All of it."""
        return Batch(
            records=tuple(self.records.values()), gone=tuple(self.gone), refused=tuple(self.refused.values())
        )

    def refuse(self, ref: Ref, error: NormaliseError) -> None:
        """Keeps the payload's refusal."""
        self.refused[ref] = Refusal(ref=ref, error=error)


def _now() -> datetime:
    return datetime.now(UTC)


class Reader:
    """Turns needs into rows and rows into records."""

    def __init__(
        self,
        client: Client,
        mapping: CrmMapping,
        describes: Describes,
        *,
        currency: Callable[[], str | None],
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._client = client
        self._mapping = mapping
        self._describes = describes
        self._currency = currency
        self._clock = clock
        self._ahead = timedelta()

    def refresh(self, refs: Iterable[Ref]) -> Batch:
        """The present state of these objects and of what belongs to them."""
        found = Findings()
        waiting = set(_asked(refs, found))
        done: set[Need] = set()
        while waiting:
            done |= waiting
            waiting = self._round(waiting, found) - done
        return found.batch()

    def sources(self, of: ObjectType) -> tuple[str, ...]:
        """The org's objects that hold ours: those mapped that exist and have rows to be read by id."""
        return tuple(name for name in self._mapping.sources(of) if self.columns(of, name))

    def columns(self, of: ObjectType, sobject: str, names: frozenset[str] | None = None) -> tuple[str, ...]:
        """The fields to ask an object for: those mapped that exist, and those that show feedback, or only
        those behind these names of ours; none when the org has no such object."""
        mapped = tuple(path for path in self._mapping.fields(of, sobject, names) if path not in _ALWAYS)
        there = [path for path in (*_ALWAYS, *mapped) if self._describes.has(sobject, path)]
        if names is None:
            lacking = [path for path in mapped if path not in there and path != _CURRENCY]
            self._describes.note_missing(of, sobject, tuple(lacking))
            shown = (name for name in self._mapping.shown(sobject) if self._describes.has(sobject, name))
            there += [name for name in shown if name not in there]
        return tuple(there)

    def ask(self, build: Callable[[], Sequence[Question]]) -> list[list[dict[str, Any]]]:
        """The rows of each query. One about a field that went away since is built and asked once more."""
        return self.afresh(lambda: self._client.query(build()))

    def afresh(self, send: Callable[[], T]) -> T:
        """What `send` returns; it is called again, with new describes, when a field went away since."""
        try:
            return send()
        except RefusedError as error:
            if error.code not in {"INVALID_FIELD", "INVALID_TYPE"}:
                raise
        self._describes.forget()
        return send()

    def ask_timed(
        self, build: Callable[[], Sequence[Question]]
    ) -> tuple[list[list[dict[str, Any]]], datetime]:
        """The rows of each query, and when they were asked for by Salesforce's clock, or a little before."""
        asked_at, started = self._clock(), time.monotonic()
        answers = self.ask(build)
        answered_at = self._client.server_time
        if answered_at is None:
            return answers, asked_at
        self._ahead = answered_at - self._clock()
        return answers, answered_at - timedelta(seconds=time.monotonic() - started)

    def server_now(self) -> datetime:
        """Salesforce's time, as far as an answer has told how far our clock is off."""
        return self._clock() + self._ahead

    def record(self, of: ObjectType, row: Mapping[str, Any]) -> Record | Refusal:
        """The record in a row, its money in the org's currency; its refusal where it is none."""
        try:
            made: Record | Misfit = self._mapping.normalise(of, row)
        except NormaliseError as error:
            made = Misfit(error=error, raw=row)
        return self.priced(of, made)

    def page(
        self, of: ObjectType, source: str, body: bytes
    ) -> tuple[Sequence[Record | Misfit], Mapping[str, Any]]:
        """The rows of a query's page straight from its bytes, and what it says beside them; AnswerError for
        what is no such page."""
        found = self._mapping.page(of, body, source)
        if all(isinstance(row, Record) or isinstance(row.raw, Mapping) for row in found.rows):
            return found.rows, found.envelope
        raise AnswerError("expected objects as records: this is not Salesforce's API", reason="not_the_api")

    def priced(self, of: ObjectType, row: Record | Misfit) -> Record | Refusal:
        """The record of a row, its money in the org's currency; its refusal where it is none."""
        if isinstance(row, Record):
            return priced(row, self._currency)
        return Refusal(ref=Ref(of, row_id(row.raw) if row.raw.get("Id") else ""), error=row.error)

    def absorb(self, of: ObjectType, rows: Iterable[Mapping[str, Any]], found: Findings) -> list[Need]:
        """Adds the rows to what was found; returns what they make needed."""
        needs: list[Need] = []
        for row in rows:
            ref = Ref(of, row_id(row))
            if row.get("IsDeleted"):
                found.gone[ref] = None
                needs += _survivor(of, row)
            elif isinstance(record := self.record(of, row), Refusal):
                found.refused[ref] = record
            else:
                found.records[record.ref] = record
                needs += followed(record)
        return needs

    def _round(self, needs: set[Need], found: Findings) -> set[Need]:
        groups = list(_grouped(needs))
        for group in groups:
            if not self.sources(group.object):
                _refuse_all(group, found)
        asked = [(group, source) for group in groups for source in self.sources(group.object)]
        answers = self.ask(lambda: [self._question(group, source) for group, source in asked])
        following: set[Need] = set()
        came: dict[_Group, list[dict[str, Any]]] = {}
        for (group, _), rows in zip(asked, answers, strict=True):
            following.update(self.absorb(group.object, rows, found))
            came.setdefault(group, []).extend(rows)
        for group, rows in came.items():
            _note_gone(group, rows, found)
        return following

    def _question(self, group: _Group, source: str) -> Question:
        columns = self.columns(group.object, source)
        return Question(select(columns, source, where=one_of(group.field, group.ids)), "IsDeleted" in columns)


def row_id(row: Mapping[str, Any], name: str = "Id") -> str:
    """The id in a field of a row; AnswerError if there is none."""
    try:
        return full_id(row.get(name))
    except ValueError as exc:
        raise AnswerError(
            f"a row has no {name}: this is not the answer of Salesforce's API", reason="not_the_api"
        ) from exc


@dataclass(frozen=True, slots=True)
class _Group:
    """Needs that one query answers."""

    object: ObjectType
    field: str
    ids: tuple[str, ...]


def _grouped(needs: Iterable[Need]) -> Iterator[_Group]:
    together: dict[tuple[ObjectType, str], list[str]] = {}
    for need in sorted(needs):
        together.setdefault((need.object, need.field), []).append(need.id)
    for (of, by), ids in together.items():
        for chunk in chunks(ids, _IDS_PER_QUERY):
            yield _Group(of, by, tuple(chunk))


def _asked(refs: Iterable[Ref], found: Findings) -> Iterator[Need]:
    """What the refs need at first: their objects, and what names them, in one round."""
    for ref in refs:
        try:
            record_id = full_id(ref.id)
        except ValueError as exc:
            found.refuse(ref, NormaliseError(str(exc), field="id", reason="bad_id"))
            continue
        yield Need(ref.object, "Id", record_id)
        yield from belonging(ref.object, record_id)


def _survivor(of: ObjectType, row: Mapping[str, Any]) -> Iterator[Need]:
    """The record that a deleted one was merged into."""
    if row.get("MasterRecordId"):
        yield Need(of, "Id", row_id(row, "MasterRecordId"))


def _note_gone(group: _Group, rows: Iterable[Mapping[str, Any]], found: Findings) -> None:
    """Ids that no row came for: emptied from the recycle bin, or out of the integration user's sight."""
    if group.field != "Id":
        return
    came = {row_id(row) for row in rows}
    for record_id in group.ids:
        if record_id not in came:
            found.gone[Ref(group.object, record_id)] = None


def _refuse_all(group: _Group, found: Findings) -> None:
    """The org has no such object; what was asked for by id is told so, what only might belong is not."""
    if group.field == "Id":
        for record_id in group.ids:
            error = NormaliseError(
                f"the org has no object for {group.object}, or hides it", reason="no_such_object"
            )
            found.refuse(Ref(group.object, record_id), error)
