"""What an answer of Salesforce's that is no success means: from its status and body to our error.

Bodies come as a list, a bare object, an OAuth object, text, HTML or nothing
(https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm); a record's own
error inside a collections answer has `statusCode` where a whole answer has `errorCode`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from closedloop.errors import (
    AnswerError,
    AuthenticationError,
    CrmError,
    GoneError,
    QuotaError,
    RefusedError,
    RetryableError,
)


@dataclass(frozen=True, slots=True)
class _Row:
    error: type[CrmError]
    reason: str
    advice: str


_CODES: Mapping[str, _Row] = MappingProxyType(
    {
        # Fix the credentials.
        "INVALID_SESSION_ID": _Row(
            AuthenticationError, "session_expired", "the access token is not accepted"
        ),
        "INVALID_AUTH_HEADER": _Row(AuthenticationError, "bad_token", "the access token is malformed"),
        "INVALID_LOGIN": _Row(AuthenticationError, "bad_credentials", "check the credentials"),
        "API_DISABLED_FOR_ORG": _Row(
            AuthenticationError, "api_disabled", "give the integration user the API Enabled permission"
        ),
        "API_CURRENTLY_DISABLED": _Row(
            AuthenticationError, "api_disabled", "give the integration user the API Enabled permission"
        ),
        # Try later.
        "UNABLE_TO_LOCK_ROW": _Row(RetryableError, "record_locked", "somebody else is changing the record"),
        "SERVER_UNAVAILABLE": _Row(RetryableError, "crm_unavailable", "Salesforce is too busy"),
        "UNKNOWN_EXCEPTION": _Row(RetryableError, "crm_failed", "Salesforce failed inside"),
        "QUERY_TIMEOUT": _Row(RetryableError, "query_timeout", "the query took too long"),
        "REQUEST_RUNNING_TOO_LONG": _Row(RetryableError, "request_timeout", "the request took too long"),
        "INVALID_QUERY_LOCATOR": _Row(RetryableError, "query_expired", "the query has to be asked anew"),
        # It is no more.
        "ENTITY_IS_DELETED": _Row(GoneError, "deleted", "the record was deleted"),
        "NOT_FOUND": _Row(
            GoneError, "not_found", "it does not exist, or the integration user may not see it"
        ),
        "INVALID_CROSS_REFERENCE_KEY": _Row(
            GoneError, "not_found", "a record it names does not exist, or the integration user may not see it"
        ),
        # Refused for good.
        "INVALID_FIELD": _Row(
            RefusedError,
            "no_such_field",
            "the org has no such field, or hides it: check the mapping and the permission set",
        ),
        "INVALID_TYPE": _Row(
            RefusedError,
            "no_such_object",
            "the org has no such object, or hides it: check the permission set",
        ),
        "CANNOT_UPDATE_CONVERTED_LEAD": _Row(
            RefusedError, "lead_converted", "a converted lead cannot be changed"
        ),
        "FIELD_CUSTOM_VALIDATION_EXCEPTION": _Row(
            RefusedError,
            "validation_rule",
            "a validation rule of the org refuses it: exempt the integration user",
        ),
        "REQUIRED_FIELD_MISSING": _Row(
            RefusedError, "field_required", "the org requires a field that is not written"
        ),
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": _Row(
            RefusedError,
            "picklist_value",
            "the picklist is restricted: add the value or make the field a text",
        ),
        "STRING_TOO_LONG": _Row(RefusedError, "too_long", "the field is too short"),
        "INSUFFICIENT_ACCESS_OR_READONLY": _Row(
            RefusedError, "no_access", "the integration user may not change it: assign the permission set"
        ),
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": _Row(
            RefusedError, "no_access", "the integration user may not change its parent: share it"
        ),
        "DUPLICATE_VALUE": _Row(RefusedError, "duplicate", "another record has this value"),
        "DUPLICATES_DETECTED": _Row(RefusedError, "duplicate", "a duplicate rule of the org refuses it"),
    }
)

_STATUSES: Mapping[int, _Row] = MappingProxyType(
    {
        300: _Row(RefusedError, "ambiguous", "several records have this external id"),
        401: _Row(AuthenticationError, "not_authenticated", "check the credentials"),
        # 31.0–40.0 retire with Summer '28 (Help 005321531).
        410: _Row(RefusedError, "api_version_retired", "set a newer api_version"),
        409: _Row(RetryableError, "conflict", "another request was in the way"),
        429: _Row(RetryableError, "too_many_requests", "Salesforce asks for fewer requests"),
    }
)

_NOT_THE_API = _Row(AnswerError, "not_the_api", "this is not the API's answer: check login_url and any proxy")
_FAILED = _Row(RetryableError, "crm_failed", "Salesforce, or something before it, failed")
_OAUTH = _Row(
    AuthenticationError, "bad_credentials", "check the client id and secret, and the app's run-as user"
)
_REFUSED = _Row(RefusedError, "refused", "Salesforce refuses it")
_TOTAL = _Row(QuotaError, "quota", "the org's daily API requests are used up")
_CONCURRENT = _Row(RetryableError, "too_many_requests", "too many long requests run at once")


def error_of(status: int, body: object) -> CrmError:
    """The error that a whole answer of this status and decoded body is."""
    code, words = _said(body)
    return _error(_row(status, code, words, body), status, code, words)


def record_error(errors: object) -> CrmError:
    """The error of one record of a collections answer, from its `errors`."""
    first = errors[0] if isinstance(errors, list) and errors else {}
    code, words = _said(first)
    return _error(_row(200, code, words, first) if code else _REFUSED, None, code, words)


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
    return _SECRETS.sub("<…>", _EMAIL.sub("<e-mail>", " ".join(message.split())))[:200]


_EMAIL = re.compile(r"[^\s@<>'\"(]+@[^\s@<>'\")]+")
_SECRETS = re.compile(r"00D\w{12,15}![\w.]+|\b(?:[\w-]{10,}\.){2}[\w-]{10,}")  # session ids, JWTs


def _said(body: object) -> tuple[str | None, str | None]:
    """The vendor's code and words, whatever the shape."""
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, dict):
        return None, None
    code = _text(first, "errorCode", "statusCode", "error", "exceptionCode")
    return code, _text(first, "message", "error_description", "exceptionMessage")


def _text(body: Mapping[str, Any], *keys: str) -> str | None:
    return next((value for key in keys if isinstance(value := body.get(key), str) and value), None)


def _row(status: int, code: str | None, words: str | None, body: object) -> _Row:
    if code == "REQUEST_LIMIT_EXCEEDED":
        # One code for two limits; only the words differ (API usage metrics and limits).
        return _CONCURRENT if "concurrent" in (words or "").lower() else _TOTAL
    if code is not None and code in _CODES:
        return _CODES[code]
    if status in _STATUSES:
        return _STATUSES[status]
    if status >= 500:
        return _FAILED
    if code is None:
        return _NOT_THE_API
    return _OAUTH if isinstance(body, dict) and "error" in body else _REFUSED


def _error(row: _Row, status: int | None, code: str | None, words: str | None) -> CrmError:
    where = ", ".join(part for part in (code, f"HTTP {status}" if status else None) if part)
    quoted = told(words)
    message = f"Salesforce answered {where or 'an error'}: {row.advice}" + (f" ({quoted})" if quoted else "")
    return row.error(message, reason=row.reason, status=status, code=code)
