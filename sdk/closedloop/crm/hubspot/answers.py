"""What HubSpot's answers mean: which of our errors a refusal is, and what a page or a batch holds.

Every field of an error body is optional (developers.hubspot.com/docs/api-reference/error-handling), so
nothing here relies on one. HubSpot's own `message` is never passed on: it quotes property values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from closedloop.errors import (
    AnswerError,
    AuthenticationError,
    CrmError,
    GoneError,
    QuotaError,
    RefusedError,
    RetryableError,
)

Json = dict[str, Any]

_WORD = re.compile(r"[A-Za-z0-9_.\-]{1,100}")
_WINDOWS = {"TEN_SECONDLY_ROLLING": 10.0, "SECONDLY": 1.0}
"""How long a 429 lasts by its `policyName`; DAILY ends at midnight of the account's time zone."""
_PASSING = frozenset({500, 502, 503, 504, 521, 523, 524})
"""Pause and try again; 522, 525 and 526 are not transient by HubSpot's documentation."""
_UNKNOWN_PROPERTY = re.compile(r"PROPERTY_DOESNT_EXIST|Forbidden properties")
"""The CRM API's code, and what the campaigns API says of properties that it does not take (by others'
accounts of live portals: it has no code for it)."""
_STATUSES = {"OBJECT_NOT_FOUND": 404, "NOT_FOUND": 404, "CONFLICT": 409, "RATE_LIMITS": 429}
"""The status that a failure within a batch would have had alone, by its category; else 400."""


def decoded(body: bytes) -> Any:
    """The JSON of a successful answer; a page of HTML with status 200 is an `AnswerError`."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise AnswerError(
            "HubSpot's answer is not JSON: check that the base URL is HubSpot's API and no proxy answers",
            reason="not_json",
        ) from None


def error_of(status: int, headers: Mapping[str, str] | None, body: bytes | str | None) -> CrmError:
    """Our error for an answer that is not a success."""
    told = _told(body)
    where: Json = {"status": status or None, "code": code_of(told), "correlation_id": _correlation(told)}
    if status == 429:
        return _too_many(told, headers, where)
    if status == 423:  # the record is being written by something else: two seconds at least
        return RetryableError(
            "HubSpot has locked the record for now", retry_after=max(2.0, _wait(headers) or 0), **where
        )
    if status == 477:
        return RetryableError(
            "HubSpot is moving the account to another data centre: try later",
            reason="migrating",
            retry_after=_wait(headers) or 3600.0,
            **where,
        )
    if status in _PASSING:
        return RetryableError(f"HubSpot is unwell ({status}): try later", retry_after=_wait(headers), **where)
    return _final(status, told, where)


def _too_many(told: Json, headers: Mapping[str, str] | None, where: Json) -> RetryableError:
    policy = str(told.get("policyName") or "").upper()
    if policy == "DAILY":
        return QuotaError(
            "HubSpot's daily allowance of calls is used up: it comes back at midnight, account time",
            reason="daily_quota",
            retry_after=_wait(headers),
            **where,
        )
    wait = _wait(headers)
    return RetryableError(
        "HubSpot asks for fewer calls",
        reason="rate_limited",
        retry_after=_WINDOWS.get(policy, 1.0) if wait is None else wait,
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
        unknown = status == 400 and _UNKNOWN_PROPERTY.search(json.dumps(told))
        reason = "unknown_property" if unknown else "refused"
        return RefusedError(f"HubSpot refuses the request: {words or status}", reason=reason, **where)
    return AnswerError(
        f"HubSpot answered {status or 'nothing'} where its API answers JSON: check the base URL",
        reason="not_the_api",
        **where,
    )


def item_error(told: Json) -> CrmError:
    """Our error for one entry of a batch's `errors`; its `status` is the word "error", not a number."""
    category = str(told.get("category") or "")
    return error_of(_STATUSES.get(category, 400), None, json.dumps(told))


def names_of(told: Json) -> frozenset[str]:
    """The inputs that one entry of a batch's `errors` is about; often none."""
    context = _context(told)
    return frozenset(
        name for key in ("ids", "id", "fromObjectId") for name in _strings(context.get(key), limit=200)
    )


def code_of(told: Json) -> str | None:
    """HubSpot's most telling word: the first detail's code, else the sub-category, else the category."""
    first = next(iter(errors_of(told)), {})
    for word in (first.get("code"), told.get("subCategory"), told.get("category"), told.get("errorType")):
        if isinstance(word, str) and _WORD.fullmatch(word):
            return word
    return None


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
    if not all(isinstance(result.get("id"), str | int) and str(result["id"]) for result in kept):
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
    """The category, the codes and the properties at fault: all that is safe to repeat."""
    details = errors_of(told)
    codes = [*_strings([told.get("category")]), *_strings([detail.get("code") for detail in details])]
    faults = [name for d in details for name in _strings(_context(d).get("propertyName"))]
    text = ", ".join(dict.fromkeys(codes))
    return f"{text} ({', '.join(dict.fromkeys(faults))})" if faults else text


def _context(told: Json) -> Json:
    context = told.get("context")
    return context if isinstance(context, dict) else {}


def _strings(values: object, *, limit: int = 20) -> list[str]:
    """The harmless words among the values: free text may hold personal data."""
    listed = values if isinstance(values, list) else [values]
    return [str(v) for v in listed[:limit] if isinstance(v, str | int) and _WORD.fullmatch(str(v))]


def _correlation(told: Json) -> str | None:
    return next(iter(_strings(told.get("correlationId"))), None)


def _wait(headers: Mapping[str, str] | None) -> float | None:
    """The seconds of `Retry-After`, where there are any; HubSpot often leaves the header out."""
    text = (headers or {}).get("Retry-After") or ""
    return float(text) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text, re.ASCII) else None
