"""CustomField and CustomObject elements as the definitions that the org's schema takes."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from closedloop.sandbox.salesforce.metadata.component import Sent
from closedloop.sandbox.salesforce.schema.customising import CustomField, CustomObject
from closedloop.sandbox.salesforce.schema.sobject import Field
from closedloop.sandbox.salesforce.soap.markup import Element

_PRECISION = 18


def field_of(sent: Sent) -> Field:
    """What an object will have of the field."""
    return field_definition(sent).fields()[0]


def field_definition(sent: Sent) -> CustomField:
    """The field that the component describes; raises ValueError for one that the org's schema cannot hold."""
    element = sent.element
    values, default = _values(element)
    kind = element.value("type") or ""
    return CustomField(
        name=sent.short,
        type=kind,
        label=element.value("label") or "",
        length=_number(element, "length"),
        precision=_number(element, "precision") or _PRECISION,
        scale=_number(element, "scale") or 0,
        required=element.flag("required"),
        unique=element.flag("unique"),
        external_id=element.flag("externalId"),
        case_sensitive=element.flag("caseSensitive"),
        values=values,
        restricted=element.flag("valueSet", "restricted"),
        default=default if values else _default(kind, element.value("defaultValue")),
        refers_to=tuple(element.values("referenceTo")),
        relationship=element.value("relationshipName"),
        delete_constraint=element.value("deleteConstraint") or "SetNull",
        formula=element.value("formula"),
        number_format=element.value("displayFormat") or "{0}",
        visible_lines=_number(element, "visibleLines") or 0,
        help_text=element.value("inlineHelpText"),
        order=_number(element, "relationshipOrder") or 0,
    )


def object_definition(sent: Sent) -> CustomObject:
    """The object that the component describes."""
    element = sent.element
    counted = element.value("nameField", "type") == "AutoNumber"
    return CustomObject(
        name=sent.full_name,
        label=element.value("label") or "",
        plural=element.value("pluralLabel") or "",
        name_label=element.value("nameField", "label") or "",
        number_format=(element.value("nameField", "displayFormat") or "{0}") if counted else None,
        sharing=element.value("sharingModel") or "ReadWrite",
    )


def _values(element: Element) -> tuple[tuple[tuple[str, str], ...], str | None]:
    """The values of a picklist with their labels, and which of them is the default."""
    definition = element.find("valueSet", "valueSetDefinition")
    chosen = [] if definition is None else definition.all("value")
    active = [one for one in chosen if one.flag("isActive", default=True)]
    values = [(one.value("fullName") or "", one.value("label") or "") for one in active]
    default = next((one.value("fullName") for one in active if one.flag("default")), None)
    return tuple((value, label or value) for value, label in values), default


def _default(kind: str, text: str | None) -> Any:
    """The default where it is a plain value; what formulas would give is not known here."""
    if kind == "Checkbox":
        return (text or "").lower() == "true"
    if text is None:
        return None
    if kind in ("Number", "Currency", "Percent"):
        try:
            return Decimal(text)
        except InvalidOperation:
            return None
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted and kind in ("Text", "TextArea", "Email", "Phone", "Url") else None


def _number(element: Element, name: str) -> int | None:
    text = element.value(name)
    return int(text) if text else None
