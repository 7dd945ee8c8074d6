"""Writes reference.md from the docstrings: `make docs`. A test compares, so the file is never old."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import closedloop

PAGE = Path(__file__).with_name("reference.md")

MODULES = (
    ("closedloop.crm.resource", ("Resource",)),
    ("closedloop.crm.connected", ("ConnectedCrm",)),
    ("closedloop.crm.raw", ("Raw", "Answer")),
    (
        "closedloop.crm.results",
        (
            *("ReadResult", "WriteResult", "WriteOutcome", "ChangePage", "Deletion", "Quota"),
            "Verb",
        ),
    ),
    ("closedloop.crm.base", ("Organisation", "Refusal", "Batch", "Page", "Crm")),
    ("closedloop.crm.salesforce.credentials", ("SalesforceCredentials",)),
    ("closedloop.crm.hubspot.credentials", ("HubSpotCredentials",)),
    ("closedloop.crm.tokens", ("Token",)),
    ("closedloop.crm.retry", ("without_waiting",)),
    ("closedloop.mapping.load", ("Mappings",)),
    ("closedloop.mapping.explain", ("Explanation",)),
    ("closedloop.mapping.discovery", ("Discovery",)),
    ("closedloop.mapping.findings", ("Normalised", "Refused")),
    ("closedloop.schema.records", None),
    ("closedloop.errors", None),
)
"""What is public beside the functions of `closedloop` itself; None: everything that the module defines."""


def page() -> str:
    """The whole page."""
    functions = [name for name in closedloop.__all__ if not name.startswith("__")]
    parts = [
        "# API reference\n\nMade from the docstrings by `make docs`.\n",
        "## closedloop\n",
        *(_entry(f"closedloop.{name}", getattr(closedloop, name)) for name in functions),
    ]
    for name, wanted in MODULES:
        module = import_module(name)
        parts.append(f"## {name}\n\n{_text(inspect.getdoc(module))}")
        parts += [_entry(each, getattr(module, each)) for each in wanted or _public(module)]
    return "\n".join(parts).rstrip() + "\n"


def _public(module: Any) -> Iterator[str]:
    for name, value in vars(module).items():
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__:
            yield name


def _entry(name: str, value: Any) -> str:
    if not isinstance(value, type):
        return f"### `{name}{_signature(value)}`\n\n{_text(inspect.getdoc(value))}"
    parts = [f"### `{name}`\n\n{_text(inspect.getdoc(value))}"]
    if issubclass(value, enum.Enum):
        parts.append(", ".join(f"`{member.value}`" for member in value) + "\n")
    elif dataclasses.is_dataclass(value):
        parts.append(_fields(value))
    parts += [_method(*member) for member in _members(value)]
    return "\n".join(parts)


def _fields(value: Any) -> str:
    rows = [f"| `{field.name}` | `{_type(field.type)}` |" for field in dataclasses.fields(value)]
    return "\n".join(["| field | type |", "|---|---|", *rows, ""])


def _type(written: Any) -> str:
    """The annotation as a table cell can hold it."""
    return str(written).replace("|", "\\|")


def _members(value: type) -> Iterator[tuple[str, Any]]:
    if issubclass(value, BaseException | enum.Enum):
        return
    for name, member in vars(value).items():
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
            yield name, member


def _method(name: str, member: Any) -> str:
    title = name if isinstance(member, property) else f"{name}{_signature(member)}"
    return f"- **`{title}`** " + " ".join(_text(inspect.getdoc(member)).split()) + "\n"


def _signature(function: Any) -> str:
    signature = inspect.signature(function)
    kept = [each for each in signature.parameters.values() if each.name != "self"]
    return str(signature.replace(parameters=kept)).replace("builtins.", "").replace("'", "")


def _text(doc: str | None) -> str:
    """The docstring; what is indented in it is code in Markdown too."""
    return (doc or "") + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE.name} is written\n")
