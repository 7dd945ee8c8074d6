"""The filters of a search: each tests one record, and says where such records can be looked up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

from closedloop.sandbox.hubspot.errors import HubSpotError, left_out
from closedloop.sandbox.hubspot.records.lookups import Key, Span
from closedloop.sandbox.hubspot.records.record import CrmObject, stamp
from closedloop.sandbox.hubspot.records.values import NotOfItsTypeError, as_text, parse_moment, parse_number
from closedloop.sandbox.hubspot.rest.reading import objects, words
from closedloop.sandbox.hubspot.settings.definitions import PropertyDefinition

# HubSpot's documented limits.
_MOST_GROUPS, _MOST_FILTERS, _MOST_FILTERS_IN_ALL = 5, 6, 18
# What begins so is no property: the documentation's way to search by associations ("associations.contact").
_LINKED = "associations."

Test = Callable[[CrmObject], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One condition. `spans` are the values that it takes of the property `name`, by `key`; None: any. Where
    they are not `exact`, only some of those pass. `ids` are all that can pass, where that is known."""

    test: Test
    name: str = ""
    key: Key = str.lower
    spans: Sequence[Span] | None = None
    exact: bool = False
    ids: frozenset[str] | None = None


class Surroundings(Protocol):
    """What filters have to know of the portal."""

    def definition(self, name: str) -> PropertyDefinition:
        """The property of the searched object type; 400 when there is none."""

    def linked(self, record_id: str, name: str) -> Sequence[str]:
        """The ids of the records of the type `name` that a searched record is associated with."""

    def place(self, operator: str) -> str:
        """Where in the body an operator of a filter stands: "line 1, column 68"."""

    def having(self, name: str, record_id: str) -> Iterable[str]:
        """The ids of the searched records that are associated with a record of the type `name`."""


def groups_of(body: Mapping[str, Any], around: Surroundings) -> list[list[Filter]]:
    """One list of filters per group: a record has to pass all of any one of them."""
    groups = [objects(group, "filters") for group in objects(body, "filterGroups")]
    if len(groups) > _MOST_GROUPS:
        raise HubSpotError(f"At most {_MOST_GROUPS} filterGroups are allowed")
    if any(len(g) > _MOST_FILTERS for g in groups) or sum(map(len, groups)) > _MOST_FILTERS_IN_ALL:
        raise HubSpotError(
            f"At most {_MOST_FILTERS} filters in a group and {_MOST_FILTERS_IN_ALL} in all are allowed"
        )
    return [
        [_filter(row, around, f"filterGroups[{n}].filters[{m}]") for m, row in enumerate(group)]
        for n, group in enumerate(groups)
    ]


def key_of(definition: PropertyDefinition) -> Key:
    """As what the values of a property are compared: times and numbers by what they are, texts without
    regard to case."""
    return _KEYS.get(definition.type, str.lower)


def _filter(row: Mapping[str, Any], around: Surroundings, path: str) -> Filter:
    name, operator = str(row.get("propertyName", "")), _operator(row, around, path)
    if name.startswith(_LINKED):
        return _linked(name.removeprefix(_LINKED), operator, row, around)
    definition = around.definition(name)
    if operator in _PRESENCE:
        wanted = _PRESENCE[operator]
        return Filter(test=lambda r: (name in r.properties) is wanted)
    if operator in _MEMBERSHIP:
        return _membership(definition, words(row, "values"), inside=_MEMBERSHIP[operator])
    if operator in _TOKENS:
        return _token(name, as_text(row.get("value")), wanted=_TOKENS[operator])
    return _comparison(definition, operator, row)


def _operator(row: Mapping[str, Any], around: Surroundings, path: str) -> str:
    """The operator; what is none is refused in the words that were seen of api.hubapi.com in September 2026
    (tests of a mock that others measured against it)."""
    if "operator" not in row:
        raise left_out("operator")
    operator = str(row["operator"])
    if not operator.strip():
        raise HubSpotError(
            f'Invalid input JSON: unable to deserialize field "{path}.operator". Invalid value: '
        )
    if operator.strip() not in _OPERATORS:
        listed = ", ".join(_OPERATORS)
        raise HubSpotError(
            f"Invalid input JSON on {around.place(operator)}: Enum type must be one of: [{listed}]"
        )
    return operator.strip()


def _comparison(definition: PropertyDefinition, operator: str, row: Mapping[str, Any]) -> Filter:
    name, key, wanted = definition.name, key_of(definition), _typed(definition, row.get("value"))
    if operator == "NEQ":
        # A record without the property is not equal to anything.
        return Filter(test=lambda r: (held := r.properties.get(name)) is None or key(held) != wanted)
    if operator == "BETWEEN":
        high = _typed(definition, row.get("highValue"))
        test: Callable[[Any], bool] = lambda held: bool(wanted <= held <= high)  # noqa: E731
        spans = [Span(wanted, high)]
    else:
        compare, span = _COMPARISONS[operator]
        test, spans = (lambda held: compare(held, wanted)), [span(wanted)]
    return Filter(
        test=lambda r: (held := r.properties.get(name)) is not None and test(key(held)),
        name=name,
        key=key,
        spans=spans,
        exact=True,
    )


def _typed(definition: PropertyDefinition, raw: Any) -> Any:
    """The value to compare with."""
    text = as_text(raw)
    try:
        if definition.type in {"date", "datetime"}:
            return stamp(parse_moment(text))
        return parse_number(text) if definition.type == "number" else text.lower()
    except NotOfItsTypeError:
        raise HubSpotError(f"Invalid value for property {definition.name} in a filter") from None


def _membership(definition: PropertyDefinition, values: list[str], *, inside: bool) -> Filter:
    """IN and NOT_IN: values of text properties have to be given in lower case, as HubSpot demands."""
    if not values:
        raise HubSpotError("Invalid input JSON: IN and NOT_IN need values")
    name, lower = definition.name, definition.type == "string"
    allowed = set(values)

    def test(record: CrmObject) -> bool:
        held = record.properties.get(name)
        if held is None:
            return not inside
        return ((held.lower() if lower else held) in allowed) is inside

    if not inside or definition.type not in {"string", "enumeration"}:
        return Filter(test=test)
    return Filter(test=test, name=name, spans=[Span(value.lower(), value.lower()) for value in allowed])


def _token(name: str, token: str, *, wanted: bool) -> Filter:
    """A word, or with `*` a part of one; a property without a value has none, not even for `*` alone."""
    first, *parts = re.sub(r"\*+", "*", token.lower()).split("*")
    last = parts.pop() if parts else None
    # Each part is looked for once, from left to right: many stars must not make the search slow.
    middle = "".join(rf"(?>\w*?{re.escape(part)})" for part in parts)
    end = "" if last is None else rf"\w*{re.escape(last)}"
    pattern = re.compile(rf"(?<!\w){re.escape(first)}{middle}{end}(?!\w)")
    longest = max((first, *parts, last or ""), key=len)

    def test(record: CrmObject) -> bool:
        held = record.properties.get(name, "").lower()
        return (bool(held) and longest in held and pattern.search(held) is not None) is wanted

    return Filter(test=test)


def _linked(name: str, operator: str, row: Mapping[str, Any], around: Surroundings) -> Filter:
    """What a record is associated with: with this one, with any of these, with any at all."""
    if operator in _PRESENCE:
        wanted = _PRESENCE[operator]
        return Filter(test=lambda r: bool(around.linked(r.id, name)) is wanted)
    values = {as_text(row.get("value"))} if operator in {"EQ", "NEQ"} else set(words(row, "values"))
    if operator in {"NEQ", "NOT_IN"}:
        return Filter(test=lambda r: values.isdisjoint(around.linked(r.id, name)))
    if operator not in {"EQ", "IN"}:
        raise HubSpotError(f"Invalid input JSON: operator {operator} cannot be used with associations")
    ids = frozenset(found for value in values for found in around.having(name, value))
    return Filter(test=lambda r: r.id in ids, ids=ids)


def _number(text: str) -> Any:
    """A number to compare by; the usual whole ones need no decimals."""
    return int(text) if text.isdecimal() and text.isascii() else _exact(text)


@lru_cache(maxsize=100_000)
def _exact(text: str) -> Decimal:
    """The number; what stems from a time when the property held text is less than any."""
    try:
        return parse_number(text)
    except NotOfItsTypeError:
        return Decimal("-Infinity")


# Times are kept in one form whose order is that of the texts; a day is its midnight.
_KEYS: Mapping[str, Key] = {
    "date": lambda text: f"{text}T00:00:00.000Z",
    "datetime": str,
    "number": _number,
}
_PRESENCE = {"HAS_PROPERTY": True, "NOT_HAS_PROPERTY": False}
_MEMBERSHIP = {"IN": True, "NOT_IN": False}
_TOKENS = {"CONTAINS_TOKEN": True, "NOT_CONTAINS_TOKEN": False}
_COMPARISONS: Mapping[str, tuple[Callable[[Any, Any], bool], Callable[[Any], Span]]] = {
    "EQ": (lambda held, wanted: bool(held == wanted), lambda wanted: Span(wanted, wanted)),
    "LT": (lambda held, wanted: bool(held < wanted), lambda wanted: Span(high=wanted, open=True)),
    "LTE": (lambda held, wanted: bool(held <= wanted), lambda wanted: Span(high=wanted)),
    "GT": (lambda held, wanted: bool(held > wanted), lambda wanted: Span(low=wanted, open=True)),
    "GTE": (lambda held, wanted: bool(held >= wanted), lambda wanted: Span(low=wanted)),
}
# In the order in which HubSpot lists them when it refuses another.
_OPERATORS = (
    *("IN", "NOT_HAS_PROPERTY", "LT", "EQ", "GT", "NOT_IN", "GTE", "CONTAINS_TOKEN", "HAS_PROPERTY", "LTE"),
    *("NOT_CONTAINS_TOKEN", "BETWEEN", "NEQ"),
)
