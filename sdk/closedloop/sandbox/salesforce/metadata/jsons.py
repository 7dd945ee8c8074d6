"""Components as JSON, as the Tooling API's Metadata field has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.salesforce.metadata import wsdl
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.soap.markup import Element, made

_DEEPEST = 20


def element_of(given: Mapping[str, Any], kind: str) -> Element:
    """The element that the JSON stands for; a refusal where the type has no such part."""
    _check_depth(given, 0)
    element = made(kind, _named(given))
    flaw = next(wsdl.flaws(element, kind), None)
    if flaw is not None:
        raise Refusal("JSON_PARSER_ERROR", flaw.message.replace("{}", ""))
    return element


def json_of(element: Element, kind: str) -> dict[str, Any]:
    """The component's parts; those that it lacks are null, as in the answers of the API."""
    found: dict[str, Any] = {}
    for part in wsdl.parts_of(kind).values():
        children = element.all(part.name)
        values = [_value(child, part) for child in children]
        found[part.name] = values if part.many else values[0] if values else None
    found.pop("fullName", None)
    return found


def _value(element: Element, part: wsdl.Part) -> Any:
    if wsdl.known(part.type):
        return json_of(element, part.type) | _own_name(element)
    text = element.text.strip()
    if part.type == "boolean":
        return text.lower() in ("true", "1")
    if part.type == "int":
        return int(text)
    return float(text) if part.type == "double" else text


def _own_name(element: Element) -> dict[str, Any]:
    name = element.value("fullName")
    return {} if name is None else {"valueName": name}


def _named(given: Any) -> Any:
    """A value of a picklist has its name as `valueName` here, and as `fullName` in XML."""
    if isinstance(given, Mapping):
        return {("fullName" if key == "valueName" else str(key)): _named(one) for key, one in given.items()}
    return [_named(one) for one in given] if isinstance(given, list) else given


def _check_depth(given: Any, depth: int) -> None:
    if depth > _DEEPEST:
        raise Refusal("JSON_PARSER_ERROR", "The Metadata is too deep.")
    inner = given.values() if isinstance(given, Mapping) else given if isinstance(given, list) else ()
    for one in inner:
        _check_depth(one, depth + 1)
