"""Permission sets: what they grant is kept as the records that the org's field-level security reads.

Metadata API Developer Guide, "PermissionSet"; the messages: sfdx-hardis `deployTipsList.ts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.component import Problem, Sent
from closedloop.sandbox.salesforce.metadata.described import OBJECT_PERMISSIONS
from closedloop.sandbox.salesforce.metadata.outlook import Outlook
from closedloop.sandbox.salesforce.metadata.references import foreign_namespace
from closedloop.sandbox.salesforce.schema.sobject import Field
from closedloop.sandbox.salesforce.soap.markup import Element

# Each of these needs the permission it stands for, else the deployment is refused.
_DEPENDS = (("allowCreate", "Create"), ("allowEdit", "Edit"), ("allowDelete", "Delete"))


class PermissionSets:
    """The permission sets, which are records as well."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def problems(self, sent: Sent, outlook: Outlook) -> Iterator[Problem]:
        """Why the permission set cannot be saved."""
        yield from foreign_namespace(sent)
        for one in sent.element.all("fieldPermissions"):
            yield from _wrong_field(one, outlook)
        for one in sent.element.all("objectPermissions"):
            yield from _wrong_object(one, outlook)

    def apply(self, sent: Sent) -> None:
        """Makes the record of the set, and those of its permissions in place of the old ones."""
        org, element = self._catalogue.org, sent.element
        with org.transaction():
            values = {"Label": element.value("label"), "Description": element.value("description")}
            values |= self._of_user(element)
            record_id = self._record(sent.full_name)
            if record_id is None:
                record_id = org.insert("PermissionSet", {"Name": sent.full_name, **values})
            else:
                org.update("PermissionSet", record_id, values)
                self._clear(record_id)
            for sobject, row in _grants(element):
                org.insert(sobject, {"ParentId": record_id, **row})
        self._catalogue.use_id("PermissionSet", sent.full_name, record_id)
        self._catalogue.put(sent)

    def obstacles(self, full_name: str, _: Outlook) -> Iterator[Problem]:
        """A set that is assigned to somebody stays."""
        record_id = self._record(full_name)
        tables = self._catalogue.org.tables
        if record_id and tables.where("PermissionSetAssignment", "PermissionSetId", record_id):
            # Help, "Delete Permission Sets": not while it is assigned; the wording is unverified.
            message = "You can't delete this permission set because it's assigned to users."
            yield Problem(message=message, code="DELETE_FAILED")

    def remove(self, full_name: str) -> None:
        """Removes the set's record, and so its permissions."""
        record_id = self._record(full_name)
        if record_id is not None:
            self._catalogue.org.delete("PermissionSet", record_id)
        self._catalogue.drop("PermissionSet", full_name)

    def _record(self, name: str) -> str | None:
        rows = self._catalogue.org.tables.rows("PermissionSet")
        return next((str(row["Id"]) for row in rows if row["Name"] == name), None)

    def _clear(self, record_id: str) -> None:
        org = self._catalogue.org
        for sobject in ("FieldPermissions", "ObjectPermissions"):
            for row in org.tables.where(sobject, "ParentId", record_id):
                org.delete(sobject, row["Id"])

    def _of_user(self, element: Element) -> dict[str, Any]:
        """The user permissions that the object has fields for."""
        fields = self._catalogue.org.known("PermissionSet").fields
        given = {
            f"Permissions{one.value('name')}": one.flag("enabled") for one in element.all("userPermissions")
        }
        return {name: enabled for name, enabled in given.items() if name in fields}


def _grants(element: Element) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in element.all("fieldPermissions"):
        name = one.value("field") or ""
        edit = one.flag("editable")
        row = {"Field": name, "SobjectType": name.partition(".")[0], "PermissionsEdit": edit}
        yield "FieldPermissions", {**row, "PermissionsRead": edit or one.flag("readable")}
    for one in element.all("objectPermissions"):
        flags = {theirs: one.flag(ours) for theirs, ours in OBJECT_PERMISSIONS.items()}
        yield "ObjectPermissions", {"SobjectType": one.value("object"), **flags}


def _wrong_field(one: Element, outlook: Outlook) -> Iterator[Problem]:
    full_name = one.value("field") or ""
    sobject, _, name = full_name.partition(".")
    field = outlook.field(sobject, name)
    if field is None:
        yield Problem(message=f"In field: field - no CustomField named {full_name} found", at=one)
    elif _always_visible(field):
        message = f"You cannot deploy to a required field: {full_name}"
        yield Problem(message=message, code="FIELD_INTEGRITY_EXCEPTION", at=one)


def _always_visible(field: Field) -> bool:
    required = not field.nillable and field.type != "boolean" and not field.auto_number
    return required or field.master_detail or field.name == "Id"


def _wrong_object(one: Element, outlook: Outlook) -> Iterator[Problem]:
    name = one.value("object") or ""
    if not outlook.has("CustomObject", name):
        yield Problem(message=f"In field: field - no CustomObject named {name} found", at=one)
        return
    for flag, verb in _DEPENDS:
        if one.flag(flag) and not one.flag("allowRead"):
            message = f"Permission {verb} {name} depends on permission(s): Read {name}"
            yield Problem(message=message, code="FIELD_INTEGRITY_EXCEPTION", at=one)
            return
