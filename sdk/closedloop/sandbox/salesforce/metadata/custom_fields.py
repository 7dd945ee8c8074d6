"""Custom fields: what makes one wrong, and what it does in the org.

Metadata API Developer Guide, "CustomField". The messages are those that people report of deployments:
sfdx-hardis `deployTipsList.ts`, salto `salesforce-adapter`, amp-labs/connectors
`metadata/test/err-bad-request.xml` and `test/metadata/write/object15/bad-request.xml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.component import Problem, Sent
from closedloop.sandbox.salesforce.metadata.definitions import field_definition
from closedloop.sandbox.salesforce.metadata.outlook import Outlook
from closedloop.sandbox.salesforce.metadata.references import foreign_namespace, users_of
from closedloop.sandbox.salesforce.soap.markup import Element

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "Checkbox": ("defaultValue",),
    "Currency": ("precision", "scale"),
    "Html": ("length", "visibleLines"),
    "LongTextArea": ("length", "visibleLines"),
    "Lookup": ("referenceTo",),
    "MasterDetail": ("referenceTo",),
    "MultiselectPicklist": ("visibleLines",),
    "Number": ("precision", "scale"),
    "Percent": ("precision", "scale"),
    "Text": ("length",),
}
_REFUSED: Mapping[str, tuple[str, ...]] = {
    "Checkbox": ("required",),
    "Hierarchy": ("referenceTo",),
    "Html": ("required",),
    "LongTextArea": ("required",),
    "Lookup": ("relationshipOrder",),
    "MasterDetail": ("deleteConstraint", "required"),
    "TextArea": ("length",),
}
_LENGTHS: Mapping[str, tuple[int, int]] = {
    "Text": (1, 255),
    "LongTextArea": (256, 131_072),
    "Html": (256, 131_072),
}
# These turn into nothing else, and nothing else turns into them.
_FIXED = frozenset({"Lookup", "MasterDetail", "Hierarchy", "Summary", "Location"})
_WRONG = "FIELD_INTEGRITY_EXCEPTION"


class CustomFields:
    """The fields of the org's objects."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def problems(self, sent: Sent, outlook: Outlook) -> Iterator[Problem]:
        """Why the field cannot be saved."""
        if not sent.short.endswith("__c"):
            if outlook.field(sent.owner, sent.short) is None:
                yield Problem(
                    message="Could not resolve standard field's name.", code=_WRONG, at=sent.element
                )
            return
        if not outlook.has("CustomObject", sent.owner):
            message = f"Entity Enumeration Or ID: bad value for restricted picklist field: {sent.owner}"
            yield Problem(message=message, code="INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", at=sent.element)
            return
        yield from foreign_namespace(sent)
        yield from _wrong_parts(sent.element)
        yield from _unknown_type(sent)
        yield from self._wrong_targets(sent, outlook)
        yield from _wrong_change(sent, outlook.element("CustomField", sent.full_name))

    def apply(self, sent: Sent) -> None:
        """Adds the field, or changes it; of a standard one nothing is changed."""
        if sent.short.endswith("__c"):
            self._catalogue.org.schema.add_field(sent.owner, field_definition(sent))
            self._catalogue.put(sent)

    def obstacles(self, full_name: str, outlook: Outlook) -> Iterator[Problem]:
        """What still uses the field."""
        yield from users_of("CustomField", full_name, outlook, self._catalogue)

    def remove(self, full_name: str) -> None:
        """Removes the field with its values."""
        owner, _, name = full_name.partition(".")
        self._catalogue.drop("CustomField", full_name)
        self._catalogue.org.schema.remove_field(owner, name)

    def _wrong_targets(self, sent: Sent, outlook: Outlook) -> Iterator[Problem]:
        element = sent.element
        for target in element.values("referenceTo"):
            if not outlook.has("CustomObject", target):
                message = f"referenceTo value of '{target}' does not resolve to a valid sObject type"
                yield Problem(message=message, code=_WRONG, at=element)
            elif self._is_taken(sent, target):
                name = element.value("relationshipName")
                message = f"There is already a Child Relationship named {name} on {target}."
                yield Problem(message=message, code="DUPLICATE_DEVELOPER_NAME", at=element)

    def _is_taken(self, sent: Sent, target: str) -> bool:
        objects = self._catalogue.org.tables.objects
        parent, name = objects.find(target), sent.element.value("relationshipName")
        if parent is None or not name:
            return False
        child, field = objects.children(parent).get(f"{name}__r".lower(), (None, None))
        return child is not None and field is not None and f"{child.name}.{field.name}" != sent.full_name


def _unknown_type(sent: Sent) -> Iterator[Problem]:
    try:
        field_definition(sent)
    except ValueError as error:
        yield Problem(message=f"The sandbox cannot make this field: {error}", code=_WRONG, at=sent.element)


def _wrong_parts(element: Element) -> Iterator[Problem]:
    kind = element.value("type")
    if not element.value("label"):
        message = "Must specify a non-empty label for the CustomField"
        yield Problem(message=message, code="REQUIRED_FIELD_MISSING", at=element)
    if kind is None:
        yield Problem(message="Must specify a type for the CustomField", code=_WRONG, at=element)
        return
    needed = () if element.find("formula") is not None else _NEEDED.get(kind, ())
    for name in (name for name in needed if not element.value(name)):
        yield Problem(
            message=f"Must specify '{name}' for a CustomField of type {kind}", code=_WRONG, at=element
        )
    for name in _REFUSED.get(kind, ()):
        given = element.flag(name) if name == "required" else element.value(name)
        if given:
            message = f"Can not specify '{name}' for a CustomField of type {kind}"
            yield Problem(message=message, code=_WRONG, at=element)
    yield from _wrong_length(element, kind)


def _wrong_length(element: Element, kind: str) -> Iterator[Problem]:
    length = element.value("length")
    if kind not in _LENGTHS or not length:
        return
    least, most = _LENGTHS[kind]
    if int(length) < least:
        yield Problem(message=f"Invalid length, minimum is: {least}", code=_WRONG, at=element)
    elif int(length) > most:
        yield Problem(message=f"Invalid length, maximum is: {most}", code=_WRONG, at=element)


def _wrong_change(sent: Sent, old: Element | None) -> Iterator[Problem]:
    was, now = (None if old is None else old.value("type")), sent.element.value("type")
    if old is None or was is None or now is None:
        return
    if (old.value("formula") is None) != (sent.element.value("formula") is None):
        way = (
            "from a Formula to something else" if old.value("formula") else "to a Formula from something else"
        )
        yield Problem(message=f"Cannot update a field {way}", code=_WRONG, at=sent.element)
    elif was != now and {was, now} & _FIXED:
        message = f"Cannot update a field to a {now} from something else"
        yield Problem(message=message, code=_WRONG, at=sent.element)
