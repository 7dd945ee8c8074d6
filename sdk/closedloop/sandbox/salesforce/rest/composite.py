"""Composite: up to 25 requests in one, each of which may use what an earlier one answered.

REST API Developer Guide, "Composite"; bodies as recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from werkzeug import Request
from werkzeug.test import EnvironBuilder

from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.call import Answer, Call

_MOST = 25
_MOST_QUERIES = 5
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])+)\}")
_REFERENCE_ID = re.compile(r"[A-Za-z0-9]\w*")
# What a part may not say for itself (Guide, "Composite Subrequest": httpHeaders).
_NOT_THEIRS = frozenset({"accept", "authorization", "content-type", "content-length", "host"})

Inner = Callable[[Request], Answer]
Part = dict[str, Any]
Done = list[tuple[str, Answer]]


class _HaltedError(Exception):
    """A part failed and the caller wanted all or none."""


def composite(call: Call, inner: Inner) -> Answer:
    """Runs the parts in order; with allOrNone a failure undoes them all."""
    body = call.body()
    parts = parts_of(body)
    if len(parts) > _MOST:
        raise too_many(f"Limit of {_MOST} subrequests exceeded")
    if sum(_is_query(part["url"]) for part in parts) > _MOST_QUERIES:
        raise too_many(f"Limit of {_MOST_QUERIES} query and collections subrequests exceeded")
    done = run(call, parts, inner, all_or_none=bool(body.get("allOrNone")))
    return Answer(body=shown(done))


def run(call: Call, parts: Sequence[Part], inner: Inner, *, all_or_none: bool) -> Done:
    """What every part was answered, in order."""
    done: Done = []
    try:
        with call.org.transaction():
            _run(parts, inner, done, all_or_none=all_or_none)
    except _HaltedError:
        failed = done[-1]
        done = [(r, _halted()) for r, _ in done[:-1]] + [failed]
        done += [(p["referenceId"], _halted()) for p in parts[len(done) :]]
    return done


def parts_of(body: Mapping[str, Any]) -> list[Part]:
    """The parts of the request, if they are complete and their names are good ones."""
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not all(_complete(part) for part in parts):
        raise Refusal(
            "JSON_PARSER_ERROR", "compositeRequest is required: method, url and referenceId of each."
        )
    references = [part["referenceId"] for part in parts]
    for reference in references:
        if not _REFERENCE_ID.fullmatch(reference):
            # The Guide's words; with which code they come on their own is not known.
            message = (
                f"Provided referenceId ('{reference}') must start with a letter or a number, and it can "
                "contain only letters, numbers and underscores ('_')."
            )
            raise Refusal("INVALID_INPUT", message)
    if len(set(references)) < len(references):
        raise Refusal("INVALID_INPUT", "Duplicate referenceId")
    return parts


def shown(done: Done) -> dict[str, Any]:
    """The answers to the parts, as they are answered together."""
    return {
        "compositeResponse": [
            {
                "body": answer.body,
                "httpHeaders": dict(answer.headers),
                "httpStatusCode": answer.status,
                "referenceId": reference,
            }
            for reference, answer in done
        ]
    }


def too_many(message: str) -> Refusal:
    """There is more in the request than it may hold; the code is unverified."""
    return Refusal("LIMIT_EXCEEDED", message)


def answered(inner: Inner, part: Mapping[str, Any], url: str, body: Any) -> Answer:
    """The answer to one request within another."""
    headers = part.get("httpHeaders")
    own = headers.items() if isinstance(headers, dict) else ()
    path, _, query = url.partition("?")
    try:
        # Addresses come unescaped (recorded: `query?q=SELECT Id FROM Account`).
        builder = EnvironBuilder(
            path,
            method=part["method"].upper(),
            query_string=query,
            json=body,
            headers=[(str(n), str(v)) for n, v in own if str(n).lower() not in _NOT_THEIRS],
        )
        return inner(builder.get_request(Request))
    except Refusal as refusal:
        return Answer(status=refusal.status, body=refusal.as_answer())
    except ValueError:
        # An address, or a header, that is none.
        return Answer(
            status=404, body=Refusal("NOT_FOUND", "The requested resource does not exist").as_answer()
        )


def _run(parts: Sequence[Part], inner: Inner, done: Done, *, all_or_none: bool) -> None:
    known: dict[str, Any] = {}
    for part in parts:
        answer = _answer(part, inner, known)
        done.append((part["referenceId"], answer))
        known[part["referenceId"]] = answer.body
        if all_or_none and (answer.status >= 400 or _lost_a_record(answer)):
            raise _HaltedError


def _lost_a_record(answer: Answer) -> bool:
    """Whether a collection within could not write all its records: the outer allOrNone holds for them, too,
    whatever their own says (REST API Developer Guide, "allOrNone Parameters in Composite and Collections
    Requests")."""
    rows = answer.body if isinstance(answer.body, list) else ()
    return any(isinstance(row, dict) and row.get("success") is False for row in rows)


def _complete(part: Any) -> bool:
    return isinstance(part, dict) and all(
        isinstance(part.get(name), str) for name in ("method", "url", "referenceId")
    )


def _is_query(url: str) -> bool:
    return any(word in url for word in ("/query", "/composite/sobjects"))


def _answer(part: Part, inner: Inner, known: Mapping[str, Any]) -> Answer:
    try:
        url, body = _filled(part["url"], known), _filled(part.get("body"), known)
    except Refusal as refusal:
        return Answer(status=refusal.status, body=refusal.as_answer())
    return answered(inner, part, url, body)


def _filled(value: Any, known: Mapping[str, Any]) -> Any:
    """The value with what its references stand for; one that stands alone keeps its type."""
    if isinstance(value, dict):
        return {name: _filled(inner, known) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, known) for inner in value]
    if not isinstance(value, str):
        return value
    alone = _REFERENCE.fullmatch(value)
    if alone:
        return _looked_up(known, alone[1], alone[2])
    return _REFERENCE.sub(lambda match: str(_looked_up(known, match[1], match[2])), value)


def _looked_up(known: Mapping[str, Any], reference: str, path: str) -> Any:
    found: Any = known.get(reference)
    for part in re.findall(r"\w+", path):
        if isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        elif isinstance(found, dict) and part in found:
            found = found[part]
        else:
            message = f"Invalid reference specified. No value for {reference}{path} found in {reference}"
            raise Refusal("PROCESSING_HALTED", message)
    return found


def _halted() -> Answer:
    message = (
        "The transaction was rolled back since another operation in the same transaction failed."  # in full
    )
    return Answer(status=400, body=[{"errorCode": "PROCESSING_HALTED", "message": message}])
