"""Reads what can be selected, compared, sorted and grouped by: fields, and functions of them."""

from __future__ import annotations

from closedloop.sandbox.salesforce.soql.literals import coordinate, unquoted
from closedloop.sandbox.salesforce.soql.syntax import Call, Distance, Expression, Path
from closedloop.sandbox.salesforce.soql.words import Token, Tokens, Word

# SOQL and SOSL Reference, "Aggregate Functions", "Date Functions", "Translating Results", "FORMAT()".
AGGREGATES = frozenset({"count", "count_distinct", "sum", "avg", "min", "max"})
"""Functions of many rows."""
DATES = frozenset(
    f"{part}_in_{whole}"
    for part, whole in (
        ("day", "month"),
        ("day", "week"),
        ("day", "year"),
        ("hour", "day"),
        ("week", "month"),
        ("week", "year"),
    )
) | {
    "day_only",
    *(f"{kind}_{unit}" for kind in ("calendar", "fiscal") for unit in ("month", "quarter", "year")),
}
"""Functions of one day or instant."""
_FUNCTIONS = (
    AGGREGATES | DATES | {"format", "tolabel", "convertcurrency", "converttimezone", "fields", "grouping"}
)
_FIELDS = frozenset({"all", "standard", "custom"})
_MOST_NESTED = 2
# What cannot be an alias (SOQL and SOSL Reference, "Alias Notation"); no field is called so either.
RESERVED = frozenset(
    {"and", "asc", "desc", "excludes", "first", "from", "group", "having", "in", "includes", "last", "like"}
    | {"limit", "not", "null", "nulls", "or", "select", "using", "where", "with"}
)
"""Words that have a meaning wherever they stand."""


def expression(tokens: Tokens) -> Expression:
    """The field or function that comes next."""
    if tokens.ahead(1).text == "(" and tokens.next.kind == "name":
        return _distance(tokens) if tokens.next.key == "distance" else _call(tokens, 1)
    return path(tokens)


def path(tokens: Tokens) -> Path:
    """The field that comes next, with the parents on the way to it."""
    token = tokens.kind("name")
    if token.key in RESERVED and tokens.next.text != ".":
        raise tokens.unexpected(token)
    parts = [word(token)]
    while tokens.taken("."):
        parts.append(word(tokens.kind("name")))
    return Path(tuple(parts))


def paths(tokens: Tokens) -> tuple[Path, ...]:
    """Fields with commas between them."""
    found = [path(tokens)]
    while tokens.taken(","):
        found.append(path(tokens))
    return tuple(found)


def word(token: Token) -> Word:
    """The token's text, which keeps its place."""
    return Word.at(token.start, token.text)


def _call(tokens: Tokens, depth: int) -> Call:
    name = tokens.take()
    if name.key not in _FUNCTIONS or depth > _MOST_NESTED:
        raise tokens.unexpected(tokens.next if depth > _MOST_NESTED else name)
    tokens.want("(")
    arguments: list[Path | Call] = []
    if not (name.key == "count" and tokens.next.text == ")"):
        arguments.append(_argument(tokens, name, depth))
        while name.key in ("count", "grouping") and tokens.taken(","):
            arguments.append(_argument(tokens, name, depth))
    tokens.want(")")
    return Call(word(name), tuple(arguments))


def _argument(tokens: Tokens, name: Token, depth: int) -> Path | Call:
    if name.key == "fields" and tokens.next.key not in _FIELDS:
        raise tokens.unexpected(tokens.next)
    if tokens.ahead(1).text == "(" and tokens.next.kind == "name":
        return _call(tokens, depth + 1)
    return path(tokens)


def _distance(tokens: Tokens) -> Distance:
    name = tokens.take()
    tokens.want("(")
    field = path(tokens)
    for key in (",", "geolocation", "("):
        tokens.want(key)
    latitude = coordinate(tokens)
    tokens.want(",")
    longitude = coordinate(tokens)
    tokens.want(")")
    tokens.want(",")
    quoted = tokens.kind("text")
    unit = unquoted(tokens, quoted).lower()
    if unit not in ("mi", "km"):
        raise tokens.unexpected(quoted)
    tokens.want(")")
    return Distance(word(name), field, latitude, longitude, unit)
