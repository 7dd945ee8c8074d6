"""The org: its records, and what people and programs may do to them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from closedloop.sandbox.salesforce import convert, derive, effects, merge, rules
from closedloop.sandbox.salesforce.ids import long_id, new_id
from closedloop.sandbox.salesforce.objects import Objects
from closedloop.sandbox.salesforce.outbound import Outbound, Timing
from closedloop.sandbox.salesforce.refusal import Refusal, deleted, no_such_record, unknown_column
from closedloop.sandbox.salesforce.schema import SObject
from closedloop.sandbox.salesforce.seed import ADMIN, INTEGRATION_USER, standard_rows
from closedloop.sandbox.salesforce.tables import Row, Tables
from closedloop.sandbox.salesforce.values import seconds

# Ids of a grown org: high enough that upper and lower case letters appear in them.
_FIRST_ID = 44 * 62**5 + 12 * 62**4 + 50 * 62**3


class Org:
    """Every method is safe to call from any thread. Objects and fields have their Salesforce API names.

    `insert`, `update`, `delete` and `convert_lead` are what a person does in the pages: the same checks,
    computed fields, roll-ups and flows as over the API. `at` puts a change into the past; `by` is a user's
    id. What Salesforce would refuse raises `Refusal`.
    """

    def __init__(
        self,
        *,
        organization_id: str,
        name: str,
        objects: Objects,
        clock: Callable[[], datetime],
        timing: Timing,
    ) -> None:
        self.organization_id = organization_id
        self.clock = clock
        self.lock = threading.RLock()
        self.objects = objects
        self.tables = Tables(objects)
        self.requests: Counter[tuple[str, str]] = Counter()
        self.outbound = Outbound(self, timing)
        self._next = _FIRST_ID
        self._depth = 0
        self._fired: list[tuple[str, str]] = []
        self.admin_id = new_id("005", self._number())
        self.integration_user_id = new_id("005", self._number())
        self._seed(name)

    def insert(
        self, sobject: str, fields: Mapping[str, Any], *, at: datetime | None = None, by: str | None = None
    ) -> str:
        """Makes a record; returns its 18-character id."""
        kind = self.known(sobject)
        with self.transaction():
            return self._create(kind, rules.readable(kind, fields, creating=True), self._at(at), self._by(by))

    def update(
        self,
        sobject: str,
        record_id: str,
        fields: Mapping[str, Any],
        *,
        at: datetime | None = None,
        by: str | None = None,
    ) -> None:
        """Changes the fields given and leaves the others."""
        kind = self.known(sobject)
        with self.transaction():
            old = self.alive(kind, record_id)
            changed = rules.readable(kind, fields, creating=False)
            self._change(kind, old, changed, self._at(at), self._by(by))

    def delete(
        self, sobject: str, record_id: str, *, at: datetime | None = None, by: str | None = None
    ) -> None:
        """Puts the record into the recycle bin, with those that cannot be without it."""
        kind = self.known(sobject)
        with self.transaction():
            row = self.alive(kind, record_id)
            if kind.setup:
                raise Refusal("INSUFFICIENT_ACCESS_OR_READONLY", f"{kind.label} cannot be deleted", fields=[])
            rules.check_delete(self.tables, kind, row)
            self._bin(kind, row, effects.stamps(self._at(at), self._by(by)))

    def get(self, sobject: str, record_id: str) -> dict[str, Any]:
        """The record with every field, computed ones too."""
        kind = self.known(sobject)
        with self.lock:
            return self.whole(kind, self.alive(kind, record_id))

    def rows(self, sobject: str) -> list[dict[str, Any]]:
        """Every record of the object that is not deleted, in the order they were made."""
        kind = self.known(sobject)
        with self.lock:
            return [self.whole(kind, row) for row in self.tables.rows(kind.name)]

    def convert_lead(
        self,
        lead_id: str,
        *,
        opportunity: Mapping[str, Any] | None = None,
        at: datetime | None = None,
        by: str | None = None,
    ) -> convert.Converted:
        """Turns the lead into an account, a contact and, where its fields are given, an opportunity."""
        with self.transaction():
            return convert.convert(self, lead_id, opportunity=opportunity, at=self._at(at), by=self._by(by))

    def merge(
        self,
        sobject: str,
        master_id: str,
        merged_id: str,
        *,
        at: datetime | None = None,
        by: str | None = None,
    ) -> None:
        """Merges a lead, contact or account into another one: it is deleted and names its master."""
        kind = self.known(sobject)
        with self.transaction():
            master, merged = self.alive(kind, master_id), self.alive(kind, merged_id)
            merge.merge(self, kind, master, merged, effects.stamps(self._at(at), self._by(by)))

    def subscribe(
        self, sobject: str, fields: Sequence[str], endpoint: str, *, when_changed: Sequence[str]
    ) -> None:
        """Sends an outbound message for every new record, and for every change of `when_changed`.

        It stands for the two record-triggered flows (one on create, one on update with ISCHANGED) and the
        outbound message that they share.
        """
        kind = self.known(sobject)
        with self.lock:
            unknown = [name for name in (*fields, *when_changed) if kind.field(name) is None]
            if unknown:
                raise unknown_column(unknown[0], kind.name)
            self.outbound.subscribe(
                kind, fields, endpoint, when_changed=when_changed, action_id=new_id("04k", self._number())
            )

    def settle(self, timeout: float = 30) -> bool:
        """Waits until every outbound message was acknowledged; False when `timeout` seconds did not do."""
        return self.outbound.settle(timeout)

    def known(self, sobject: str) -> SObject:
        """The object of that name."""
        kind = self.objects.find(sobject)
        if kind is None:
            raise Refusal("INVALID_TYPE", f"sObject type '{sobject}' is not supported.")
        return kind

    def alive(self, kind: SObject, record_id: str) -> Row:
        """The row of a record that exists and is not deleted."""
        row = self.tables.get(kind.name, long_id(record_id) or "")
        if row is None:
            raise no_such_record()
        if row.get("IsDeleted"):
            raise deleted()
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

    def write(self, kind: SObject, row: Row, changed: Mapping[str, Any], at: datetime, by: str) -> None:
        """Puts a change through without the checks, as Salesforce itself does when it converts a lead."""
        new = row | dict(changed) | effects.stamps(at, by)
        new = effects.complete(self.tables, kind, new, changed, old=row)
        self.tables.put(kind.name, new)
        self._fire(kind, row, new)

    def _create(self, kind: SObject, given: Row, at: datetime, by: str) -> str:
        row = {name: value for name, value in given.items() if not kind.fields[name].derived}
        row |= {"Id": new_id(kind.prefix, self._number()), "CreatedDate": at, "CreatedById": by}
        row = effects.with_defaults(self.tables, kind, row | effects.stamps(at, by), by=by)
        rules.check(self.tables, kind, row, given, old=None)
        row = effects.complete(self.tables, kind, row, given, old=None)
        self.tables.put(kind.name, row)
        self._fire(kind, None, row)
        effects.after_write(
            self.tables,
            kind.name,
            row,
            given,
            lambda name, more: self._create(self.known(name), more, at, by),
        )
        return str(row["Id"])

    def _change(self, kind: SObject, old: Row, changed: Row, at: datetime, by: str) -> None:
        rules.check(self.tables, kind, old | changed, changed, old=old)
        self.write(kind, old, changed, at, by)
        effects.after_write(self.tables, kind.name, self.tables.get(kind.name, old["Id"]) or old, {}, None)

    def _bin(self, kind: SObject, row: Row, stamps: Row) -> None:
        if row["IsDeleted"]:
            return
        self.tables.put(kind.name, row | {"IsDeleted": True} | stamps)
        for child, field in self.objects.referring(kind):
            if field.derived or not child.fields.get("IsDeleted"):
                continue
            for referring in self.tables.where(child.name, field.name, row["Id"]):
                if field.cascades:
                    self._bin(child, referring, stamps)
                else:
                    self.tables.put(child.name, referring | {field.name: None})

    def _fire(self, kind: SObject, old: Row | None, new: Row) -> None:
        for action_id in self.outbound.triggered(kind, old, new):
            self._fired.append((action_id, new["Id"]))

    def _commit(self) -> None:
        self.tables.commit()
        for action_id, record_id in self._fired:
            self.outbound.enqueue(action_id, record_id)
        self._fired.clear()

    def _seed(self, name: str) -> None:
        at = seconds(self.clock())
        users = {self.admin_id: ADMIN, self.integration_user_id: INTEGRATION_USER}
        with self.transaction():
            for user_id, user in users.items():
                self._plant("User", {"Id": user_id, **user}, at)
            organisation = {
                "Id": self.organization_id,
                "Name": name,
                "OrganizationType": "Enterprise Edition",
            }
            self._plant("Organization", organisation, at)
            for sobject, row in standard_rows(self.objects.currencies):
                self._plant(sobject, {"Id": new_id(self.objects[sobject].prefix, self._number()), **row}, at)

    def _plant(self, sobject: str, row: Row, at: datetime) -> None:
        row = row | {"CreatedDate": at, "CreatedById": self.admin_id} | effects.stamps(at, self.admin_id)
        self.tables.put(
            sobject, effects.with_defaults(self.tables, self.objects[sobject], row, by=self.admin_id)
        )

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _at(self, at: datetime | None) -> datetime:
        return seconds(self.clock() if at is None else at)

    def _by(self, by: str | None) -> str:
        return self.admin_id if by is None else str(long_id(by))
