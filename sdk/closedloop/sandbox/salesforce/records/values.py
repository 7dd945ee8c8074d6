"""Values as the org keeps them, and their forms on the wire.

Text is kept as str, numbers as int or Decimal, dates as date, datetimes as aware UTC in whole seconds
(Salesforce keeps no fractions), ids in 18 characters, and blank text as None.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache, partial
from typing import Any

from closedloop.sandbox.salesforce.ids import long_id
from closedloop.sandbox.salesforce.refusal import Refusal, malformed_id
from closedloop.sandbox.salesforce.schema.sobject import Field

NUMBERS = frozenset({"int", "double", "currency", "percent"})
# Help, "Valid Date and Date/Time Values".
_YEARS = range(1700, 4001)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# What XML cannot hold, so that no record could be sent in an outbound message or read over SOAP.
_UNSENDABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|([\ud800-\udfff])")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMERAL = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?Z?")
_DATETIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)", re.IGNORECASE)


def stored(field: Field, value: Any) -> Any:
    """The value as the org keeps it; what the field cannot hold is refused with Salesforce's code."""
    if value is None or value == "":
        return _blank(field)
    reader: Callable[[Field, Any], Any] = _READERS.get(field.type, _text)
    return reader(field, value)


def prepared(field: Field) -> Callable[[Any], Any]:
    """`stored` for many values of one field: what is right at first sight is taken without a second one."""
    if field.type == "email" or field.type in _READERS:
        return partial(stored, field)
    longest, listed = field.length or sys.maxsize, frozenset(field.values) if field.restricted else None

    def text(value: Any) -> Any:
        short = value.strip() if isinstance(value, str) else ""
        right = short and len(short) <= longest and (listed is None or short in listed)
        return short if right else stored(field, value)

    return text


def to_json(value: Any) -> Any:
    """The value in a REST answer."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return _shown(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value


@lru_cache(maxsize=4096)
def _shown(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def to_xml(value: Any) -> str:
    """The value as text of an outbound message."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return zulu(value) if isinstance(value, datetime) else str(to_json(value))


@lru_cache(maxsize=4096)
def zulu(instant: datetime) -> str:
    """The instant as outbound messages and CSV write it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def parse_datetime(text: str) -> datetime | None:
    """The instant in UTC, whole seconds; None where the text is no datetime with a time zone."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        return None
    try:
        instant = seconds(datetime.fromisoformat(match[1] + match[2].upper().replace("Z", "+00:00")))
    except (ValueError, OverflowError):
        return None
    return instant if instant.year in _YEARS else None


def parse_date(text: str) -> date | None:
    """The date; None where the text is none."""
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
    return day if day and day.year in _YEARS else None


def seconds(instant: datetime) -> datetime:
    """The instant in UTC without its fraction of a second."""
    if instant.tzinfo is UTC and not instant.microsecond:
        return instant
    if instant.utcoffset() is None:
        raise ValueError("a naive datetime names no instant: give it a time zone")
    return instant.astimezone(UTC).replace(microsecond=0)


def _blank(field: Field) -> Any:
    if field.type == "boolean":
        raise Refusal(
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            f"{field.label}: value not of required type: ",
            fields=[field.name],
        )
    return None


def _boolean(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise _unreadable(field, value)


def _number(field: Field, value: Any) -> int | Decimal:
    # Numbers as strings are accepted: recorded in TestUpdatesIntegrationTests (NumberOfEmployees "10000").
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise _unreadable(field, value)
    if isinstance(value, str) and not _NUMERAL.fullmatch(value):
        raise _unreadable(field, value)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise _unreadable(field, value) from None
    if not number.is_finite():
        raise _unreadable(field, value)
    return _in_range(field, number)


def _in_range(field: Field, number: Decimal) -> int | Decimal:
    digits = 9 if field.type == "int" else field.precision - field.scale
    if number and number.adjusted() >= digits:
        message = f"{field.label}: value outside of valid range on numeric field: {number}"
        raise Refusal("NUMBER_OUTSIDE_VALID_RANGE", message, fields=[field.name])
    if field.type == "int":
        return int(number)
    if field.scale or field.custom:
        return number.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)
    return number


def _date(field: Field, value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    # A date field takes the day of a time as well.
    day, _, _ = value.partition("T") if isinstance(value, str) else ("", "", "")
    found = parse_date(day)
    if found is None:
        raise _unreadable(field, value)
    return found


def _datetime(field: Field, value: Any) -> datetime:
    if isinstance(value, datetime):
        return seconds(value)
    found = parse_datetime(value) if isinstance(value, str) else None
    if found is None:
        raise _unreadable(field, value)
    return found


def _id(field: Field, value: Any) -> str:
    found = long_id(value)
    if found is None:
        raise malformed_id(field.label, value, field=field.name)
    return found


def _text(field: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        raise _unreadable(field, value)
    text = _sendable(value).strip()
    if field.length and len(text) > field.length:
        message = f"{field.label}: data value too large: {text} (max length={field.length})"
        raise Refusal("STRING_TOO_LONG", message, fields=[field.name])
    if field.type == "email" and text and not _EMAIL.fullmatch(text):
        message = f"{field.label}: invalid email address: {text}"
        raise Refusal("INVALID_EMAIL_ADDRESS", message, fields=[field.name])
    if field.restricted and text and text not in field.values:
        message = f"{field.label}: bad value for restricted picklist field: {text}"
        raise Refusal("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, fields=[field.name])
    return text or None


def _sendable(text: str) -> str:
    """The text without control characters, and with a question mark for half a surrogate pair, as Java writes
    it. That Salesforce does the same is not confirmed."""
    if text.isprintable():
        return text
    return _UNSENDABLE.sub(lambda found: "?" if found[1] else "", text)


def _choices(field: Field, value: Any) -> str | None:
    """The values of a multi-select picklist, each once, in the order in which they are defined."""
    if not isinstance(value, str):
        raise _unreadable(field, value)
    chosen = {_text(field, part) for part in value.split(";")} - {None}
    if not chosen:
        return None
    known = [v for v in field.values if v in chosen]
    others = [part.strip() for part in value.split(";") if part.strip() and part.strip() not in known]
    return ";".join([*known, *dict.fromkeys(others)])


def _time(field: Field, value: Any) -> str:
    # "hh:mm:ss.sssZ" (SOQL and SOSL Reference, "Date Formats and Date Literals": times).
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) > 23 or int(match[2]) > 59 or int(match[3] or 0) > 59:
        raise _unreadable(field, value)
    return f"{match[1]}:{match[2]}:{match[3] or '00'}.{(match[4] or '').ljust(3, '0')}Z"


_READERS: Mapping[str, Callable[[Field, Any], Any]] = {
    "boolean": _boolean,
    **dict.fromkeys(NUMBERS, _number),
    "date": _date,
    "datetime": _datetime,
    "multipicklist": _choices,
    "reference": _id,
    "id": _id,
    "time": _time,
}


def _unreadable(field: Field, value: Any) -> Refusal:
    message = (
        f"Cannot deserialize instance of {field.type} from {_token(value)} or request may be missing "
        "a required field at [line:1, column:1]"
    )
    return Refusal("JSON_PARSER_ERROR", message)


def _token(value: Any) -> str:
    """The value as the reader of JSON names it."""
    if isinstance(value, bool):
        return "VALUE_TRUE value true" if value else "VALUE_FALSE value false"
    if isinstance(value, dict | list):
        return "START_OBJECT value {" if isinstance(value, dict) else "START_ARRAY value ["
    if isinstance(value, str):
        return f"VALUE_STRING value {value}"
    return f"VALUE_NUMBER_{'INT' if isinstance(value, int) else 'FLOAT'} value {value}"
