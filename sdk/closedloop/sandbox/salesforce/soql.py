"""SOQL text as a tree of values. The grammar is in `soql.lark`; nothing here knows objects or fields."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError

from closedloop.sandbox.salesforce.dates import Range
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.syntax import (
    Call,
    Column,
    Compare,
    Condition,
    Every,
    Expression,
    Includes,
    Like,
    Negated,
    Ordering,
    Path,
    Query,
    Some,
    Within,
)
from closedloop.sandbox.salesforce.values import parse_date, parse_datetime

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "'": "'", '"': '"', "\\": "\\"}
_EXCERPT = 60


def parse(text: str) -> Query:
    """The query; text that is none is refused as Salesforce refuses it."""
    try:
        query = _Build().transform(_grammar().parse(text))
    except UnexpectedToken as error:
        raise _unexpected(text, error.token) from None
    except UnexpectedInput as error:
        line, column = error.line, error.column
        letter = text.split("\n")[line - 1][column - 1]
        raise malformed(text, line, column, f"unexpected token: '{letter}'") from None
    except VisitError as error:
        if isinstance(error.orig_exc, Refusal):
            raise error.orig_exc from None
        raise
    except RecursionError:
        raise too_complicated() from None
    assert isinstance(query, Query)  # noqa: S101  for the type checker: the grammar's start rule
    return query


def too_complicated() -> Refusal:
    """The refusal of a query whose conditions are nested too deep."""
    return Refusal("QUERY_TOO_COMPLICATED", "Query is either selecting too many fields or too complicated.")


def malformed(text: str, line: int, column: int, message: str) -> Refusal:
    """The refusal of a query that cannot be read."""
    return Refusal("MALFORMED_QUERY", pointed(text, line, column, message))


def pointed(text: str, line: int, column: int, message: str) -> str:
    """The message under the place in the text that it is about, as Salesforce shows it."""
    lines = text.split("\n")
    row = lines[min(max(line, 1), len(lines)) - 1]
    column = min(column, len(row) + 1) if column > 0 else len(row) + 1
    start = max(0, column - 1 - _EXCERPT)
    excerpt = row[start : column - 1 + _EXCERPT]
    return (
        f"\n{excerpt}\n{' ' * (column - 1 - start)}^\nERROR at Row:{max(line, 1)}:Column:{column}\n{message}"
    )


@cache
def _grammar() -> Lark:
    grammar = files("closedloop.sandbox.salesforce").joinpath("soql.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=True)


def _unexpected(text: str, token: Token) -> Refusal:
    if token.type != "$END":
        return malformed(text, token.line or 1, token.column or 1, f"unexpected token: '{token}'")
    rows = text.split("\n")
    return malformed(text, len(rows), len(rows[-1]) + 1, "unexpected token: <EOF>")


def _unquoted(token: Token, *, keep: str = "") -> str:
    def plain(match: re.Match[str]) -> str:
        letter = match[1]
        if letter in keep:
            return match[0]
        if letter not in _ESCAPES:
            raise Refusal("MALFORMED_QUERY", f"Illegal character escape: \\{letter}")
        return _ESCAPES[letter]

    return re.sub(r"\\(.)", plain, token[1:-1], flags=re.DOTALL)


def _pattern(token: Token) -> re.Pattern[str]:
    parts = re.findall(r"\\[%_]|.", _unquoted(token, keep="%_"), flags=re.DOTALL)
    wild = {"%": ".*", "_": "."}
    regex = "".join(
        wild.get(part) or re.escape(part.removeprefix("\\") if len(part) > 1 else part) for part in parts
    )
    return re.compile(regex, re.IGNORECASE | re.DOTALL)


@v_args(inline=True)
class _Build(Transformer[Token, Any]):
    """Makes the values out of the parse tree; the methods are named after the grammar's rules."""

    def start(self, query: Query) -> Query:
        return query

    def query(  # noqa: PLR0917  lark passes one argument for each part of the rule
        self,
        items: Any,
        source: tuple[Path, str | None],
        scope: Token | None,
        where: Condition | None,
        group: tuple[tuple[Expression, ...], Condition | None] | None,
        order: tuple[Ordering, ...] | None,
        limit: int | None,
        offset: int | None,
        _: None,
    ) -> Query:
        grouped, having = group or ((), None)
        return Query(
            columns=items,
            source=source[0],
            alias=source[1],
            scope=scope and str(scope),
            where=where,
            group=grouped,
            having=having,
            order=order or (),
            limit=limit,
            offset=offset or 0,
        )

    def items(self, *items: Any) -> tuple[Any, ...]:
        return items

    def column(self, expression: Expression, alias: str | None) -> Column:
        return Column(expression, alias)

    def children(self, query: Query) -> Query:
        return query

    def path(self, *parts: Token) -> Path:
        return Path(parts)

    def call(self, name: Token, *arguments: Path | None) -> Call:
        return Call(name, tuple(a for a in arguments if a is not None))

    def alias(self, name: Token) -> str:
        return str(name)

    def source(self, path: Path, alias: str | None) -> tuple[Path, str | None]:
        return path, alias

    def where(self, condition: Condition) -> Condition:
        return condition

    having = where

    def every(self, *conditions: Condition) -> Every:
        return Every(conditions)

    def some(self, *conditions: Condition) -> Some:
        return Some(conditions)

    def negated(self, condition: Condition) -> Negated:
        return Negated(condition)

    def compare(self, expression: Expression, operator: Token, literal: Any) -> Compare:
        return Compare(expression, "!=" if operator == "<>" else str(operator), literal)

    def like(self, expression: Expression, pattern: Token) -> Like:
        return Like(expression, _pattern(pattern))

    def within(self, expression: Expression, choices: Any) -> Within:
        return Within(expression, choices, negated=False)

    def not_within(self, expression: Expression, choices: Any) -> Within:
        return Within(expression, choices, negated=True)

    def includes(self, expression: Expression, choices: Any) -> Includes:
        return Includes(expression, choices, negated=False)

    def excludes(self, expression: Expression, choices: Any) -> Includes:
        return Includes(expression, choices, negated=True)

    def literals(self, *literals: Any) -> tuple[Any, ...]:
        return literals

    def text(self, token: Token) -> str:
        return _unquoted(token)

    def number(self, token: Token) -> Decimal:
        return Decimal(str(token))

    def instant(self, token: Token) -> datetime:
        return _sure(parse_datetime(str(token)), token)

    def day(self, token: Token) -> date:
        return _sure(parse_date(str(token)), token)

    def range(self, token: Token) -> Range:
        return Range(str(token).upper())

    def true(self) -> bool:
        return True

    def false(self) -> bool:
        return False

    def null(self) -> None:
        return None

    def group(self, expressions: Any, having: Condition | None) -> tuple[Any, Condition | None]:
        return expressions, having

    def expressions(self, *expressions: Expression) -> tuple[Expression, ...]:
        return expressions

    def scope(self, name: Token) -> Token:
        return name

    def order(self, *orderings: Ordering) -> tuple[Ordering, ...]:
        return orderings

    def ordering(self, expression: Expression, direction: Token | None, place: Token | None) -> Ordering:
        descending = direction is not None and direction.lower() == "desc"
        nulls_first = not descending if place is None else place.lower() == "first"
        return Ordering(expression, descending, nulls_first)

    def limit(self, token: Token) -> int:
        return int(token)

    offset = limit

    def purpose(self, *_: Token) -> None:
        return None


_Value = TypeVar("_Value")


def _sure(value: _Value | None, token: Token) -> _Value:
    if value is None:
        raise Refusal(
            "MALFORMED_QUERY", f"line 1:{token.column} no viable alternative at character '{token}'"
        )
    return value
