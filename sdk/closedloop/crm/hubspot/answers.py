"""What HubSpot's answers mean: which of our errors a refusal is, and what a page or a batch holds.

Every field of an error body is optional (developers.hubspot.com/docs/api-reference/error-handling), so
nothing here relies on one. HubSpot's own `message` is never passed on: it quotes property values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

from closedloop.errors import (
    AnswerError,
    AuthenticationError,
    CrmError,
    DuplicateError,
    GoneError,
    QuotaError,
    RefusedError,
    RetryableError,
    ValueRefusedError,
)

Json = dict[str, Any]

_WORD = re.compile(r"[A-Za-z0-9_.\-]{1,100}")
_EXISTING = re.compile(r"\bExisting ID: ([0-9]{1,20})\b", re.ASCII)
"""What a single create of a contact says, by many users' accounts (as hubspot-api-nodejs issue 545)."""
_EXISTS = re.compile(r"already exists", re.IGNORECASE)
_LISTED = re.compile(r"Property values were not valid: (\[.*\])", re.DOTALL)
_FORBIDDEN = re.compile(r"Forbidden properties: \[([^\]]*)\]")
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
_DAY = 86_400.0
"""The longest wait that HubSpot's documentation knows (477); more is a mistake of somebody's."""
_WINDOWS = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0}
"""How long a 429 lasts by its `policyName`; DAILY ends at midnight of the account's time zone."""
_PASSING = frozenset({500, 502, 503, 504, 521, 523, 524})
"""Pause and try again; 522, 525 and 526 are not transient by HubSpot's documentation."""
NOTHING_HAPPENED = frozenset({401, 423, 429, 477, 521, 523})
"""Answers that prove that the request was not carried out: refused at the door, or never reached HubSpot.
The others of those that pass may come after the work was done."""
_UNKNOWN_PROPERTY = re.compile(r"PROPERTY_DOESNT_EXIST|Forbidden properties")
"""The CRM API's code, and what the campaigns API says of properties that it does not take (by others'
accounts of live portals: it has no code for it)."""
_STATUSES = {"OBJECT_NOT_FOUND": 404, "NOT_FOUND": 404, "CONFLICT": 409, "RATE_LIMITS": 429}
"""The status that a failure within a batch would have had alone, by its category; else 400."""


def error_of(
    status: int,
    headers: Mapping[str, str] | None,
    body: bytes | str | None,
    *,
    resets_at: datetime | None = None,
) -> CrmError:
    """Our error for an answer that is not a success. `resets_at` is when the account's next day begins."""
    told, given = _told(body), {name.lower(): value for name, value in (headers or {}).items()}
    traced = _strings([told.get("correlationId"), given.get("x-hubspot-correlation-id")])
    where: Json = {
        "status": status or None,
        "code": code_of(told),
        "correlation_id": next(iter(traced), None),
    }
    if status == 429:
        return _too_many(told, _wait(given), where, resets_at)
    if status == 423:  # the record is being written by something else: two seconds at least
        return RetryableError(
            "HubSpot has locked the record for now", retry_after=max(2.0, _wait(given) or 0), **where
        )
    if status == 477:
        return RetryableError(
            "HubSpot is moving the account to another data centre: try later",
            reason="migrating",
            retry_after=_wait(given) or 3600.0,
            **where,
        )
    if status in _PASSING:
        return RetryableError(f"HubSpot is unwell ({status}): try later", retry_after=_wait(given), **where)
    return _final(status, told, where)


def _too_many(told: Json, wait: float | None, where: Json, resets_at: datetime | None) -> RetryableError:
    policy = str(told.get("policyName") or "").upper()
    if policy == "DAILY":
        return QuotaError(
            "HubSpot's daily allowance of calls is used up: it comes back at midnight, account time",
            reason="daily_quota",
            retry_after=wait,
            resets_at=resets_at,
            **where,
        )
    return RetryableError(
        "HubSpot asks for fewer calls",
        reason="rate_limited",
        retry_after=wait or _WINDOWS.get(policy, 1.0),
        **where,
    )


def _final(status: int, told: Json, where: Json) -> CrmError:
    """The error of an answer that would be the same the next time."""
    words = _words(told)
    if status in (401, 530):  # 530: the token is malformed
        return AuthenticationError(
            f"HubSpot does not accept the access token ({words or status}): check or renew it",
            reason="bad_token",
            **where,
        )
    if status == 403:
        places = (told, *errors_of(told))
        scopes = ", ".join(
            s for each in places for s in _strings(_context(each).get("requiredGranularScopes"))
        )
        return AuthenticationError(
            f"the access token may not do this: give the app the scope {scopes or 'that the call needs'}",
            reason="missing_scope",
            **where,
        )
    if status in (404, 410):
        return GoneError(f"HubSpot has no such record or path ({words or status})", reason="gone", **where)
    if 400 <= status < 500:
        return _refusal(status, told, where)
    return AnswerError(
        f"HubSpot answered {status or 'nothing'} where its API answers JSON: check the base URL",
        reason="not_the_api",
        **where,
    )


def _refusal(status: int, told: Json, where: Json) -> RefusedError:
    """The error of a request that HubSpot understood and does not carry out."""
    existing = _existing_id(told)
    if existing is not None or _is_duplicate(status, told):
        named = f" (id {existing})" if existing else ""
        return DuplicateError(
            f"HubSpot has such a record already{named}: update that one, or give another unique value",
            existing_id=existing,
            **where,
        )
    fields = tuple(dict.fromkeys(_faults(told)))
    words = _words(told) or str(status)
    named = f" ({', '.join(fields)})" if fields else ""
    unknown = status == 400 and _UNKNOWN_PROPERTY.search(json.dumps(told))
    if unknown or fields:
        reason = "unknown_property" if unknown else "value_refused"
        return ValueRefusedError(
            f"HubSpot refuses the request: {words}{named}", fields=fields, reason=reason, **where
        )
    return RefusedError(f"HubSpot refuses the request: {words}", reason="refused", **where)


def item_error(told: Json) -> CrmError:
    """Our error for one entry of a batch's `errors`; its `status` is the word "error", not a number."""
    category = str(told.get("category") or "")
    return error_of(_STATUSES.get(category, 400), None, json.dumps(told))


def names_of(told: Json) -> frozenset[str]:
    """The inputs that one entry of a batch's `errors` is about: ids, trace ids or values of a unique
    property; often none. They may be e-mail addresses: for comparing only."""
    context = _context(told)
    keys = ("ids", "id", "fromObjectId", "objectWriteTraceId")
    listed = [context.get(key) for key in keys]
    flat = [each for value in listed for each in (value if isinstance(value, list) else [value])]
    return frozenset(str(each) for each in flat if isinstance(each, str | int) and str(each))


def code_of(told: Json) -> str | None:
    """HubSpot's most telling word: the first detail's code, else the sub-category, else the category."""
    first = next(iter(errors_of(told)), {})
    listed = next(iter(_listed(told)), {})
    words = [first.get("code"), listed.get("error"), *map(told.get, ("subCategory", "category", "errorType"))]
    # The token endpoint's: an OAuth `error`, or a `status` that is a word, such as BAD_REFRESH_TOKEN.
    words += [told.get("error"), told.get("status")]
    return next((w for w in words if isinstance(w, str) and w != "error" and _WORD.fullmatch(w)), None)


def results_of(answer: Any) -> list[Json]:
    """The `results` of an answer; anything without such a list of objects is an `AnswerError`."""
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        raise AnswerError(
            "HubSpot's answer holds no list of results: it is not its API, or the API has changed",
            reason="no_results",
        )
    return results


def identified(results: Iterable[Json]) -> list[Json]:
    """The same results; one without an id is an `AnswerError`."""
    kept = list(results)
    if not all(type(result.get("id")) in {str, int} and str(result["id"]) for result in kept):
        raise AnswerError("HubSpot's answer holds a record without an id", reason="no_id")
    return kept


def errors_of(answer: Any) -> list[Json]:
    """The `errors` of an answer: the failures of a batch (207), or the details of one error."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def next_of(answer: Any) -> str | None:
    """Where the next page begins, or None at the last: without `paging`, or with an empty one.

    Campaigns send it URL-encoded already ("Mg%3D%3D"), and sending it on as it is would encode it twice.
    """
    paging = answer.get("paging") if isinstance(answer, dict) else None
    following = paging.get("next") if isinstance(paging, dict) else None
    after = following.get("after") if isinstance(following, dict) else None
    return unquote(str(after)) if after not in (None, "") else None


def _told(body: bytes | str | None) -> Json:
    try:
        told = json.loads(body or "{}")
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _words(told: Json) -> str:
    """The category and the codes: all that is safe to repeat, with the names of the properties at fault."""
    codes = [told.get("category"), *(detail.get("code") for detail in errors_of(told))]
    codes += [each.get("error") for each in _listed(told)]
    return ", ".join(dict.fromkeys(_strings([code for code in codes if code])))


def _faults(told: Json) -> list[str]:
    """The properties whose values HubSpot does not take: `errors` names them, else the message does, in
    JSON of its own, and the campaigns API in words."""
    named = [name for d in errors_of(told) for name in _strings(_context(d).get("propertyName"))]
    named += [name for each in _listed(told) for name in _strings(each.get("name"))]
    forbidden = _FORBIDDEN.search(_message(told))
    return named + (_strings(forbidden[1].split(", ")) if forbidden else [])


def _listed(told: Json) -> list[Json]:
    """The values that the message says are wrong: `Property values were not valid: [{name, error, …}]`
    (recorded); the only place of the names where `errors` is left out, which happens."""
    found = _LISTED.search(_message(told))
    try:
        listed = json.loads(found[1]) if found else []
    except (ValueError, RecursionError):
        return []
    return [each for each in listed if isinstance(each, dict)]


def _existing_id(told: Json) -> str | None:
    """The record that is there already: a batch names it in the context, a single create in the message."""
    listed = _strings(_context(told).get("existingId")) or _EXISTING.findall(_message(told))
    return next((each for each in listed if each.isdigit()), None)


def _is_duplicate(status: int, told: Json) -> bool:
    category = told.get("category")
    return category == "OBJECT_ALREADY_EXISTS" or (
        (status == 409 or category == "CONFLICT") and _EXISTS.search(_message(told)) is not None
    )


def _message(told: Json) -> str:
    message = told.get("message")
    return message if isinstance(message, str) else ""


def _context(told: Json) -> Json:
    context = told.get("context")
    return context if isinstance(context, dict) else {}


def _strings(values: object) -> list[str]:
    """The harmless words among the values: free text may hold personal data."""
    listed = values if isinstance(values, list) else [values]
    return [str(v) for v in listed[:20] if isinstance(v, str | int) and _WORD.fullmatch(str(v))]


def _wait(headers: Mapping[str, str]) -> float | None:
    """The seconds of `Retry-After`, as a number or a date, at most a day; None where there is none, or none
    that lies ahead. HubSpot often leaves the header out."""
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
    else:
        try:
            until = parsedate_to_datetime(text)
            since = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
            seconds = (until - since).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(seconds, _DAY) if seconds > 0 else None
