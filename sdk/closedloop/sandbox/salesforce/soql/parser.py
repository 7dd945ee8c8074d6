"""SOQL text as a tree of values. Nothing here knows objects or fields.

    SELECT column, … FROM object [alias] [, path alias …] [USING SCOPE name] [WHERE condition]
    [WITH mode | DATA CATEGORY …] [GROUP BY field, … | ROLLUP(…) | CUBE(…) [HAVING condition]]
    [ORDER BY field [ASC|DESC] [NULLS FIRST|LAST], …] [LIMIT n] [OFFSET n]
    [FOR VIEW | REFERENCE | UPDATE] [UPDATE TRACKING | VIEWSTAT]

A column is a field or function with an alias, a query in brackets, or TYPEOF … END (SOQL and SOSL Reference,
"SOQL SELECT Syntax").
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.soql.clauses import condition, expressions, orderings
from closedloop.sandbox.salesforce.soql.expressions import RESERVED, expression, path, paths, word
from closedloop.sandbox.salesforce.soql.literals import literal, whole
from closedloop.sandbox.salesforce.soql.syntax import Column, Path, Query, TypeOf
from closedloop.sandbox.salesforce.soql.words import Tokens, Word

_LONGEST = 100_000
_MODES = ("security_enforced", "user_mode", "system_mode")
_PURPOSES = ("view", "reference", "update")
_NOTES = ("tracking", "viewstat")
_WHERE_IN_THE_TREE = ("at", "above", "below", "above_or_below")
# What ends FROM although it is not reserved, where this follows it.
_CLAUSES = {"order": ("by",), "for": _PURPOSES, "update": _NOTES, "all": ("rows",)}


@lru_cache(maxsize=512)
def parse(text: str) -> Query:
    """The query; text that is none is refused as Salesforce refuses it."""
    if len(text) > _LONGEST:
        # SOQL and SOSL Reference, "SOQL Limits"; that it is this code is not confirmed.
        raise Refusal("MALFORMED_QUERY", f"SOQL statements cannot be longer than {_LONGEST} characters.")
    tokens = Tokens(text)
    try:
        found = query(tokens)
    except RecursionError:
        raise too_complicated() from None
    tokens.kind("end")
    return found


def too_complicated() -> Refusal:
    """The refusal of a query whose conditions are nested too deep."""
    return Refusal("QUERY_TOO_COMPLICATED", "Query is either selecting too many fields or too complicated.")


def query(tokens: Tokens) -> Query:
    """The query that comes next, to its end."""
    tokens.want("select")
    columns = [_column(tokens)]
    while tokens.taken(","):
        columns.append(_column(tokens))
    tokens.want("from")
    parts: dict[str, Any] = _source(tokens) | {"columns": tuple(columns)}
    if tokens.taken("using"):
        tokens.want("scope")
        parts["scope"] = word(tokens.kind("name"))
    if tokens.taken("where"):
        parts["where"] = condition(tokens, query)
    modes = _with(tokens)
    return Query(**parts, **_grouping(tokens), **_window(tokens), modes=modes + _purposes(tokens))


def _column(tokens: Tokens) -> Column | TypeOf | Query:
    if tokens.taken("("):
        child = query(tokens)
        tokens.want(")")
        return child
    if tokens.next.key == "typeof" and tokens.ahead(1).kind == "name" and tokens.ahead(1).key != "from":
        return _typeof(tokens)
    return Column(expression(tokens), _alias(tokens))


def _alias(tokens: Tokens) -> str | None:
    token = tokens.next
    if token.kind != "name" or token.key in RESERVED:
        return None
    return tokens.take().text


def _typeof(tokens: Tokens) -> TypeOf:
    tokens.want("typeof")
    parent = path(tokens)
    cases = [_case(tokens)]
    while tokens.next.key == "when":
        cases.append(_case(tokens))
    otherwise = paths(tokens) if tokens.taken("else") else None
    tokens.want("end")
    return TypeOf(parent, tuple(cases), otherwise)


def _case(tokens: Tokens) -> tuple[Word, tuple[Path, ...]]:
    tokens.want("when")
    kind = word(tokens.kind("name"))
    tokens.want("then")
    return kind, paths(tokens)


def _source(tokens: Tokens) -> dict[str, Any]:
    parts = {"source": _object(tokens), "alias": _source_alias(tokens)}
    joined = []
    while tokens.taken(","):
        way = path(tokens)
        joined.append((_source_alias(tokens) or str(way.parts[-1]), way))
    return parts | {"joined": tuple(joined)}


def _object(tokens: Tokens) -> Path:
    if tokens.next.key == "group":  # an object, though its name is reserved
        return Path((word(tokens.take()),))
    return path(tokens)


def _source_alias(tokens: Tokens) -> str | None:
    following = tokens.ahead(1)
    if following.key in _CLAUSES.get(tokens.next.key, ()) or tokens.next.key in ("for", "order"):
        return None
    if tokens.next.key == "offset" and following.kind == "number":
        return None
    return _alias(tokens)


def _with(tokens: Tokens) -> tuple[str, ...]:
    found: list[str] = []
    while tokens.taken("with"):
        if tokens.both("data", "category"):
            data_categories(tokens)
            found.append("data category")
        elif tokens.next.key == "recordvisibilitycontext":
            _visibility(tokens)
        elif tokens.next.key in _MODES:
            found.append(tokens.take().key)
        else:
            raise tokens.unexpected(tokens.next)
    return tuple(found)


def data_categories(tokens: Tokens) -> None:
    """Reads over what follows DATA CATEGORY: no object of the sandbox has such categories."""
    while True:
        tokens.kind("name")
        if tokens.next.key not in _WHERE_IN_THE_TREE:
            raise tokens.unexpected(tokens.next)
        tokens.take()
        if tokens.taken("("):
            paths(tokens)
            tokens.want(")")
        else:
            tokens.kind("name")
        if not tokens.taken("and"):
            return


def _visibility(tokens: Tokens) -> None:
    tokens.take()
    tokens.want("(")
    while True:
        tokens.kind("name")
        tokens.want("=")
        literal(tokens)
        if not tokens.taken(","):
            break
    tokens.want(")")


def _grouping(tokens: Tokens) -> dict[str, Any]:
    if not tokens.both("group", "by"):
        return {}
    subtotals = ""
    if tokens.next.key in ("rollup", "cube") and tokens.ahead(1).text == "(":
        subtotals = tokens.take().key
        tokens.want("(")
    group = expressions(tokens)
    if subtotals:
        tokens.want(")")
    having = condition(tokens, query) if tokens.taken("having") else None
    return {"group": group, "subtotals": subtotals, "having": having}


def _window(tokens: Tokens) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if tokens.taken("order"):
        tokens.want("by")
        parts["order"] = orderings(tokens)
    if tokens.taken("limit"):
        parts["limit"] = whole(tokens)
    if tokens.taken("offset"):
        parts["offset"] = whole(tokens)
    return parts


def _purposes(tokens: Tokens) -> tuple[str, ...]:
    found: list[str] = []
    for opening, known in (("for", _PURPOSES), ("update", _NOTES)):
        while tokens.taken(opening) or (found and tokens.next.text == ","):
            tokens.taken(",")
            if tokens.next.key not in known:
                raise tokens.unexpected(tokens.next)
            found.append(f"{opening} {tokens.take().key}")
    if tokens.next.key == "all" and tokens.ahead(1).key == "rows":
        raise tokens.refusal(tokens.next.start, "ALL ROWS not allowed in this context")
    return tuple(found)
