"""The search API: filters, sorting and paging, with HubSpot's limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from closedloop.sandbox.hubspot.asking import objects, whole, words
from closedloop.sandbox.hubspot.catalogue import Catalogue
from closedloop.sandbox.hubspot.definitions import PropertyDefinition
from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.kinds import ObjectKind
from closedloop.sandbox.hubspot.records import CrmObject
from closedloop.sandbox.hubspot.values import NotOfItsTypeError, as_text, parse_moment, parse_number

# HubSpot's documented limits.
MOST_RESULTS = 10_000
_MOST_GROUPS, _MOST_FILTERS, _MOST_FILTERS_IN_ALL, _MOST_CHARACTERS = 5, 6, 18, 3000
_PAGE, _LARGEST_PAGE = 10, 200

Test = Callable[[CrmObject], bool]
_Value = str | Decimal | datetime
_Sort = tuple[str, bool]


def paged(body: Mapping[str, Any], characters: int) -> tuple[int, int]:
    """Where the page starts and how long it is; 400 past the 10,000th result or the longest body."""
    if characters > _MOST_CHARACTERS:
        raise HubSpotError(f"The request body is longer than {_MOST_CHARACTERS} characters")
    start = whole(body.get("after"), "after", default=0)
    limit = whole(body.get("limit"), "limit", default=_PAGE, most=_LARGEST_PAGE)
    if start + limit > MOST_RESULTS:
        raise HubSpotError("The maximum number of results that can be paged through is 10000")
    return start, limit


def found(
    kind: ObjectKind, records: Iterable[CrmObject], body: Mapping[str, Any], catalogue: Catalogue
) -> list[CrmObject]:
    """The records that match, in the order asked for; oldest first when none was."""

    def lookup(name: str) -> PropertyDefinition:
        if not catalogue.knows(kind, name):
            raise HubSpotError(f"There was a problem with the request. Unknown property: {name}")
        return catalogue.get(kind, name)

    hits = list(filter(_any([_all(group) for group in _tests(body, lookup)]), records))
    query = str(body.get("query") or "").lower()
    if query:
        hits = [r for r in hits if _contains(r, kind.searched, query)]
    return _sorted(hits, body, lookup)


Lookup = Callable[[str], PropertyDefinition]


def _all(tests: list[Test]) -> Test:
    """One test that stands for all; the usual case of a single one costs no more than that one."""
    return tests[0] if len(tests) == 1 else lambda r: all(test(r) for test in tests)


def _any(tests: list[Test]) -> Test | None:
    """One test that any of them passes; None, which every record passes, when there are none."""
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else lambda r: any(test(r) for test in tests)


def _tests(body: Mapping[str, Any], lookup: Lookup) -> list[list[Test]]:
    """One list of tests per filter group: a record has to pass all of any one of them."""
    groups = [objects(group, "filters") for group in objects(body, "filterGroups")]
    if len(groups) > _MOST_GROUPS:
        raise HubSpotError(f"At most {_MOST_GROUPS} filterGroups are allowed")
    if any(len(g) > _MOST_FILTERS for g in groups) or sum(map(len, groups)) > _MOST_FILTERS_IN_ALL:
        raise HubSpotError(
            f"At most {_MOST_FILTERS} filters in a group and {_MOST_FILTERS_IN_ALL} in all are allowed"
        )
    return [[_test(row, lookup) for row in group] for group in groups]


def _test(row: Mapping[str, Any], lookup: Lookup) -> Test:
    definition = lookup(str(row.get("propertyName", "")))
    operator = str(row.get("operator", ""))
    name = definition.name
    if operator in _PRESENCE:
        wanted = _PRESENCE[operator]
        return lambda r: (name in r.properties) is wanted
    if operator in _MEMBERSHIP:
        return _membership(definition, words(row, "values"), inside=_MEMBERSHIP[operator])
    if operator in _TOKENS:
        pattern, wanted = _pattern(as_text(row.get("value"))), _TOKENS[operator]
        return lambda r: (pattern.search(r.properties.get(name, "").lower()) is not None) is wanted
    if operator == "BETWEEN":
        low, high = _typed(definition, row.get("value")), _typed(definition, row.get("highValue"))
        return _held(definition, lambda v: bool(low <= v <= high))  # type: ignore[operator]
    return _comparison(definition, operator, row)


def _comparison(definition: PropertyDefinition, operator: str, row: Mapping[str, Any]) -> Test:
    if operator not in _COMPARISONS:
        raise HubSpotError(f"Invalid input JSON: unknown operator {operator}")
    compare, wanted = _COMPARISONS[operator], _typed(definition, row.get("value"))
    # A record without the property is not equal to anything.
    return _held(definition, lambda v: compare(v, wanted), absent=operator == "NEQ")


def _held(definition: PropertyDefinition, test: Callable[[_Value], bool], *, absent: bool = False) -> Test:
    """Whether a record's value passes the test; `absent` is the answer for one that has none."""
    name, convert = definition.name, _CONVERTERS.get(definition.type, str.lower)

    def passes(record: CrmObject) -> bool:
        raw = record.properties.get(name)
        return absent if raw is None else test(convert(raw))

    return passes


def _typed(definition: PropertyDefinition, raw: Any) -> _Value:
    """The value to compare by: times and numbers by what they are, texts without regard to case."""
    try:
        return _CONVERTERS.get(definition.type, str.lower)(as_text(raw))
    except NotOfItsTypeError:
        raise HubSpotError(f"Invalid value for property {definition.name} in a filter") from None


def _membership(definition: PropertyDefinition, values: list[str], *, inside: bool) -> Test:
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

    return test


def _pattern(token: str) -> re.Pattern[str]:
    """A word, or with `*` a part of one."""
    parts = [re.escape(part) for part in token.lower().split("*")]
    return re.compile(r"(?<!\w)" + r"\w*".join(parts) + r"(?!\w)")


def _contains(record: CrmObject, names: Sequence[str], query: str) -> bool:
    return any(query in record.properties.get(name, "").lower() for name in names)


def _sorted(records: list[CrmObject], body: Mapping[str, Any], lookup: Lookup) -> list[CrmObject]:
    sort = _sort(body)
    if sort is None:
        return sorted(records, key=lambda r: (r.created_at, int(r.id)))
    definition, descending = lookup(sort[0]), sort[1]
    name, convert = definition.name, _CONVERTERS.get(definition.type, str.lower)
    having = [r for r in records if name in r.properties]
    having.sort(key=lambda r: convert(r.properties[name]), reverse=descending)
    return having + [r for r in records if name not in r.properties]


def _sort(body: Mapping[str, Any]) -> _Sort | None:
    """The one sort that a search may have: an object, or a name with "-" before it for descending."""
    sorts = body.get("sorts") or []
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise HubSpotError("Only one sort is allowed")
    if not sorts:
        return None
    if isinstance(sorts[0], dict):
        return str(sorts[0].get("propertyName", "")), sorts[0].get("direction") == "DESCENDING"
    return str(sorts[0]).lstrip("-"), str(sorts[0]).startswith("-")


# As what the values of a type are compared; all others are texts.
_CONVERTERS: Mapping[str, Callable[[str], _Value]] = {
    "date": parse_moment,
    "datetime": parse_moment,
    "number": lru_cache(maxsize=100_000)(parse_number),
}
_PRESENCE = {"HAS_PROPERTY": True, "NOT_HAS_PROPERTY": False}
_MEMBERSHIP = {"IN": True, "NOT_IN": False}
_TOKENS = {"CONTAINS_TOKEN": True, "NOT_CONTAINS_TOKEN": False}
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda held, wanted: held == wanted,
    "NEQ": lambda held, wanted: held != wanted,
    "LT": lambda held, wanted: held < wanted,
    "LTE": lambda held, wanted: held <= wanted,
    "GT": lambda held, wanted: held > wanted,
    "GTE": lambda held, wanted: held >= wanted,
}
