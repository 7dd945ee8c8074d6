"""The search endpoints: REST API Developer Guide, "Search", "Search with Parameters in the URI" and "… in the
Request Body"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.route import Route
from closedloop.sandbox.salesforce.soql.search import search
from closedloop.sandbox.salesforce.soql.search_terms import no_term
from closedloop.sandbox.salesforce.soql.sosl import SCOPES, parse_search

# Older versions answer with the list alone.
_FIRST_WITH_OBJECT = 37.0
_MOST = 2000


def by_sosl(call: Call) -> Answer:
    """GET search?q=FIND {…}."""
    text = call.argument("q")
    if not text:
        raise no_term()
    body = search(call.org, parse_search(text), text, version=call.version)
    if float(call.version) < _FIRST_WITH_OBJECT:
        return Answer(body=body["searchRecords"])
    return Answer(body=body)


def by_parameters(call: Call) -> Answer:
    """GET parameterizedSearch?q=…, or POST of the same as JSON: SOSL is made of it."""
    wanted = call.body() if call.method == "POST" else _from_address(call)
    text = _sosl(wanted)
    return Answer(body=search(call.org, parse_search(text), text, version=call.version))


def routes() -> tuple[Route, ...]:
    """Where searches are answered."""
    return (
        Route(methods="GET", path="/search", handler=by_sosl),
        Route(methods="GET POST", path="/parameterizedSearch", handler=by_parameters),
    )


def _from_address(call: Call) -> dict[str, Any]:
    """The parameters of the address in the form in which a body has them."""
    args = call.request.args
    names = [name for value in args.getlist("sobject") for name in value.split(",") if name]
    objects = [{"name": name, **_of_object(name, args)} for name in names]
    fields = [field for value in args.getlist("fields") for field in value.split(",")]
    known = ("q", "in", "overallLimit", "defaultLimit", "metadata")
    return {key: args[key] for key in known if key in args} | {"sobjects": objects, "fields": fields}


def _of_object(name: str, args: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        key: args[f"{name}.{key}"] for key in ("limit", "where", "orderBy") if f"{name}.{key}" in args
    }
    if f"{name}.fields" in args:
        found["fields"] = args[f"{name}.fields"].split(",")
    return found


def _sosl(wanted: Mapping[str, Any]) -> str:
    term, scope = wanted.get("q"), str(wanted.get("in") or "ALL")
    if not isinstance(term, str) or not term.strip():
        raise no_term()
    if scope.lower() not in SCOPES:
        raise _wrong("in", scope)
    escaped = term.replace("\\", "\\\\").replace("}", "\\}").replace("{", "\\{")
    parts = [f"FIND {{{escaped}}} IN {scope} FIELDS"]
    objects = wanted.get("sobjects") or []
    if not isinstance(objects, list):
        raise _wrong("sobjects", objects)
    if objects:
        parts.append("RETURNING " + ", ".join(_returning(one, wanted) for one in objects))
    if str(wanted.get("metadata", "")).upper() == "LABELS":
        parts.append("WITH METADATA = 'LABELS'")
    if wanted.get("overallLimit") is not None:
        parts.append(f"LIMIT {_number('overallLimit', wanted['overallLimit'])}")
    return " ".join(parts)


def _returning(one: Any, wanted: Mapping[str, Any]) -> str:
    name = one.get("name") if isinstance(one, dict) else None
    if not isinstance(one, dict) or not isinstance(name, str) or not name.isidentifier():
        raise _wrong("sobjects", one)
    fields = one.get("fields") or wanted.get("fields") or ["Id"]
    if not isinstance(fields, list) or not all(isinstance(field, str) and field.strip() for field in fields):
        raise _wrong("fields", fields)
    text = ", ".join(fields)
    for key, clause in (("where", "WHERE"), ("orderBy", "ORDER BY")):
        if one.get(key):
            text += f" {clause} {one[key]}"
    limit = one.get("limit") if one.get("limit") is not None else wanted.get("defaultLimit")
    if limit is not None:
        text += f" LIMIT {_number('limit', limit)}"
    return f"{name}({text})"


def _number(name: str, value: Any) -> int:
    text = str(value)
    if not text.isdecimal() or len(text) > 9 or int(text) > _MOST:
        raise _wrong(name, value)
    return int(text)


def _wrong(name: str, value: Any) -> Refusal:
    # The code for a wrong parameter is not recorded.
    return Refusal("MALFORMED_SEARCH", f"invalid value for parameter {name}: {value}")
