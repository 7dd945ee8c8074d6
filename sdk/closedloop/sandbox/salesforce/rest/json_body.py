"""Reads the JSON of a request; what is none is refused with the place where it goes wrong.

The words are those that Salesforce's users quote of its parser; which of its many sentences a mistake gets is
not imitated beyond the commonest.
"""

from __future__ import annotations

import json
from typing import Any

from closedloop.sandbox.salesforce.refusal import Refusal


def object_in(data: bytes, mimetype: str = "") -> dict[str, Any]:
    """The JSON object in a body. A body that calls itself something else is refused with status 415."""
    if mimetype and not mimetype.endswith("json"):
        # REST API Developer Guide, "Status Codes and Error Responses": 415. The words are our own.
        message = f"The Content-Type {mimetype} is not supported: send application/json."
        raise Refusal("UNSUPPORTED_MEDIA_TYPE", message, status=415)
    if not data.strip():
        message = "The HTTP entity body is required, but this request has no entity body."
        raise Refusal("JSON_PARSER_ERROR", message)
    body = _parsed(data)
    if isinstance(body, list):
        message = "Can not deserialize SObject out of START_ARRAY token at [line:1, column:1]"
        raise Refusal("JSON_PARSER_ERROR", message)
    if not isinstance(body, dict):
        raise Refusal("JSON_PARSER_ERROR", "The HTTP entity body is required to be a JSON object.")
    return body


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise Refusal("JSON_PARSER_ERROR", _what(error)) from None
    except UnicodeDecodeError as error:
        message = f"Invalid UTF-8 start byte 0x{data[error.start]:x} at [line:1, column:{error.start + 1}]"
        raise Refusal("JSON_PARSER_ERROR", message) from None
    except (ValueError, RecursionError):
        # A number with more digits than can be read, or lists within lists without end.
        raise Refusal("JSON_PARSER_ERROR", "Unexpected character at [line:1, column:1]") from None


def _what(error: json.JSONDecodeError) -> str:
    place = f"at [line:{error.lineno}, column:{error.colno}]"
    if error.pos >= len(error.doc):
        return f"Unexpected end-of-input {place}"
    character = error.doc[error.pos]
    return f"Unexpected character ('{character}' (code {ord(character)})) {place}"
