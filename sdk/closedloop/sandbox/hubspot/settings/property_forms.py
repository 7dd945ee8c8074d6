"""Reads property definitions as clients send them; refuses those that HubSpot does not take.

Source: HubSpot documentation, "Properties", its OpenAPI description of 2026-09, and what others saw of a live
portal in October 2026 (docs/hubspot-behaviour.md of scopiousdigital/kalup). Where only the code of a refusal
is known its words are ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.settings.definitions import NON_SENSITIVE, Option, PropertyDefinition

_TYPES = ("bool", "date", "datetime", "enumeration", "number", "phone_number", "string")
_FIELD_TYPES = (
    *("booleancheckbox", "calculation_equation", "checkbox", "date", "file", "html", "number"),
    *("phonenumber", "radio", "select", "text", "textarea"),
)
_SENSITIVITIES = (NON_SENSITIVE, "sensitive", "highly_sensitive")
_TEXTS = {
    "label": "label",
    "description": "description",
    "groupName": "group",
    "type": "type",
    "fieldType": "field_type",
}
_FLAGS = {"hidden": "hidden", "formField": "form_field"}
_MORE = (
    *("calculationFormula", "currencyPropertyName", "numberDisplayHint", "referencedObjectType"),
    *("showCurrencySymbol", "textDisplayHint"),
)
# Only a new definition says these; later they are ignored.
_ONLY_NEW = frozenset({"referencedObjectType"})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_BOOLEAN = {"true", "false"}


def definition_from(body: Mapping[str, Any], at: str) -> PropertyDefinition:
    """The definition of a new property."""
    made = PropertyDefinition(
        name=_name(required(body, "name")),
        label=required(body, "label"),
        type=_one_of(required(body, "type"), "type", _TYPES),
        field_type=_one_of(required(body, "fieldType"), "fieldType", _FIELD_TYPES),
        group=required(body, "groupName"),
        description=str(body.get("description") or ""),
        options=options_from(body.get("options") or []),
        display_order=order_of(body, -1),
        external_options=_flag(body, "externalOptions"),
        unique=_flag(body, "hasUniqueValue"),
        hidden=_flag(body, "hidden"),
        form_field=_flag(body, "formField"),
        sensitivity=_one_of(
            str(body.get("dataSensitivity") or NON_SENSITIVE), "dataSensitivity", _SENSITIVITIES
        ),
        more=_more(body, {}),
        built_in=False,
        created_at=at,
        updated_at=at,
    )
    if made.type == "enumeration" and body.get("options") is None and not made.external_options:
        raise HubSpotError("Enumeration properties require options: [options]")
    _refuse_references(made)
    return _calculated(_checked(made))


def changed_definition(old: PropertyDefinition, body: Mapping[str, Any], at: str) -> PropertyDefinition:
    """A definition with what a body says of it: what is left out or null stays. The name, whether values are
    unique and how sensitive they are cannot be changed and are ignored."""
    texts = {field: str(body[word]) for word, field in _TEXTS.items() if body.get(word) is not None}
    flags = {field: _flag(body, word) for word, field in _FLAGS.items() if body.get(word) is not None}
    _one_of(texts.get("type", old.type), "type", (*_TYPES, old.type))
    _one_of(texts.get("field_type", old.field_type), "fieldType", (*_FIELD_TYPES, old.field_type))
    changes: dict[str, Any] = {
        **texts,
        **flags,
        "options": old.options if body.get("options") is None else options_from(body["options"]),
        "display_order": order_of(body, old.display_order),
        "more": _more({word: body.get(word) for word in _MORE if word not in _ONLY_NEW}, dict(old.more)),
        "updated_at": at,
    }
    return _calculated(_checked(replace(old, **changes)))


def options_from(rows: Any) -> tuple[Option, ...]:
    """The options of a definition; one that names no place in the order comes last (recorded)."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise HubSpotError("Invalid input JSON: options has to be a list of objects")
    last = max((order_of(row, -1) for row in rows), default=-1)
    return tuple(
        Option(
            label=required(row, "label"),
            value=required(row, "value"),
            description=str(row["description"]) if row.get("description") is not None else None,
            display_order=order_of(row, last + 1),
            hidden=bool(row.get("hidden")),
        )
        for row in rows
    )


def required(body: Mapping[str, Any], name: str) -> str:
    """The text that a body has to hold under a name; 400 when it does not (as in issue 307 of
    HubSpot/hubspot-api-nodejs, where the place in the JSON is the client's)."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise HubSpotError(
            f"Invalid input JSON on line 1, column 1: Some required fields were not set: [{name}]"
        )
    return value


def order_of(body: Mapping[str, Any], default: int) -> int:
    """The place in the order that a body names."""
    order = body.get("displayOrder")
    return order if isinstance(order, int) and not isinstance(order, bool) else default


def _name(name: str) -> str:
    """Lower-case letters, digits and underscores, beginning with a letter, at most 100 (documented)."""
    if not _NAME.fullmatch(name):
        raise HubSpotError(
            f"Property name {name} is invalid: it has to begin with a lower-case letter and to hold at most "
            "100 lower-case letters, digits and underscores",
            context={"name": [name]},
        )
    return name


def _one_of(value: str, name: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise HubSpotError(
            f"Invalid input JSON on line 1, column 1: Cannot deserialize value for {name} from String "
            f'"{value}": not one of the values accepted for Enum class: [{", ".join(allowed)}]',
            category="VALIDATION_ERROR",
        )
    return value


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise HubSpotError(f"Invalid input JSON on line 1, column 1: {name} has to be a boolean")
    return bool(value)


def _more(body: Mapping[str, Any], old: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    sent = {word: body[word] for word in _MORE if body.get(word) is not None}
    if any(sent.get(word) == "" for word in ("numberDisplayHint", "textDisplayHint")):
        raise HubSpotError("Invalid input JSON on line 1, column 1: a display hint cannot be empty")
    return tuple({**old, **sent}.items())


def _checked(made: PropertyDefinition) -> PropertyDefinition:
    values = [option.value for option in made.options]
    if len(set(values)) < len(values):
        raise HubSpotError(f"Property {made.name} has options with the same value")
    if made.type == "bool" and not made.built_in and set(values) != _BOOLEAN:
        raise _invalid("INVALID_BOOLEAN_OPTION", f"Property {made.name} needs the options true and false")
    more = dict(made.more)
    if more.get("currencyPropertyName") is not None and not more.get("showCurrencySymbol"):
        raise _invalid(
            "ONLY_CURRENCY_PROPERTIES_CAN_SPECIFY_CURRENCY",
            f"Property {made.name} does not show a currency symbol",
        )
    return made


def _refuse_references(made: PropertyDefinition) -> None:
    if made.external_options and (made.options or not dict(made.more).get("referencedObjectType")):
        raise HubSpotError("externalOptions needs a referencedObjectType and no options")


def _calculated(made: PropertyDefinition) -> PropertyDefinition:
    """A formula makes a property a calculated one, whatever its field type is said to be."""
    if "calculationFormula" not in dict(made.more):
        return made
    return replace(made, field_type="calculation_equation", calculated=True, read_only=True)


def _invalid(code: str, message: str) -> HubSpotError:
    return HubSpotError(message, sub_category=f"PropertyValidationError.{code}")
