"""Reads the clauses that SOQL and SOSL share: conditions, orders, scopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from closedloop.sandbox.salesforce.soql.expressions import expression
from closedloop.sandbox.salesforce.soql.literals import literal, pattern, unquoted
from closedloop.sandbox.salesforce.soql.syntax import (
    Compare,
    Condition,
    Every,
    Expression,
    Includes,
    Like,
    Negated,
    Ordering,
    Query,
    Some,
    Within,
)
from closedloop.sandbox.salesforce.soql.words import Tokens

Inner = Callable[[Tokens], Query]
"""Reads the query of a semi-join."""


def condition(tokens: Tokens, inner: Inner) -> Condition:
    """What follows WHERE or HAVING, or stands in brackets. AND and OR do not stand beside each other without
    brackets, and NOT stands only at the beginning: Salesforce refuses that too."""
    if tokens.taken("not"):
        first: Condition = Negated(_simple(tokens, inner))
    else:
        first = _simple(tokens, inner)
    for key, several in (("and", Every), ("or", Some)):
        if tokens.next.key == key:
            found = [first]
            while tokens.taken(key):
                found.append(_simple(tokens, inner))
            return several(tuple(found))
    return first


def orderings(tokens: Tokens) -> tuple[Ordering, ...]:
    """What follows ORDER BY."""
    found = [_ordering(tokens)]
    while tokens.taken(","):
        found.append(_ordering(tokens))
    return tuple(found)


def expressions(tokens: Tokens) -> tuple[Expression, ...]:
    """Fields and functions with commas between them."""
    found = [expression(tokens)]
    while tokens.taken(","):
        found.append(expression(tokens))
    return tuple(found)


def _ordering(tokens: Tokens) -> Ordering:
    by = expression(tokens)
    descending = tokens.taken("desc")
    if not descending:
        tokens.taken("asc")
    nulls_first = not descending
    if tokens.taken("nulls"):
        nulls_first = tokens.taken("first")
        if not nulls_first:
            tokens.want("last")
    return Ordering(by, descending, nulls_first)


def _simple(tokens: Tokens, inner: Inner) -> Condition:
    if tokens.taken("("):
        found = condition(tokens, inner)
        tokens.want(")")
        return found
    return _comparison(tokens, expression(tokens), inner)


def _comparison(tokens: Tokens, left: Expression, inner: Inner) -> Condition:
    if tokens.next.kind == "sign":
        sign = tokens.take().text
        return Compare(left, "!=" if sign == "<>" else sign, literal(tokens))
    if tokens.taken("like"):
        return Like(left, pattern(tokens))
    if tokens.taken("in"):
        return Within(left, _choices(tokens, inner), negated=False)
    if tokens.taken("not"):
        tokens.want("in")
        return Within(left, _choices(tokens, inner), negated=True)
    if tokens.next.key in ("includes", "excludes"):
        negated = tokens.take().key == "excludes"
        return Includes(left, _listed(tokens, _text), negated)
    raise tokens.unexpected(tokens.next)


def _choices(tokens: Tokens, inner: Inner) -> tuple[Any, ...] | Query:
    if tokens.next.text == "(" and tokens.ahead(1).key == "select":
        tokens.take()
        query = inner(tokens)
        tokens.want(")")
        return query
    return _listed(tokens, literal)


def _listed(tokens: Tokens, read: Callable[[Tokens], Any]) -> tuple[Any, ...]:
    if tokens.next.text == ":":
        literal(tokens)  # refuses it
    tokens.want("(")
    found = [read(tokens)]
    while tokens.taken(","):
        found.append(read(tokens))
    tokens.want(")")
    return tuple(found)


def _text(tokens: Tokens) -> str:
    return unquoted(tokens, tokens.kind("text"))
