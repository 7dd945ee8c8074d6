"""Changes of the org's schema while it runs, as an administrator or a metadata deployment makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from closedloop.sandbox.salesforce.records.values import seconds
from closedloop.sandbox.salesforce.schema.customising import (
    CustomField,
    CustomObject,
    with_fields,
    without_fields,
)
from closedloop.sandbox.salesforce.schema.permissions import Permissions
from closedloop.sandbox.salesforce.schema.sobject import SObject

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.records.records import Records

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Schema:
    """What there is in an org, to be changed at any time; every reader sees the change at once.

    `changed` is when it last changed: describe says it as Last-Modified. `visible` says whether the
    integration user sees what is added without a grant. In an org with `field_security` the default is that
    it does not: as over the real Metadata API, a permission set has to grant it. Without, that user is an
    administrator who sees everything.
    """

    def __init__(self, org: Records, *, field_security: bool) -> None:
        self._org = org
        self.field_security = field_security
        self.changed = seconds(org.clock())
        self.permissions = Permissions(org.tables, org.integration_user_id)

    def add_object(self, definition: CustomObject, *, visible: bool | None = None) -> SObject:
        """Makes a custom object, or changes the labels and the name field of the one there is."""
        with self._org.lock:
            old = self._org.tables.objects.find(definition.name)
            made = definition.sobject(old.prefix if old else self._free_prefix())
            if old is not None:
                made = with_fields(made, [f for f in old.fields.values() if f.name not in made.fields])
                if "OwnerId" not in old.fields:
                    made = without_fields(made, ["OwnerId"])
            self._adopt(made)
            if old is None:
                self._guard([made.name], visible)
            return made

    def remove_object(self, name: str) -> None:
        """Removes a custom object with its records, and the fields that refer to it."""
        with self._org.lock:
            kind = self._custom_object(name)
            for child, field in self._org.tables.objects.referring(kind):
                if field.custom:
                    self.remove_field(child.name, field.name)
            self.permissions.release([kind.name, *(f"{kind.name}.{field}" for field in kind.fields)])
            self._org.tables.discard(kind)
            self.changed = seconds(self._org.clock())

    def add_field(self, sobject: str, definition: CustomField, *, visible: bool | None = None) -> bool:
        """Adds a custom field, or puts it in place of the one of that name; True when it is new."""
        with self._org.lock:
            kind = self._org.known(sobject)
            new = kind.field(definition.name) is None
            fields = definition.fields()
            kind = with_fields(kind, fields)
            if definition.type == "MasterDetail":
                kind = without_fields(kind, ["OwnerId"])
            self._adopt(kind)
            if new:
                self._fill(kind, definition)
                if not definition.always_visible:
                    self._guard([f"{kind.name}.{field.name}" for field in fields], visible)
            return new

    def remove_field(self, sobject: str, name: str) -> None:
        """Removes a custom field with its values."""
        with self._org.lock:
            kind = self._org.known(sobject)
            field = kind.field(name)
            if field is None or not field.custom:
                raise ValueError(f"{kind.name} has no custom field {name}: only those can be removed")
            gone = [f.name for f in kind.fields.values() if f is field or f.compound == field.name]
            for row in list(self._org.tables.rows(kind.name, deleted=True)):
                self._org.tables.put(kind.name, {n: value for n, value in row.items() if n not in gone})
            self._org.tables.commit()
            self._adopt(without_fields(kind, gone))
            self.permissions.release(f"{kind.name}.{one}" for one in gone)

    def _adopt(self, kind: SObject) -> None:
        self._org.tables.adopt(kind)
        self.changed = seconds(self._org.clock())

    def _fill(self, kind: SObject, definition: CustomField) -> None:
        """Checkboxes are never null: the records that there are get the default."""
        if definition.type == "Checkbox":
            value = definition.fields()[0].default
            for row in list(self._org.tables.rows(kind.name, deleted=True)):
                self._org.tables.put(kind.name, row | {definition.name: value})
            self._org.tables.commit()

    def _guard(self, names: list[str], visible: bool | None) -> None:
        if not (not self.field_security if visible is None else visible):
            self.permissions.guard(names)

    def _custom_object(self, name: str) -> SObject:
        kind = self._org.known(name)
        if not kind.custom:
            raise ValueError(f"{kind.name} is a standard object: only custom ones can be removed")
        return kind

    def _free_prefix(self) -> str:
        used = {kind.prefix for kind in self._org.tables.objects}
        candidates = (f"a{one}{two}" for one in _DIGITS for two in _DIGITS)
        return next(prefix for prefix in candidates if prefix not in used)
