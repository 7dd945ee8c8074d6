"""The filters of lists: branches of branches, with conditions on properties at their ends.

Source: HubSpot documentation, "Lists: configure filters and branches". Conditions on anything but a record's
own properties (events, e-mails, associations) are taken and match nobody: there is no such data here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.record import CrmObject
from closedloop.sandbox.hubspot.records.values import NotOfItsTypeError, as_text, parse_moment, parse_number
from closedloop.sandbox.hubspot.rest.reading import mapping, objects

Test = Callable[[CrmObject], bool]
_BRANCHES = frozenset({"OR", "AND", "NOT_ALL", "NOT_ANY", "RESTRICTED", "UNIFIED_EVENTS", "ASSOCIATION"})


def branch_test(branch: Mapping[str, Any]) -> Test:
    """Whether a record is in a branch; 400 for what is no branch."""
    sort = str(branch.get("filterBranchType"))
    if sort not in _BRANCHES:
        raise HubSpotError(f"Invalid filterBranchType: {sort}")
    tests = [branch_test(each) for each in objects(branch, "filterBranches")]
    tests += [_filter_test(each) for each in objects(branch, "filters")]
    if sort in {"UNIFIED_EVENTS", "ASSOCIATION", "RESTRICTED"}:
        return _nobody
    if sort in {"OR", "NOT_ANY"}:
        return lambda record: any(test(record) for test in tests) is (sort == "OR")
    return lambda record: all(test(record) for test in tests) is (sort == "AND")


def _nobody(record: CrmObject) -> bool:
    del record
    return False


def _filter_test(row: Mapping[str, Any]) -> Test:
    if row.get("filterType") != "PROPERTY":
        return _nobody
    name, operation = str(row.get("property", "")), mapping(row, "operation")
    operator = str(operation.get("operator", ""))
    if operator in {"IS_KNOWN", "IS_UNKNOWN"}:
        return lambda record: (name in record.properties) is (operator == "IS_KNOWN")
    if operator in _COMPARISONS:
        return _compared(name, operator, operation)
    if operator not in _TEXTS:
        raise HubSpotError(f"Invalid operator in a list filter: {operator}")
    test, wanted = _TEXTS[operator]
    values = [as_text(value).lower() for value in _values(operation)]
    unset = bool(operation.get("includeObjectsWithNoValueSet"))

    def passes(record: CrmObject) -> bool:
        held = record.properties.get(name)
        return unset or not wanted if held is None else any(test(held.lower(), v) for v in values) is wanted

    return passes


def _compared(name: str, operator: str, operation: Mapping[str, Any]) -> Test:
    """A condition on a number or a time."""
    compare = _COMPARISONS[operator]
    bounds = [_quantity(as_text(value)) for value in _values(operation)]
    if not bounds or None in bounds:
        raise HubSpotError(f"Invalid value for property {name} in a list filter")

    def passes(record: CrmObject) -> bool:
        held = _quantity(record.properties.get(name, ""))
        return held is not None and type(held) is type(bounds[0]) and compare(held, bounds)

    return passes


def _values(operation: Mapping[str, Any]) -> list[Any]:
    if isinstance(operation.get("values"), list):
        return list(operation["values"])
    named = ("value", "lowerBound", "upperBound", "timestamp", "lowerBoundTimestamp", "upperBoundTimestamp")
    return [operation[name] for name in named if operation.get(name) is not None]


def _quantity(text: str) -> Any:
    """The number or the time; None for anything else."""
    for parse in (parse_number, parse_moment):
        try:
            return parse(text)
        except NotOfItsTypeError:
            continue
    return None


_TEXTS: Mapping[str, tuple[Callable[[str, str], bool], bool]] = {
    "IS_EQUAL_TO": (lambda held, value: held == value, True),
    "IS_NOT_EQUAL_TO": (lambda held, value: held == value, False),
    "IS_ANY_OF": (lambda held, value: value in held.split(";"), True),
    "IS_NONE_OF": (lambda held, value: value in held.split(";"), False),
    "CONTAINS": (lambda held, value: value in held, True),
    "DOES_NOT_CONTAIN": (lambda held, value: value in held, False),
    "STARTS_WITH": (lambda held, value: held.startswith(value), True),
    "ENDS_WITH": (lambda held, value: held.endswith(value), True),
}
_COMPARISONS: Mapping[str, Callable[[Any, list[Any]], bool]] = {
    "IS_GREATER_THAN": lambda held, bounds: bool(held > bounds[0]),
    "IS_GREATER_THAN_OR_EQUAL_TO": lambda held, bounds: bool(held >= bounds[0]),
    "IS_LESS_THAN": lambda held, bounds: bool(held < bounds[0]),
    "IS_LESS_THAN_OR_EQUAL_TO": lambda held, bounds: bool(held <= bounds[0]),
    "IS_AFTER": lambda held, bounds: bool(held > bounds[0]),
    "IS_BEFORE": lambda held, bounds: bool(held < bounds[0]),
    "IS_BETWEEN": lambda held, bounds: bool(bounds[0] <= held <= bounds[-1]),
    "IS_NOT_BETWEEN": lambda held, bounds: not bounds[0] <= held <= bounds[-1],
}
