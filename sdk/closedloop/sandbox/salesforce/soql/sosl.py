"""SOSL text as a tree of values: what to find, in which fields, and what to return of which objects.

    FIND {term} [IN ALL|NAME|EMAIL|PHONE|SIDEBAR FIELDS]
    [RETURNING object [(field, … [USING ListView=name] [WHERE …] [ORDER BY …] [LIMIT n] [OFFSET n])], …]
    [WITH …] [LIMIT n] [UPDATE TRACKING | VIEWSTAT]

SOQL and SOSL Reference, "SOSL Syntax".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from closedloop.sandbox.salesforce.soql.clauses import condition, orderings
from closedloop.sandbox.salesforce.soql.expressions import RESERVED, expression, path, word
from closedloop.sandbox.salesforce.soql.literals import literal, whole
from closedloop.sandbox.salesforce.soql.parser import data_categories, query
from closedloop.sandbox.salesforce.soql.search_terms import Term, no_term, parse_term
from closedloop.sandbox.salesforce.soql.syntax import Column, Path, Query
from closedloop.sandbox.salesforce.soql.words import Tokens, Word

_FIND = re.compile(r"\s*find\s*\{((?:[^}\\]|\\.)*)\}", re.IGNORECASE | re.DOTALL)
SCOPES = ("all", "name", "email", "phone", "sidebar")
"""The search groups: which fields are looked at."""
_SETTINGS = ("division", "highlight", "metadata", "network", "pricebookid", "snippet", "spell_correction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A whole search. What is returned of an object is a query of it; `settings` are those after WITH."""

    term: Term
    scope: str = "all"
    returning: tuple[Query, ...] = ()
    limit: int | None = None
    settings: tuple[str, ...] = ()


def parse_search(text: str) -> Search:
    """The search; text that is none is refused as Salesforce refuses it."""
    match = _FIND.match(text)
    if match is None:
        raise no_term()
    tokens = Tokens(text, "MALFORMED_SEARCH", start=match.end())
    scope = _scope(tokens)
    returning = _returning(tokens) if tokens.taken("returning") else ()
    settings = _settings(tokens)
    limit = whole(tokens) if tokens.taken("limit") else None
    if tokens.taken("update"):
        _notes(tokens)
    tokens.kind("end")
    return Search(term=parse_term(match[1]), scope=scope, returning=returning, limit=limit, settings=settings)


def _scope(tokens: Tokens) -> str:
    if not tokens.taken("in"):
        return "all"
    if tokens.next.key not in SCOPES:
        raise tokens.unexpected(tokens.next)
    scope = tokens.take().key
    tokens.want("fields")
    return scope


def _returning(tokens: Tokens) -> tuple[Query, ...]:
    found = [_object(tokens)]
    while tokens.taken(","):
        found.append(_object(tokens))
    return tuple(found)


def _object(tokens: Tokens) -> Query:
    source = path(tokens)
    if not tokens.taken("("):
        return Query((_id(source),), source)
    columns = [_column(tokens)]
    while tokens.taken(","):
        columns.append(_column(tokens))
    parts: dict[str, Any] = {}
    if tokens.taken("using"):
        tokens.want("listview")
        tokens.want("=")
        tokens.kind("name")
    if tokens.taken("where"):
        parts["where"] = condition(tokens, query)
    if tokens.both("order", "by"):
        parts["order"] = orderings(tokens)
    for name in ("limit", "offset"):
        if tokens.taken(name):
            parts[name] = whole(tokens)
    tokens.want(")")
    return Query(tuple(columns), source, **parts)


def _id(source: Path) -> Column:
    return Column(Path((Word.at(source.place.start, "Id"),)), None)


def _column(tokens: Tokens) -> Column:
    found = expression(tokens)
    named = tokens.next.kind == "name" and tokens.next.key not in RESERVED | {"order", "offset"}
    return Column(found, str(word(tokens.take())) if named else None)


def _settings(tokens: Tokens) -> tuple[str, ...]:
    found: list[str] = []
    while tokens.taken("with"):
        if tokens.both("data", "category"):
            data_categories(tokens)
            continue
        if tokens.next.key not in _SETTINGS:
            raise tokens.unexpected(tokens.next)
        name = tokens.take().key
        found.append(name)
        if name == "snippet" and tokens.taken("("):
            tokens.kind("name")
            tokens.want("=")
            whole(tokens)
            tokens.want(")")
        elif tokens.taken("="):
            literal(tokens)
        elif tokens.taken("in"):
            _listed(tokens)
    return tuple(found)


def _listed(tokens: Tokens) -> None:
    tokens.want("(")
    literal(tokens)
    while tokens.taken(","):
        literal(tokens)
    tokens.want(")")


def _notes(tokens: Tokens) -> None:
    while True:
        if tokens.next.key not in ("tracking", "viewstat"):
            raise tokens.unexpected(tokens.next)
        tokens.take()
        if not tokens.taken(","):
            return
