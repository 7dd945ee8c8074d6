"""Renaming a component: a custom object with its records, or what is only kept.

Metadata API Developer Guide, "renameMetadata()".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.component import Problem
from closedloop.sandbox.salesforce.schema.sobject import SObject

_FIXED = frozenset({"CustomField", "Flow", "FlowDefinition", "PermissionSet", "WorkflowOutboundMessage"})


def rename(catalogue: Catalogue, kind: str, old: str, new: str) -> Iterator[Problem]:
    """Renames it; yields why it cannot be done, in which case nothing happened."""
    if catalogue.get(kind, old) is None:
        yield Problem(message=f"no {kind} named {old} found")
    elif catalogue.get(kind, new) is not None:
        message = f"There is already a {kind} named {new}."
        yield Problem(message=message, code="DUPLICATE_DEVELOPER_NAME")
    elif kind != "CustomObject" and kind not in _FIXED:
        catalogue.rename(kind, old, new)
    else:
        yield from _rename_object(catalogue, kind, old, new)


def _rename_object(catalogue: Catalogue, kind: str, old: str, new: str) -> Iterator[Problem]:
    found = catalogue.org.tables.objects.find(old)
    endings = old.endswith("__c") and new.endswith("__c")
    if kind != "CustomObject" or found is None or not endings or _referred(catalogue, found):
        message = f"The sandbox cannot rename {kind} {old}: only a custom object that nothing refers to"
        yield Problem(message=message, code="INVALID_OPERATION")
        return
    tables = catalogue.org.tables
    tables.adopt(replace(found, name=new))
    for row in list(tables.rows(found.name, deleted=True)):
        tables.put(new, row)
    tables.commit()
    tables.discard(found)
    catalogue.rename_object(found.name, new)


def _referred(catalogue: Catalogue, found: SObject) -> bool:
    return bool(catalogue.org.tables.objects.referring(found))
