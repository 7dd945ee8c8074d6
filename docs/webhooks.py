"""Writes webhooks-out.schema.json from the schemas of the payloads: `make docs`. A test compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from closedloop_server.subscriptions.event_types import MEANINGS
from closedloop_server.subscriptions.payloads import DATA, Envelope

FILE = Path(__file__).with_name("webhooks-out.schema.json")

_HERE = {"#/components/schemas/": "#/$defs/"}


def document() -> str:
    """The JSON Schema of everything that is sent: one of the types, each with its own data."""
    return json.dumps(_schema(), indent=2, ensure_ascii=False) + "\n"


def _schema() -> dict[str, Any]:
    parts = _parts()
    envelope = parts.pop("Envelope")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Closed Loop webhooks",
        "oneOf": [_event(type_, envelope) for type_ in DATA],
        "$defs": parts,
    }


def _event(type_: Any, envelope: dict[str, Any]) -> dict[str, Any]:
    data = {"$ref": f"#/$defs/{type(DATA[type_]).__name__}"}
    properties = {**envelope["properties"], "type": {"const": type_.value}, "data": data}
    return {
        "title": type_.value,
        "description": MEANINGS[type_],
        "type": "object",
        "properties": properties,
        "required": sorted(envelope["required"]),
    }


def _parts() -> dict[str, Any]:
    """The parts of the payloads by name. A receiver accepts fields that it does not know: they may be new."""
    plugin = MarshmallowPlugin(schema_name_resolver=lambda schema: type(schema).__name__)
    spec = APISpec(title="", version="", openapi_version="3.1.0", plugins=[plugin])
    for schema in (Envelope(), *DATA.values()):
        if type(schema).__name__ not in spec.components.schemas:
            spec.components.schema(type(schema).__name__, schema=schema)
    text = json.dumps(spec.to_dict()["components"]["schemas"])
    for old, new in _HERE.items():
        text = text.replace(old, new)
    parts: dict[str, Any] = json.loads(text)
    return {name: _open(parts[name]) for name in sorted(parts)}


def _open(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "additionalProperties"}


if __name__ == "__main__":
    FILE.write_text(document())
    sys.stdout.write(f"{FILE.name} is written\n")
