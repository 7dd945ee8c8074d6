"""Composite: up to 25 requests in one, each of which may use what an earlier one answered.

REST API Developer Guide, "Composite"; bodies as recorded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from werkzeug import Request
from werkzeug.test import EnvironBuilder

from closedloop.sandbox.salesforce.call import Answer, Call
from closedloop.sandbox.salesforce.refusal import Refusal

_MOST = 25
_MOST_QUERIES = 5
_REFERENCE = re.compile(r"@\{(\w+)\.([\w.\[\]]+)\}")

Inner = Callable[[Request], Answer]


class _HaltedError(Exception):
    """A part failed and the caller wanted all or none."""


def composite(call: Call, inner: Inner) -> Answer:
    """Runs the parts in order; with allOrNone a failure undoes them all."""
    body = call.body()
    parts = _parts(body)
    all_or_none = bool(body.get("allOrNone"))
    done: list[tuple[str, Answer]] = []
    try:
        with call.org.transaction():
            _run(parts, inner, done, all_or_none=all_or_none)
    except _HaltedError:
        failed = done[-1]
        done = [(r, _halted()) for r, _ in done[:-1]] + [failed]
        done += [(p["referenceId"], _halted()) for p in parts[len(done) :]]
    return Answer(body={"compositeResponse": [_shown(reference, answer) for reference, answer in done]})


def _run(
    parts: list[dict[str, Any]], inner: Inner, done: list[tuple[str, Answer]], *, all_or_none: bool
) -> None:
    known: dict[str, Any] = {}
    for part in parts:
        answer = _answer(part, inner, known)
        done.append((part["referenceId"], answer))
        known[part["referenceId"]] = answer.body
        if all_or_none and answer.status >= 400:
            raise _HaltedError


def _parts(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not all(_complete(part) for part in parts):
        raise Refusal(
            "JSON_PARSER_ERROR", "compositeRequest is required: method, url and referenceId of each."
        )
    if len(parts) > _MOST:
        raise _too_many(f"Limit of {_MOST} subrequests exceeded")
    if sum(_is_query(part["url"]) for part in parts) > _MOST_QUERIES:
        raise _too_many(f"Limit of {_MOST_QUERIES} query and collections subrequests exceeded")
    references = [part["referenceId"] for part in parts]
    if len(set(references)) < len(references):
        raise Refusal("INVALID_INPUT", "Duplicate referenceId")
    return parts


def _complete(part: Any) -> bool:
    return isinstance(part, dict) and all(
        isinstance(part.get(name), str) for name in ("method", "url", "referenceId")
    )


def _is_query(url: str) -> bool:
    return any(word in url for word in ("/query", "/composite/sobjects"))


def _too_many(message: str) -> Refusal:
    return Refusal("LIMIT_EXCEEDED", message)


def _answer(part: dict[str, Any], inner: Inner, known: Mapping[str, Any]) -> Answer:
    try:
        path, _, query = _filled(part["url"], known).partition("?")
        body = json.loads(_filled(json.dumps(part["body"]), known)) if "body" in part else None
        # Subrequest addresses come unescaped (recorded: `query?q=SELECT Id FROM Account`).
        builder = EnvironBuilder(path, method=part["method"], query_string=query, json=body)
        return inner(builder.get_request(Request))
    except Refusal as refusal:
        return Answer(status=refusal.status, body=refusal.as_answer())


def _filled(text: str, known: Mapping[str, Any]) -> str:
    return _REFERENCE.sub(lambda match: str(_looked_up(known, match[1], match[2])), text)


def _looked_up(known: Mapping[str, Any], reference: str, path: str) -> Any:
    found: Any = known.get(reference)
    for part in re.findall(r"\w+", path):
        if isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        elif isinstance(found, dict) and part in found:
            found = found[part]
        else:
            message = f"Invalid reference specified. No value for {reference}.{path} found in {reference}"
            raise Refusal("PROCESSING_HALTED", message)
    return found


def _halted() -> Answer:
    message = (
        "The transaction was rolled back since another operation in the same transaction failed."  # in full
    )
    return Answer(status=400, body=[{"errorCode": "PROCESSING_HALTED", "message": message}])


def _shown(reference: str, answer: Answer) -> dict[str, Any]:
    return {
        "body": answer.body,
        "httpHeaders": dict(answer.headers),
        "httpStatusCode": answer.status,
        "referenceId": reference,
    }
