"""Field-level security: what the integration user may see and change of the custom fields and objects.

Object Reference, "FieldPermissions", "ObjectPermissions", "PermissionSetAssignment"; Metadata API Developer
Guide, "PermissionSet": a field made over the Metadata API is seen by nobody before a permission set grants
it, but for required and master-detail fields, which everybody sees who sees the object.
"""

from __future__ import annotations

from collections.abc import Iterable

from closedloop.sandbox.salesforce.records.tables import Row, Tables
from closedloop.sandbox.salesforce.schema.objects import Objects

_SOURCES = ("PermissionSetAssignment", "FieldPermissions", "ObjectPermissions")


class Permissions:
    """What one user sees. `guarded` are the fields (as `Lead.Reason__c`) and objects that need a grant."""

    def __init__(self, tables: Tables, user: str) -> None:
        self._tables = tables
        self._user = user
        self._guarded: frozenset[str] = frozenset()
        self._known: tuple[object, Objects] | None = None

    def guard(self, names: Iterable[str]) -> None:
        """Hides them until a permission set grants them."""
        self._guarded |= set(names)

    def release(self, names: Iterable[str]) -> None:
        """Shows them to everybody again."""
        self._guarded -= set(names)

    def seen(self) -> Objects:
        """The org's objects as the user sees them."""
        objects = self._tables.objects
        if not self._guarded:
            return objects
        state = (objects.by_name, self._guarded, *map(self._tables.writes, _SOURCES))
        if self._known is None or self._known[0] != state:
            self._known = state, objects.seen(self._hidden(), shut=self._shut())
        return self._known[1]

    def _hidden(self) -> frozenset[str]:
        return self._guarded - self._granted("PermissionsRead")

    def _shut(self) -> frozenset[str]:
        """The fields that the user may read only."""
        return self._guarded - self._granted("PermissionsEdit")

    def _granted(self, permission: str) -> set[str]:
        sets = {a["PermissionSetId"] for a in self._of("PermissionSetAssignment", "AssigneeId", self._user)}
        fields = {str(row["Field"]) for row in self._rows("FieldPermissions", sets) if row[permission]}
        objects = {
            str(row["SobjectType"]) for row in self._rows("ObjectPermissions", sets) if row[permission]
        }
        return fields | objects

    def _rows(self, sobject: str, sets: set[str]) -> Iterable[Row]:
        return (row for one in sets for row in self._of(sobject, "ParentId", one))

    def _of(self, sobject: str, field: str, value: str) -> list[Row]:
        return self._tables.where(sobject, field, value)
