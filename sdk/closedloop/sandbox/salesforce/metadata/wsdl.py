"""The types of the Metadata API, read from Salesforce's own WSDL.

It comes with simple-salesforce (version 63.0), which this package needs anyway; the client itself is not
imported. What an element of a file may hold is checked against it. Salesforce takes children in any order, as
long as those of one name stand together: "Element X is duplicated at this location in type Y" (reported by
many; nobody reports a refusal of the order alone).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lxml import etree

from closedloop.sandbox.salesforce.soap.markup import Element

SPACE = "http://soap.sforce.com/2006/04/metadata"
_XSD = "{http://www.w3.org/2001/XMLSchema}"
# Not in this version's WSDL, but Salesforce takes it (recorded: amp-labs/connectors, an upsert's payload).
_OLDER: Mapping[str, tuple[str, str]] = {"CustomField": ("indexed", "boolean")}
_SWITCHES = frozenset({"true", "false", "1", "0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One child of a type: its name and type, and how often it may come."""

    name: str
    type: str
    required: bool
    many: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What is wrong with an element, and where."""

    message: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Types:
    parts: Mapping[str, Mapping[str, Part]]
    words: Mapping[str, frozenset[str]]


def known(name: str) -> bool:
    """Whether there is a type of that name."""
    return name in _types().parts


def parts_of(name: str) -> Mapping[str, Part]:
    """The children of a type in the order in which Salesforce writes them: the inherited ones first."""
    return _types().parts.get(name, {})


def words_of(name: str) -> frozenset[str]:
    """The values of an enumeration; empty for any other type."""
    return _types().words.get(name, frozenset())


def flaws(element: Element, name: str) -> Iterator[Flaw]:
    """Everything in the element that its type does not allow."""
    parts = parts_of(name)
    seen: dict[str, None] = {}
    last = ""
    for child in element.children:
        part = parts.get(child.name)
        if part is None or child.space not in (SPACE, ""):
            yield _flaw(
                child, f"Element {{{child.space}}}{child.name} invalid at this location in type {name}"
            )
            continue
        if child.name in seen and not (part.many and last == child.name):
            yield _flaw(child, f"Element {child.name} is duplicated at this location in type {name}")
        seen[child.name], last = None, child.name
        yield from _flaws_of_part(child, part)
    missing = next((p for p in parts.values() if p.required and p.name not in seen), None)
    if missing is not None:
        yield _flaw(element, f"Required field is missing: {missing.name}")


def _flaws_of_part(child: Element, part: Part) -> Iterator[Flaw]:
    if child.nil:
        return
    if part.type in _types().parts:
        yield from flaws(child, child.type if known(child.type) else part.type)
        return
    if child.children:
        inner = child.children[0]
        message = f"Unexpected element {{{inner.space}}}{inner.name} during simple type deserialization"
        yield _flaw(inner, message)
        return
    yield from _flaws_of_text(child, part)


def _flaws_of_text(child: Element, part: Part) -> Iterator[Flaw]:
    text = child.text.strip()
    words = words_of(part.type)
    if words and text not in words:
        yield _flaw(child, f"'{text}' is not a valid value for the enum '{part.type}'")
    elif part.type == "boolean" and text.lower() not in _SWITCHES:
        yield _flaw(child, f"'{text}' is not a valid value for the type xsd:boolean")
    elif part.type in ("int", "double") and not _is_number(text, whole=part.type == "int"):
        yield _flaw(child, f'For input string: "{text}"')


def _is_number(text: str, *, whole: bool) -> bool:
    try:
        return bool(text.isascii() and (int(text) if whole else float(text)) is not None)
    except ValueError:
        return False


def _flaw(element: Element, message: str) -> Flaw:
    return Flaw(message=message, line=element.line, column=element.column)


@cache
def _types() -> _Types:
    root = etree.parse(_file()).getroot()
    schema = root.find(f".//{_XSD}schema[@targetNamespace='{SPACE}']")
    if schema is None:
        raise RuntimeError("the WSDL of simple-salesforce has no schema of the Metadata API: install it anew")
    complexes = {str(c.get("name")): c for c in schema.findall(f"{_XSD}complexType")}
    words = {
        str(simple.get("name")): frozenset(str(e.get("value")) for e in simple.iter(f"{_XSD}enumeration"))
        for simple in schema.findall(f"{_XSD}simpleType")
    }
    return _Types(
        parts={name: dict(_parts(name, complexes)) for name in complexes},
        words={name: values for name, values in words.items() if values},
    )


def _parts(name: str, complexes: Mapping[str, etree._Element]) -> Iterator[tuple[str, Part]]:
    extension = complexes[name].find(f".//{_XSD}extension")
    base = None if extension is None else _local(extension.get("base"))
    if base is not None and base in complexes:
        yield from _parts(base, complexes)
    for element in complexes[name].iter(f"{_XSD}element"):
        own = str(element.get("name"))
        part = Part(
            name=own,
            type=_local(element.get("type")),
            required=element.get("minOccurs", "1") != "0" and element.get("nillable") != "true",
            many=element.get("maxOccurs") == "unbounded",
        )
        yield own, part
    if name in _OLDER:
        own, kind = _OLDER[name]
        yield own, Part(name=own, type=kind, required=False, many=False)


def _local(name: str | None) -> str:
    return (name or "").rpartition(":")[2]


def _file() -> str:
    spec = find_spec("simple_salesforce")
    if spec is None or spec.origin is None:
        raise RuntimeError("the sandbox's Metadata API needs simple-salesforce: install it")
    return str(Path(spec.origin).with_name("metadata.wsdl"))
