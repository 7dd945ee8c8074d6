"""What an answer of Salesforce's that is no success means: from its status and body to our error.

Bodies come as a list, a bare object, an OAuth object, XML, text, HTML or nothing
(https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm); a record's own
error inside a collections answer has `statusCode` where a whole answer has `errorCode`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from closedloop.crm.salesforce.codes import (
    BAD_REFERENCE,
    CODES,
    CONCURRENT,
    FAILED,
    NOT_THE_API,
    OAUTH,
    REFUSED,
    STATUSES,
    TOTAL,
    Meaning,
)
from closedloop.crm.salesforce.ids import full_id
from closedloop.crm.wire import loads, retry_after
from closedloop.errors import AnswerError, CrmError, DuplicateError, RetryableError, ValueRefusedError

_CODE = re.compile(r"[A-Za-z][\w.-]{0,79}", re.ASCII)
_NAME = re.compile(r"[A-Za-z]\w{0,79}", re.ASCII)
_EMAIL = re.compile(r"[^\s@<>'\"(]+@[^\s@<>'\")]+")
_SECRETS = re.compile(r"00D\w{12,15}![\w.]+|\b(?:[\w-]{10,}\.){2}[\w-]{10,}")  # session ids, JWTs
_VALUE = re.compile(r"(data value too large: ).*?(?= \(max length=|$)")  # somebody's own text
_TWIN = re.compile(r"record with id: ([A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?)\b")
_TRACE = re.compile(r"[\w-]{8,64}", re.ASCII)


def error_of(status: int, body: object, headers: Mapping[str, str] | None = None) -> CrmError:
    """The error that a whole answer of this status and decoded body is; `headers` are in lower case."""
    code, words = _said(body)
    given = headers or {}
    return _error(
        _meaning(status, code, words, body),
        code,
        words,
        body,
        status=status,
        # Seen in recorded answers, documented nowhere: support asks for it.
        correlation_id=next(filter(_TRACE.fullmatch, [given.get("x-sfdc-request-id", "")]), None),
        wait=retry_after(given.get("retry-after")),
    )


def record_error(errors: object) -> CrmError:
    """The error of one record of a collections answer, from its `errors`."""
    first = errors[0] if isinstance(errors, list) and errors else {}
    code, words = _said(first)
    return _error(_meaning(200, code, words, errors) if code else REFUSED, code, words, errors)


def decoded(body: bytes) -> Any:
    """The body of an error: decoded JSON, a fault of the SOAP or Bulk API as an object, else text."""
    try:
        return loads(body)
    except AnswerError:
        return xml_words(body) or body.decode(errors="replace")


def xml_words(body: bytes) -> dict[str, str]:
    """The text of every element by its local name, the first of several; nothing for what is no XML."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return {}
    words: dict[str, str] = {}
    for element in root.iter("{*}*"):
        if element.text:
            words.setdefault(etree.QName(element).localname, element.text.strip())
    return words


def nothing_happened(error: CrmError) -> bool:
    """Whether the answer proves that the request was not carried out: it was refused before it began."""
    if error.status is None or error.code == "REQUEST_RUNNING_TOO_LONG":
        return False
    return error.status < 500 or error.code in {"SERVER_UNAVAILABLE", "API_CURRENTLY_DISABLED"}


def is_collection(body: object) -> bool:
    """Whether a body is a list of per-record results: the shape tells, for some come with status 400."""
    return (
        isinstance(body, list)
        and bool(body)
        and all(isinstance(row, dict) and "success" in row for row in body)
    )


def told(message: str | None) -> str | None:
    """The CRM's words without anything that names a person or opens a door, at most 200 characters."""
    if not message:
        return None
    bare = _VALUE.sub(r"\1<…>", " ".join(message.split()))
    return _SECRETS.sub("<…>", _EMAIL.sub("<e-mail>", bare))[:200]


def _said(body: object) -> tuple[str | None, str | None]:
    """The vendor's code and words, whatever the shape."""
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, dict):
        return None, None
    code = _text(first, "errorCode", "statusCode", "error", "exceptionCode")
    words = _text(first, "message", "error_description", "exceptionMessage")
    return code if code and _CODE.fullmatch(code) else None, words


def _text(body: Mapping[str, Any], *keys: str) -> str | None:
    return next((value for key in keys if isinstance(value := body.get(key), str) and value), None)


def _meaning(status: int, code: str | None, words: str | None, body: object) -> Meaning:
    if code == "REQUEST_LIMIT_EXCEEDED":
        # One code for two limits; only the words differ (API usage metrics and limits).
        return CONCURRENT if "concurrent" in (words or "").lower() else TOTAL
    if code == "INVALID_CROSS_REFERENCE_KEY" and _fields(body):
        return BAD_REFERENCE  # without fields it is the record itself that is missing
    if known := CODES.get(code or "") or STATUSES.get(status):
        return known
    if status >= 500:
        return FAILED
    if code is None:
        return NOT_THE_API
    return OAUTH if isinstance(body, dict) and "error" in body else REFUSED


def _error(
    meaning: Meaning,
    code: str | None,
    words: str | None,
    body: object,
    *,
    status: int | None = None,
    correlation_id: str | None = None,
    wait: float | None = None,
) -> CrmError:
    where = ", ".join(part for part in (code, f"HTTP {status}" if status else None) if part)
    quoted = told(words)
    message = f"Salesforce answered {where or 'an error'}: {meaning.advice}"
    message += f" ({quoted})" if quoted else ""
    more: dict[str, Any] = {}
    if issubclass(meaning.error, RetryableError):
        more["retry_after"] = wait
    elif meaning.error is ValueRefusedError:
        more["fields"] = _fields(body)
    elif meaning.error is DuplicateError:
        more["existing_id"] = _existing(words, body)
    return meaning.error(
        message, reason=meaning.reason, status=status, code=code, correlation_id=correlation_id, **more
    )


def _fields(body: object) -> tuple[str, ...]:
    """The fields that a body's errors name, each once."""
    named = (field for row in _rows(body) for field in _listed(row.get("fields")))
    return tuple(dict.fromkeys(name for name in named if isinstance(name, str) and _NAME.fullmatch(name)))


def _existing(words: str | None, body: object) -> str | None:
    """The record that stands in the way: a duplicate rule's first match, or the one that the words name."""
    for row in _rows(body):
        found = row.get("duplicateResult")
        for result in _rows(_listed(found.get("matchResults")) if isinstance(found, dict) else []):
            for match in _rows(_listed(result.get("matchRecords"))):
                record = match.get("record")
                if isinstance(record, dict) and (known := _id(record.get("Id"))):
                    return known
    twin = _TWIN.search(words or "")
    return _id(twin[1]) if twin else None


def _id(value: object) -> str | None:
    try:
        return full_id(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _rows(body: object) -> Iterator[dict[str, Any]]:
    """The objects in a body, which may be one."""
    yield from (row for row in (body if isinstance(body, list) else [body]) if isinstance(row, dict))
