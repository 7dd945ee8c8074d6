"""The parts of a SOQL query, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lark import Token


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
