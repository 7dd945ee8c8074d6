"""Custom objects, and what is changed of standard ones.

Metadata API Developer Guide, "CustomObject".
"""

from __future__ import annotations

from collections.abc import Iterator

from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.component import Problem, Sent
from closedloop.sandbox.salesforce.metadata.definitions import object_definition
from closedloop.sandbox.salesforce.metadata.outlook import Outlook
from closedloop.sandbox.salesforce.metadata.references import foreign_namespace, users_of

_ENDINGS = ("__c", "__mdt", "__e", "__b", "__x")
_NAME_FIELDS = ("Text", "AutoNumber")


class CustomObjects:
    """The org's objects. Custom metadata types, platform events and the like are kept, and do nothing."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def problems(self, sent: Sent, outlook: Outlook) -> Iterator[Problem]:
        """Why the object cannot be saved."""
        if not sent.full_name.endswith(_ENDINGS):
            if not outlook.has("CustomObject", sent.full_name):
                yield Problem(message=f"no CustomObject named {sent.full_name} found", at=sent.element)
            return
        yield from foreign_namespace(sent)
        element = sent.element
        for name in ("label", "pluralLabel"):
            if not element.value(name) and sent.full_name.endswith("__c"):
                message = f"Must specify a non-empty {name} for the CustomObject"
                yield Problem(message=message, code="REQUIRED_FIELD_MISSING", at=element)
        if sent.full_name.endswith("__c") and element.value("nameField", "type") not in _NAME_FIELDS:
            message = "Must specify a nameField of type Text or AutoNumber"
            yield Problem(message=message, code="FIELD_INTEGRITY_EXCEPTION", at=element)

    def apply(self, sent: Sent) -> None:
        """Makes the object, or changes its labels."""
        if sent.full_name.endswith("__c"):
            self._catalogue.org.schema.add_object(object_definition(sent))
        if sent.full_name.endswith(_ENDINGS):
            self._catalogue.put(sent)

    def obstacles(self, full_name: str, outlook: Outlook) -> Iterator[Problem]:
        """Why it stays: it is a standard one, or something uses it."""
        if not full_name.endswith(_ENDINGS):
            message = f"Cannot delete standard object: {full_name}"
            yield Problem(message=message, code="INSUFFICIENT_ACCESS")
            return
        yield from users_of("CustomObject", full_name, outlook, self._catalogue)

    def remove(self, full_name: str) -> None:
        """Removes the object with its records."""
        self._catalogue.drop("CustomObject", full_name)
        if full_name.endswith("__c"):
            self._catalogue.org.schema.remove_object(full_name)
