"""The parts of a SOQL query, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from closedloop.sandbox.salesforce.soql.words import Word


@dataclass(frozen=True, slots=True)
class Path:
    """A field, perhaps of a parent: `Account.Owner.Name`. The parts know where they stand in the text."""

    parts: tuple[Word, ...]

    @property
    def place(self) -> Word:
        """The word to point at."""
        return self.parts[-1]


@dataclass(frozen=True, slots=True)
class Call:
    """A function of fields, or of another function."""

    name: Word
    arguments: tuple[Path | Call, ...]

    @property
    def place(self) -> Word:
        """The word to point at."""
        return self.name


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a field that holds a place is from a point on Earth, in miles (`mi`) or kilometres (`km`)."""

    name: Word
    field: Path
    latitude: Decimal
    longitude: Decimal
    unit: str

    @property
    def place(self) -> Word:
        """The word to point at."""
        return self.name


Expression = Path | Call | Distance


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency: `USD5000`."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Column:
    """One selected expression."""

    expression: Expression
    alias: str | None


@dataclass(frozen=True, slots=True)
class TypeOf:
    """What is selected of a parent that may be of several objects: by object, and for all others."""

    path: Path
    cases: tuple[tuple[Word, tuple[Path, ...]], ...]
    otherwise: tuple[Path, ...] | None


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
    """A whole query, or one in brackets. `subtotals` is rollup or cube, `joined` what FROM names besides its
    object (`FROM Contact c, c.Account a`); `modes` are the words after WITH, and what follows FOR and UPDATE.
    """

    columns: tuple[Column | TypeOf | Query, ...]
    source: Path
    alias: str | None = None
    joined: tuple[tuple[str, Path], ...] = ()
    scope: Word | None = None
    where: Condition | None = None
    modes: tuple[str, ...] = ()
    group: tuple[Expression, ...] = ()
    subtotals: str = ""
    having: Condition | None = None
    order: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int = 0
