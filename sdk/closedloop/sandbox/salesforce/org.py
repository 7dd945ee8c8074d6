"""The org: what people and programs may do to its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from closedloop.sandbox.salesforce.ids import long_id, new_id
from closedloop.sandbox.salesforce.outbound import Timing
from closedloop.sandbox.salesforce.records import convert, effects, merge, rules
from closedloop.sandbox.salesforce.records.filling import fill
from closedloop.sandbox.salesforce.records.records import Records
from closedloop.sandbox.salesforce.records.seed import (
    ADMIN,
    INTEGRATION_USER,
    LICENSE,
    PROFILES,
    standard_rows,
)
from closedloop.sandbox.salesforce.records.tables import Row
from closedloop.sandbox.salesforce.records.validation import ValidationRule
from closedloop.sandbox.salesforce.records.values import seconds
from closedloop.sandbox.salesforce.refusal import Refusal, unknown_column
from closedloop.sandbox.salesforce.schema.objects import Objects


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
        field_security: bool = False,
    ) -> None:
        super().__init__(
            organization_id=organization_id,
            objects=objects,
            clock=clock,
            timing=timing,
            field_security=field_security,
        )
        self.requests: Counter[tuple[str, str]] = Counter()
        self._seed(name)

    def insert(
        self, sobject: str, fields: Mapping[str, Any], *, at: datetime | None = None, by: str | None = None
    ) -> str:
        """Makes a record; returns its 18-character id."""
        kind = self.known(sobject)
        with self.transaction():
            self.faults.before_write(kind.name)
            given = rules.readable(self.as_seen(kind, by), fields, creating=True)
            return self.create(kind, given, self._at(at), self._by(by))

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
            self.faults.before_write(kind.name)
            old = self.free(kind, record_id)
            changed = rules.readable(self.as_seen(kind, by), fields, creating=False)
            self.change(kind, old, changed, self._at(at), self._by(by))

    def delete(
        self, sobject: str, record_id: str, *, at: datetime | None = None, by: str | None = None
    ) -> None:
        """Puts the record into the recycle bin, with those that cannot be without it."""
        kind = self.known(sobject)
        with self.transaction():
            self.faults.before_write(kind.name)
            row = self.free(kind, record_id)
            if "D" not in kind.can:
                raise Refusal("INSUFFICIENT_ACCESS_OR_READONLY", f"{kind.label} cannot be deleted", fields=[])
            rules.check_delete(self.tables, kind, row)
            self.bin(kind, row, effects.stamps(self._at(at), self._by(by)))

    def load(self, sobject: str, rows: Iterable[Mapping[str, Any]], *, by: str | None = None) -> list[str]:
        """Makes many records quickly; returns their ids, in order. For whoever fills an org, not for tests of
        what it refuses.

        The records, their defaults, computed fields and roll-ups are those that `insert` leaves, and so are
        the records that Salesforce makes along with them. A row may say when and by whom it was made and
        changed (CreatedDate, CreatedById, LastModifiedDate, LastModifiedById, SystemModstamp); LastModified
        and SystemModstamp follow CreatedDate where they are left out. Values are read as those of `insert`.

        It does not check: required fields, whether what is referred to exists, unique fields, duplicate and
        validation rules, locks. Nothing fires: no outbound messages. It cannot be undone, so it must not
        stand in a transaction; a value that no field can hold is refused there and then, and the rows before
        it stay.
        """
        kind = self.known(sobject)
        with self.lock:
            return fill(self, kind, rows, at=self._at(None), by=self._by(by))

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
        into: convert.Into = convert.NEW_RECORDS,
        at: datetime | None = None,
        by: str | None = None,
    ) -> convert.Converted:
        """Turns the lead into an account, a contact and, where its fields are given, an opportunity."""
        with self.transaction():
            return convert.convert(
                self, lead_id, opportunity=opportunity, into=into, at=self._at(at), by=self._by(by)
            )

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
                for kind in self.tables.objects
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

    def validate(
        self,
        sobject: str,
        wrong: Callable[[Mapping[str, Any]], bool],
        message: str,
        *,
        field: str | None = None,
    ) -> None:
        """Switches a validation rule on: a record of which `wrong` is true is refused with the message.

        `wrong` is given the record with every field, as it would be; `field` is where the message is shown.
        """
        kind = self.known(sobject)
        with self.lock:
            rule = ValidationRule(sobject=kind.name, wrong=wrong, message=message, field=field)
            self.validation.add(rule)

    def track(self, sobject: str, *fields: str) -> None:
        """Keeps the history of the fields from now on, in LeadHistory, OpportunityFieldHistory and the like.

        A new org tracks none; the stages of opportunities are kept in OpportunityHistory always.
        """
        kind = self.known(sobject)
        with self.lock:
            known = [kind.field(name) for name in fields]
            if None in known:
                raise unknown_column(fields[known.index(None)], kind.name)
            self.history.track(kind, [field for field in known if field])

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
        with self.transaction():
            administrators = self._seed_profiles(at)
            for user_id, user in ((self.admin_id, ADMIN), (self.integration_user_id, INTEGRATION_USER)):
                self._plant("User", {"Id": user_id, **user, "ProfileId": administrators}, at)
            organisation = {
                "Id": self.organization_id,
                "Name": name,
                "OrganizationType": "Enterprise Edition",
                "FiscalYearStartMonth": 1,
                "InstanceName": "EU99",
                "IsSandbox": True,
                "PrimaryContact": f"{ADMIN['FirstName']} {ADMIN['LastName']}",
                "NumKnowledgeService": 2,
                "MonthlyPageViewsUsed": 0,
                "MonthlyPageViewsEntitlement": 0,
            }
            self._plant("Organization", organisation, at)
            for sobject, row in standard_rows(self.tables.objects.currencies):
                self._sow(sobject, row, at)

    def _seed_profiles(self, at: datetime) -> str:
        """Makes the standard profiles, each with its permission set; returns the administrators'."""
        license_id = self._sow("UserLicense", LICENSE, at)
        made = {}
        for name, may in PROFILES.items():
            made[name] = self._sow("Profile", {"Name": name, "UserLicenseId": license_id, **may}, at)
            owned = {"ProfileId": made[name], "IsOwnedByProfile": True, "Type": "Profile", **may}
            # The name of such a set is made of the id (Object Reference, PermissionSet).
            label = f"X{made[name][:15]}"
            self._sow("PermissionSet", {"Name": label, "Label": label, "LicenseId": license_id, **owned}, at)
        return made["System Administrator"]

    def _sow(self, sobject: str, row: Mapping[str, Any], at: datetime) -> str:
        record_id = new_id(self.tables.objects[sobject].prefix, self._number())
        self._plant(sobject, {"Id": record_id, **row}, at)
        return record_id

    def _plant(self, sobject: str, given: Mapping[str, Any], at: datetime) -> None:
        row = (
            Row(given) | {"CreatedDate": at, "CreatedById": self.admin_id} | effects.stamps(at, self.admin_id)
        )
        self.tables.put(
            sobject, effects.with_defaults(self.tables, self.tables.objects[sobject], row, by=self.admin_id)
        )
