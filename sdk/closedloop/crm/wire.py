"""JSON as it travels to and from a CRM: numbers stay exact, and nothing goes out that is not JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from json.encoder import encode_basestring
from typing import Any

from closedloop.errors import AnswerError, BadValueError

_DAY = 86_400.0


def dumps(value: Any) -> bytes:
    """The JSON of plain values and of Decimals, which are written digit by digit.

    Raises BadValueError, with the key as `field`, for what JSON cannot hold: NaN and the infinities, lone
    surrogates, other types. The standard library writes the first as words that no CRM reads and the second
    as text that no CRM can store.
    """
    try:
        return "".join(_written(value, "")).encode()
    except RecursionError:
        raise BadValueError("the value contains itself, or is nested too deeply for JSON") from None


def loads(body: bytes) -> Any:
    """The decoded JSON, with numbers that have a fraction as Decimal; None for an empty body.

    Raises AnswerError for anything else: HTML, a part of an answer, another charset.
    """
    if not body:
        return None
    # Raised outside of a handler: the decoder's error, which would be its context, holds the whole body.
    with suppress(ValueError, ArithmeticError, RecursionError):
        return json.loads(body, parse_float=Decimal, parse_constant=_refused)
    raise AnswerError(
        "the answer is not JSON: check the address of the CRM, and that no proxy answers", reason="not_json"
    )


def retry_after(header: str | None, now: datetime | None = None) -> float | None:
    """The seconds that a Retry-After header asks to wait, at most a day; None for what is neither seconds
    nor a date (RFC 9110, 10.2.3). A date that has passed asks for no wait."""
    words = (header or "").strip()
    if re.fullmatch(r"\d+", words, re.ASCII):
        return min(float(words), _DAY)
    until = moment(words)
    return (
        None if until is None else min(max(0.0, (until - (now or datetime.now(UTC))).total_seconds()), _DAY)
    )


def moment(header: str | None) -> datetime | None:
    """The moment in UTC that an HTTP date names; None for none."""
    try:
        found = parsedate_to_datetime(header or "")
    except (ValueError, OverflowError):
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _written(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _object(value)
    elif isinstance(value, list | tuple):
        yield from _array(value, key)
    else:
        yield _scalar(value, key)


def _object(value: Mapping[Any, Any]) -> Iterator[str]:
    opening = "{"
    for key, inner in value.items():
        if not isinstance(key, str):
            raise BadValueError(f"JSON names are text, not {type(key).__name__}", field=repr(key))
        yield f"{opening}{_text(key, key)}:"
        yield from _written(inner, key)
        opening = ","
    yield "{}" if opening == "{" else "}"


def _array(value: list[Any] | tuple[Any, ...], key: str) -> Iterator[str]:
    opening = "["
    for inner in value:
        yield opening
        yield from _written(inner, key)
        opening = ","
    yield "[]" if opening == "[" else "]"


def _scalar(value: Any, key: str) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value, key)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float | Decimal):
        return _number(value, key)
    raise BadValueError(
        f"{type(value).__name__} cannot be written as JSON: give text, a number, true, false or null",
        field=key,
    )


def _text(value: str, key: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadValueError(
            "the text holds half a character (a lone surrogate): decode it correctly where it comes from",
            field=key.encode(errors="backslashreplace").decode(),
            reason="lone_surrogate",
        ) from None
    return encode_basestring(value)


def _number(value: float | Decimal, key: str) -> str:
    if not (value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)):
        raise BadValueError(f"{value} is no number that JSON can hold", field=key, reason="not_finite")
    return str(value) if isinstance(value, Decimal) else float.__repr__(value)


def _refused(constant: str) -> Any:
    raise ValueError(constant)
