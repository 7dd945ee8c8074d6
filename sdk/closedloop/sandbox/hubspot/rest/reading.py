"""Reads JSON that a stranger sent: it is either understood or refused with HubSpot's 400."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError, left_out

_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)


def inputs_of(body: Mapping[str, Any], limit: int, *, of: str = "") -> list[dict[str, Any]]:
    """The inputs of a batch, at most `limit`. The words of the refusal: notes of others on a batch read of
    contacts, and for property histories pull request 9359 of activepieces/activepieces."""
    inputs = objects(body, "inputs")
    if len(inputs) > limit:
        what = f"a batch request for {of}" if of else "a batch"
        raise HubSpotError(
            f"The maximum number of inputs supported in {what} is {limit}. "
            "Please reduce the number of items and try again"
        )
    return inputs


def objects(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects under a name; nothing there is an empty list."""
    rows = body.get(name)
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise HubSpotError(f"Invalid input JSON: {name} has to be a list of objects")
    return rows


def mapping(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object under a name; nothing there is an empty object."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise HubSpotError(f"Invalid input JSON: {name} has to be an object")
    return value


def words(body: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts under a name."""
    values = body.get(name)
    if values is None:
        return []
    if not isinstance(values, list):
        raise HubSpotError(f"Invalid input JSON: {name} has to be a list")
    return [str(value) for value in values]


def an_id(body: Mapping[str, Any], name: str = "id") -> str:
    """An id under a name: clients send it as text or as a number."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise left_out(name)
    return str(value)


def whole(raw: Any, name: str, *, default: int, least: int = 0, most: int | None = None) -> int:
    """A whole number within bounds."""
    if raw is None or raw == "":
        return default
    if isinstance(raw, bool) or not _WHOLE.fullmatch(str(raw)):
        raise HubSpotError(f"Invalid {name}: expected a whole number")
    value = int(raw)
    if value < least or (most is not None and value > most):
        raise HubSpotError(f"Invalid {name}: {value} is not between {least} and {most}")
    return value


def repeated(values: Iterable[str]) -> list[str]:
    """The values that occur more than once."""
    return [value for value, times in Counter(values).items() if times > 1]


def parsed(raw: bytes) -> Any:
    """The JSON that was sent; 400 in the words of HubSpot's parser where it is none."""
    text = raw.decode("utf-8", errors="replace")
    if not text.strip():
        raise HubSpotError("Invalid input JSON on line 1, column 0: No content to map due to end-of-input")
    try:
        return json.loads(text)
    except RecursionError:
        raise HubSpotError(
            "Invalid input JSON on line 1, column 1: the document is nested too deeply"
        ) from None
    except json.JSONDecodeError as problem:
        raise HubSpotError(
            f"Invalid input JSON on line {problem.lineno}, column {problem.colno}: {_unexpected(problem)}"
        ) from None
    except ValueError:
        raise HubSpotError("Invalid input JSON on line 1, column 1: a number is too long") from None


def _unexpected(problem: json.JSONDecodeError) -> str:
    """What stands where a value should (as users report it of HubSpot's parser)."""
    if problem.pos >= len(problem.doc):
        return "Unexpected end-of-input"
    char = problem.doc[problem.pos]
    expected = "a valid value (number, String, array, object, 'true', 'false' or 'null')"
    return f"Unexpected character ('{char}' (code {ord(char)})): expected {expected}"


def an_object(value: Any) -> dict[str, Any]:
    """The JSON object; 400 for another kind of value, in the words of HubSpot's parser."""
    if isinstance(value, dict):
        return value
    kind = "Array" if isinstance(value, list) else "String" if isinstance(value, str) else "scalar"
    token = {"Array": "START_ARRAY", "String": "VALUE_STRING"}.get(kind, "VALUE_NUMBER_INT")
    raise HubSpotError(
        "Invalid input JSON on line 1, column 1: Cannot deserialize value of type "
        "`java.util.LinkedHashMap<java.lang.String,java.lang.Object>` "
        f"from {kind} value (token `JsonToken.{token}`)"
    )
