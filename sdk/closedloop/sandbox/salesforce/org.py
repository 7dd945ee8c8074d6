"""The org: what people and programs may do to its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from closedloop.sandbox.salesforce import convert, effects, merge, rules
from closedloop.sandbox.salesforce.ids import long_id, new_id
from closedloop.sandbox.salesforce.objects import Objects
from closedloop.sandbox.salesforce.outbound import Timing
from closedloop.sandbox.salesforce.records import Records
from closedloop.sandbox.salesforce.refusal import Refusal, unknown_column
from closedloop.sandbox.salesforce.seed import ADMIN, INTEGRATION_USER, standard_rows
from closedloop.sandbox.salesforce.tables import Row
from closedloop.sandbox.salesforce.values import seconds


class Org(Records):
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
        super().__init__(organization_id=organization_id, objects=objects, clock=clock, timing=timing)
        self.requests: Counter[tuple[str, str]] = Counter()
        self._seed(name)

    def insert(
        self, sobject: str, fields: Mapping[str, Any], *, at: datetime | None = None, by: str | None = None
    ) -> str:
        """Makes a record; returns its 18-character id."""
        kind = self.known(sobject)
        with self.transaction():
            return self.create(kind, rules.readable(kind, fields, creating=True), self._at(at), self._by(by))

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
            old = self.free(kind, record_id)
            changed = rules.readable(kind, fields, creating=False)
            self.change(kind, old, changed, self._at(at), self._by(by))

    def delete(
        self, sobject: str, record_id: str, *, at: datetime | None = None, by: str | None = None
    ) -> None:
        """Puts the record into the recycle bin, with those that cannot be without it."""
        kind = self.known(sobject)
        with self.transaction():
            row = self.free(kind, record_id)
            if kind.setup:
                raise Refusal("INSUFFICIENT_ACCESS_OR_READONLY", f"{kind.label} cannot be deleted", fields=[])
            rules.check_delete(self.tables, kind, row)
            self.bin(kind, row, effects.stamps(self._at(at), self._by(by)))

    def get(self, sobject: str, record_id: str) -> dict[str, Any]:
        """The record with every field, computed ones too."""
        kind = self.known(sobject)
        with self.lock:
            self.settle_open()
            return self.whole(kind, self.alive(kind, record_id))

    def rows(self, sobject: str) -> list[dict[str, Any]]:
        """Every record of the object that is not deleted, in the order they were made."""
        kind = self.known(sobject)
        with self.lock:
            self.settle_open()
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
            master, merged = self.free(kind, master_id), self.free(kind, merged_id)
            merge.merge(self, kind, master, merged, effects.stamps(self._at(at), self._by(by)))

    def empty_recycle_bin(self, *, keep_log: bool = False) -> None:
        """Removes for good what is in it, as an administrator does: no query finds it any more.

        `GET sobjects/X/deleted` forgets it, too, unless `keep_log`: it answers for 15 days "or earlier if an
        administrator has purged the Recycle Bin" (REST API Developer Guide, "sObject Get Deleted"). That a
        real queryAll may still find such records for about a day is not imitated.
        """
        with self.transaction():
            gone = [
                (kind.name, row["Id"])
                for kind in self.objects
                for row in self.tables.rows(kind.name, deleted=True)
                if row.get("IsDeleted")
            ]
            for sobject, record_id in gone:
                self.tables.drop(sobject, record_id)
            if not keep_log:
                self.deletions.purge(seconds(self.clock()))

    def lock_record(self, record_id: str, *, times: int = 1) -> None:
        """Refuses the next `times` writes of it, or of new records that refer to it: UNABLE_TO_LOCK_ROW."""
        found = long_id(record_id)
        if found is None:
            raise ValueError("record_id must be an id of 15 or 18 letters and digits")
        with self.lock:
            self.locks.hold(found, times)

    def forbid_duplicates(self, sobject: str, field: str, *, block: bool = False) -> None:
        """Switches a duplicate rule on: records of the object that share the field's value are duplicates.

        It refuses them with DUPLICATES_DETECTED, unless the request consents by its header; `block` makes
        it a rule that lets nobody consent.
        """
        kind = self.known(sobject)
        known = kind.field(field)
        if known is None:
            raise unknown_column(field, kind.name)
        with self.lock:
            self.duplicates.forbid(kind.name, known.name, block=block)

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
