"""Records in the partner API's XML, both ways.

SOAP API Developer Guide, "sObject"; answers as recorded (WWW::Salesforce `t/deserializer.t`; php-src, bug
73237): the type, then the Id, nil where it was not asked for, then the fields: an Id asked for comes twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.soap.markup import Element, Markup, tag

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")
_TYPES = {bool: "xsd:boolean", int: "xsd:int", float: "xsd:double"}


def record(element: Element) -> dict[str, Any]:
    """A record as the REST endpoints take it; what is in fieldsToNull is null, what is nil is left alone."""
    kind = element.value("type") or element.type
    if kind in ("", "sObject"):
        raise Refusal("INVALID_TYPE", "Must send a concrete entity type.")
    found: dict[str, Any] = {"attributes": {"type": kind}}
    for child in element.children:
        if child.name == "fieldsToNull":
            found[child.text.strip()] = None
        elif child.name != "type" and not child.nil:
            found[child.name] = _parent(child) if child.children else child.text
    return found


def shown(found: Mapping[str, Any] | None, name: str) -> Markup:
    """A record of an answer; nil for one that is not there."""
    if found is None:
        return tag(name, None)
    kind = str(found.get("attributes", {}).get("type", "AggregateResult"))
    aggregate = kind == "AggregateResult"
    fields = {key: value for key, value in found.items() if key != "attributes"}
    parts = tag("sf:type", kind) + tag("sf:Id", fields.get("Id"))
    parts += "".join(_field(key, value, typed=aggregate) for key, value in fields.items())
    return tag(name, Markup(parts), xsi_type="sf:sObject")


def query_result(body: Mapping[str, Any], name: str = "result") -> Markup:
    """A QueryResult."""
    locator = str(body.get("nextRecordsUrl", "")).rpartition("/")[2] or None
    parts = tag("done", body["done"]) + tag("queryLocator", locator)
    parts += "".join(shown(one, "records") for one in body["records"])
    return tag(name, Markup(parts + tag("size", body["totalSize"])), xsi_type="QueryResult")


def plain(value: Any) -> Any:
    """A value of a JSON answer as SOAP has it: only instants differ."""
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return value.replace("+0000", "Z")
    return value


def _field(name: str, value: Any, *, typed: bool) -> Markup:
    own = f"sf:{name}"
    if isinstance(value, Mapping) and "records" in value:
        return query_result(value, own)
    if isinstance(value, Mapping):
        return shown(value, own) if "attributes" in value else _compound(own, value)
    if typed and value is not None:
        return tag(own, plain(value), xsi_type=_TYPES.get(type(value), "xsd:string"))
    return tag(own, plain(value))


def _compound(name: str, value: Mapping[str, Any]) -> Markup:
    kind = "location" if set(value) == {"latitude", "longitude"} else "address"
    parts = "".join(tag(key, one) for key, one in sorted(value.items()))
    return tag(name, Markup(parts), xsi_type=kind)


def _parent(element: Element) -> dict[str, Any]:
    """A parent named by its external id."""
    return {c.name: c.text for c in element.children if c.name != "type" and not c.nil}
