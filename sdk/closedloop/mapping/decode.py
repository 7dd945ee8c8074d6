"""From the bytes of an answer to plain values: JSON, XML or CSV, whichever it is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lxml import etree

_LARGEST = 50_000_000


class UnreadableError(ValueError):
    """A body that is none of the formats; `reason` is a stable slug."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class Xml:
    """A parsed XML document."""

    root: etree._Element


@dataclass(frozen=True, slots=True)
class Csv:
    """The rows of a CSV file, by its header."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]


def decode(body: Any) -> Any:
    """Plain JSON values, an Xml or a Csv; what is decoded already is returned as it is."""
    if isinstance(body, bytes | bytearray | memoryview):
        return _decode_text(_text(bytes(body)))
    if isinstance(body, str):
        return _decode_text(body.removeprefix("\ufeff"))
    return body


def _text(body: bytes) -> str:
    if len(body) > _LARGEST:
        raise UnreadableError("too_large", f"the body has more than {_LARGEST} bytes: read it in pages")
    encoding = "utf-16" if body.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        raise UnreadableError("bad_encoding", "the body is not UTF-8") from None


def _decode_text(text: str) -> Any:
    start = text.lstrip()[:1]
    if not start:
        raise UnreadableError("empty_body", "the body is empty")
    if start == "<":
        return _xml(text)
    try:
        return _json(text)
    except RecursionError:
        raise UnreadableError("bad_json", "the JSON is nested too deeply") from None
    except (ValueError, ArithmeticError):
        if start in "{[":
            raise UnreadableError("bad_json", "the JSON is cut off or malformed") from None
        return _csv(text)


def _json(text: str) -> Any:
    """The JSON's value. Amounts stay exact, and 1e400 does not become infinite."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except json.JSONDecodeError:
        raise
    except (ValueError, ArithmeticError):  # a number beyond what Python reads: only its own field is at fault
        return json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_refuse_constant)


def _number(text: str) -> Any:
    """The number; its text if it is beyond even Decimal. Python refuses an int of more than 4300 digits."""
    try:
        return int(text) if len(text) < 4000 and text.lstrip("-").isdigit() else Decimal(text)
    except ArithmeticError:
        return text


def _refuse_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


def _xml(text: str) -> Xml:
    if text.lstrip()[:200].lower().startswith(("<!doctype html", "<html")):
        raise UnreadableError("html", "the body is an HTML page, not an answer of the CRM's API")
    # Before it is parsed: a DOCTYPE has no place in what a CRM sends, and entities come with one.
    if "<!DOCTYPE" in text.upper():
        raise UnreadableError("xml_doctype", "the XML has a DOCTYPE, which is never accepted")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return Xml(_parse(text, parser))
    except (etree.XMLSyntaxError, ValueError):
        raise UnreadableError("bad_xml", "the XML is cut off or malformed") from None


def _parse(text: str, parser: etree.XMLParser) -> etree._Element:
    """The root; a declaration may name the encoding that the text had as bytes, so it is left out."""
    text = text.lstrip()
    return etree.fromstring((text.partition("?>")[2] if text.startswith("<?xml") else text).encode(), parser)


def _csv(text: str) -> Csv:
    try:
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
    except csv.Error:
        raise UnreadableError("not_a_body", "the body is neither JSON nor XML nor CSV") from None
    if not rows or len(rows[0]) < 2 or any(None in row or None in row.values() for row in rows):
        raise UnreadableError("not_a_body", "the body is neither JSON nor XML nor a CSV table")
    return Csv(tuple(rows[0]), tuple(rows))
