"""SOQL text as a tree of values. The grammar is in `soql.lark`; nothing here knows objects or fields."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError

from closedloop.sandbox.salesforce.dates import Range
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.values import parse_date, parse_datetime

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "'": "'", '"': '"', "\\": "\\"}
_EXCERPT = 60


@dataclass(frozen=True, slots=True)
class Path:
    """A field, perhaps of a parent: `Account.Owner.Name`. The parts know where they stand in the text."""

    parts: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function of fields."""

    name: Token
    arguments: tuple[Path, ...]


Expression = Path | Call


@dataclass(frozen=True, slots=True)
class Column:
    """One selected expression."""

    expression: Expression
    alias: str | None


@dataclass(frozen=True, slots=True)
class Every:
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    condition: Condition


@dataclass(frozen=True, slots=True)
class Compare:
    expression: Expression
    operator: str
    literal: Any


@dataclass(frozen=True, slots=True)
class Like:
    """A pattern in which `%` stands for any text and `_` for one character."""

    expression: Expression
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Within:
    """In a list of literals, or in what another query selects."""

    expression: Expression
    choices: tuple[Any, ...] | Query
    negated: bool


@dataclass(frozen=True, slots=True)
class Includes:
    """For multi-select picklists: each choice is a set of values, all of which must be there."""

    expression: Expression
    choices: tuple[str, ...]
    negated: bool


Condition = Every | Some | Negated | Compare | Like | Within | Includes


@dataclass(frozen=True, slots=True)
class Ordering:
    expression: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query, or one in brackets."""

    columns: tuple[Column | Query, ...]
    source: Path
    alias: str | None
    scope: str | None
    where: Condition | None
    group: tuple[Expression, ...]
    having: Condition | None
    order: tuple[Ordering, ...]
    limit: int | None
    offset: int


def parse(text: str) -> Query:
    """The query; text that is none is refused as Salesforce refuses it."""
    try:
        query = _Build().transform(_grammar().parse(text))
    except UnexpectedToken as error:
        raise malformed(text, error.line, error.column, _unexpected(error.token)) from None
    except UnexpectedInput as error:
        line, column = error.line, error.column
        raise malformed(text, line, column, f"unexpected token: '{_at(text, line, column)}'") from None
    except VisitError as error:
        if isinstance(error.orig_exc, Refusal):
            raise error.orig_exc from None
        raise
    assert isinstance(query, Query)  # noqa: S101  for the type checker: the grammar's start rule
    return query


def malformed(text: str, line: int, column: int, message: str) -> Refusal:
    """The refusal of a query that cannot be read."""
    return Refusal("MALFORMED_QUERY", pointed(text, line, column, message))


def pointed(text: str, line: int, column: int, message: str) -> str:
    """The message under the place in the text that it is about, as Salesforce shows it."""
    lines = text.splitlines() or [""]
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


def _unexpected(token: Token) -> str:
    return "unexpected token: <EOF>" if token.type == "$END" else f"unexpected token: '{token}'"


def _at(text: str, line: int, column: int) -> str:
    rows = text.splitlines() or [""]
    return rows[line - 1][column - 1 : column]


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
