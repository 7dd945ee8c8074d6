"""The org's records and how they change: checks, effects, transactions, and the flows that fire then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from closedloop.sandbox.salesforce.faults import SalesforceFaults
from closedloop.sandbox.salesforce.ids import long_id, new_id
from closedloop.sandbox.salesforce.outbound import Outbound, Timing
from closedloop.sandbox.salesforce.records import derive, effects, rules
from closedloop.sandbox.salesforce.records.deletions import Deletions
from closedloop.sandbox.salesforce.records.duplicates import Duplicates
from closedloop.sandbox.salesforce.records.history import History
from closedloop.sandbox.salesforce.records.late import Locks, OpenTransaction, Unfinished
from closedloop.sandbox.salesforce.records.tables import Row, Tables
from closedloop.sandbox.salesforce.records.validation import Validation
from closedloop.sandbox.salesforce.records.values import seconds
from closedloop.sandbox.salesforce.refusal import Refusal, deleted, no_such_record
from closedloop.sandbox.salesforce.schema.definitions import ENTITY, FIELD, entities, fields
from closedloop.sandbox.salesforce.schema.objects import Objects
from closedloop.sandbox.salesforce.schema.schema_changes import Schema
from closedloop.sandbox.salesforce.schema.sobject import SObject

# Ids of a grown org: high enough that upper and lower case letters appear in them.
_FIRST_ID = 44 * 62**5 + 12 * 62**4 + 50 * 62**3


class Records:
    """What the endpoints and the org's own actions work with. Reads hold `lock`, writes a `transaction`."""

    def __init__(
        self,
        *,
        organization_id: str,
        objects: Objects,
        clock: Callable[[], datetime],
        timing: Timing,
        field_security: bool = False,
    ) -> None:
        self.organization_id = organization_id
        self.clock = clock
        self.lock = threading.RLock()
        self.tables = Tables(objects)
        self.deletions = Deletions()
        self.duplicates = Duplicates()
        self.locks = Locks()
        self.faults = SalesforceFaults(clock)
        self.outbound = Outbound(self, timing)
        self.validation = Validation()
        self.history = History(self)
        self._unfinished = Unfinished()
        self._next = _FIRST_ID
        self._depth = 0
        self._fired: list[tuple[str, str]] = []
        self.admin_id = new_id("005", self._number())
        self.integration_user_id = new_id("005", self._number())
        self.schema = Schema(self, field_security=field_security)
        self.tables.follow(ENTITY, self._schema_state, lambda: entities(self.objects))
        self.tables.follow(FIELD, self._schema_state, lambda: fields(self.objects))

    @property
    def objects(self) -> Objects:
        """The objects and fields that the integration user sees; `tables.objects` are all there are."""
        return self.schema.permissions.seen()

    def _schema_state(self) -> object:
        return self.objects.by_name

    def known(self, sobject: str) -> SObject:
        """The object of that name."""
        kind = self.tables.objects.find(sobject)
        if kind is None:
            raise Refusal("INVALID_TYPE", f"sObject type '{sobject}' is not supported.")
        return kind

    def as_seen(self, kind: SObject, by: str | None) -> SObject:
        """The object as that user sees it: the integration user may lack some of its fields."""
        if by != self.integration_user_id:
            return kind
        seen = self.objects.find(kind.name)
        if seen is None:
            raise Refusal("INVALID_TYPE", f"sObject type '{kind.name}' is not supported.")
        return seen

    def alive(self, kind: SObject, record_id: str) -> Row:
        """The row of a record that exists and is not deleted."""
        row = self.tables.get(kind.name, long_id(record_id) or "")
        if row is None:
            raise no_such_record()
        if row.get("IsDeleted"):
            raise deleted()
        return row

    def free(self, kind: SObject, record_id: str) -> Row:
        """The same, for a write: a record that others hold is refused."""
        row = self.alive(kind, record_id)
        self._unfinished.check(row["Id"])
        self.locks.check(row["Id"])
        return row

    def whole(self, kind: SObject, row: Row) -> dict[str, Any]:
        """The row with its computed fields, in the order of describe."""
        return {name: derive.value(self.tables, kind.name, row, name) for name in kind.fields}

    def value(self, kind: SObject, row: Row, field: str) -> Any:
        """One field of a row, kept or computed."""
        return derive.value(self.tables, kind.name, row, field)

    def number(self) -> int:
        """The next number for an id."""
        with self.lock:
            return self._number()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything in it happens, or nothing does; flows fire when the outermost one ends well."""
        with self.lock:
            if not self._depth:
                self.settle_open()
            mark, fired = self.tables.mark(), len(self._fired)
            self._depth += 1
            try:
                yield
            except BaseException:
                self.tables.rollback(mark)
                del self._fired[fired:]
                raise
            finally:
                self._depth -= 1
                if not self._depth:
                    self._commit()

    @contextmanager
    def late(self, seconds: float | None = None) -> Iterator[OpenTransaction]:
        """Writes made in it are stamped now, and stay invisible to every reader until they commit.

        They commit when the org's clock has passed `seconds` from now; without it, when the transaction's
        `commit` is called. Until then nobody else may write those records (UNABLE_TO_LOCK_ROW), their flows
        have not fired, and `getUpdated` says that it is sure only of the time before. The lock is held
        inside: make the writes there through the org, not through its API. It cannot stand in a transaction.
        """
        with self.lock:
            if self._depth:
                raise RuntimeError("a late commit cannot be part of another transaction: make it on its own")
            now = self.clock()
            until = None if seconds is None else now + timedelta(seconds=seconds)
            opened = OpenTransaction(started=now, until=until, land=self._land)
            with self.transaction():
                yield opened
                opened.rows = self.tables.take_back()
                opened.fired, self._fired = self._fired, []
            self._unfinished.add(opened)

    def settle_open(self) -> None:
        """Commits the open transactions whose time has come. Callers hold the lock."""
        for transaction in self._unfinished.due(self.clock()):
            self._land(transaction)

    def covered(self) -> datetime:
        """Up to when everything that was written can be seen."""
        oldest = self._unfinished.oldest()
        return self.clock() if oldest is None else oldest

    def write(self, kind: SObject, row: Row, changed: Mapping[str, Any], at: datetime, by: str) -> None:
        """Puts a change through without the checks, as Salesforce itself does when it converts a lead."""
        new = row | dict(changed) | effects.stamps(at, by)
        new = effects.complete(self.tables, kind, new, changed, old=row)
        self.tables.put(kind.name, new)
        self.history.note(kind, row, new)
        self._fire(kind, row, new)

    def create(self, kind: SObject, given: Row, at: datetime, by: str) -> str:
        """Makes a record of checked values; what Salesforce makes along with it, too."""
        row = Row({name: value for name, value in given.items() if not kind.fields[name].derived})
        row |= {"Id": new_id(kind.prefix, self._number()), "CreatedDate": at, "CreatedById": by}
        row = effects.with_defaults(self.tables, kind, row | effects.stamps(at, by), by=by)
        rules.check(self.tables, kind, row, given, old=None)
        self._check_parents(kind, given)
        self.duplicates.check(self.tables, kind, row, given)
        row = effects.complete(self.tables, kind, row, given, old=None)
        self.validation.check(self.tables, kind, row)
        self.tables.put(kind.name, row)
        self.history.note(kind, None, row)
        self._fire(kind, None, row)
        effects.after_write(
            self.tables,
            kind.name,
            row,
            given,
            lambda name, more: self.create(self.known(name), Row(more), at, by),
        )
        return str(row["Id"])

    def change(self, kind: SObject, old: Row, changed: Row, at: datetime, by: str) -> None:
        """Changes a record to checked values."""
        rules.check(self.tables, kind, old | changed, changed, old=old)
        self.duplicates.check(self.tables, kind, old | changed, changed)
        if self.validation.concerns(kind):
            whole = effects.complete(self.tables, kind, old | changed, changed, old=old)
            self.validation.check(self.tables, kind, whole)
        self.write(kind, old, changed, at, by)
        new = self.tables.get(kind.name, old["Id"]) or old
        effects.after_write(self.tables, kind.name, new, Row(), None)
        if kind.name == "CampaignMemberStatus":
            effects.renamed(self.tables, old, new)

    def bin(self, kind: SObject, row: Row, stamps: Mapping[str, Any]) -> None:
        """Puts the row into the recycle bin, with those that cannot be without it."""
        if row.get("IsDeleted"):
            return
        if kind.recycled:
            self.tables.put(kind.name, row | {"IsDeleted": True} | stamps)
        else:
            self.tables.remove(kind.name, row["Id"])
        for child, field in self.tables.objects.referring(kind):
            if not self.tables.indexed(child.name, field.name):
                continue
            for referring in self.tables.where(child.name, field.name, row["Id"]):
                # A member that a conversion moved belongs to the contact, not to the lead (not confirmed).
                moved = field.name == "LeadId" and referring.get("ContactId") is not None
                if field.cascades and not moved:
                    self.bin(child, referring, stamps)
                else:
                    self.tables.put(child.name, referring | {field.name: None})

    def _check_parents(self, kind: SObject, given: Row) -> None:
        # A new row locks the records that it refers to, as well (Record-Locking Cheat Sheet).
        for name, value in given.items():
            if kind.fields[name].type == "reference" and value is not None:
                self._unfinished.check(value)
                self.locks.check(value)

    def _fire(self, kind: SObject, old: Row | None, new: Row) -> None:
        for action_id in self.outbound.triggered(kind, old, new):
            self._fired.append((action_id, new["Id"]))

    def _commit(self) -> None:
        self.deletions.note(self.tables.commit(), self.tables)
        fired, self._fired = self._fired, []
        for action_id, record_id in fired:
            self.outbound.enqueue(action_id, record_id)

    def _land(self, transaction: OpenTransaction) -> None:
        with self.lock:
            if not self._unfinished.close(transaction):
                return
            with self.transaction():
                for sobject, row in transaction.rows:
                    self.tables.put(sobject, row)
                self._fired += transaction.fired

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _at(self, at: datetime | None) -> datetime:
        return seconds(self.clock() if at is None else at)

    def _by(self, by: str | None) -> str:
        return self.admin_id if by is None else str(long_id(by))
