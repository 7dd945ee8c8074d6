"""When a record-triggered flow starts: on which writes, and under which conditions.

Metadata API Developer Guide, "Flow": FlowStart, FlowRecordFilter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from closedloop.sandbox.salesforce.metadata.formulas import Formula, FormulaError, Moment, formula
from closedloop.sandbox.salesforce.records.values import to_json
from closedloop.sandbox.salesforce.soap.markup import Element

_LITERAL = re.compile(r"(?P<kind>string|number|boolean|date|dateTime)Value")


def condition_of(start: Element) -> Formula:
    """Whether a write meets the start's conditions, and is one that it waits for. Raises FormulaError."""
    trigger = start.value("recordTriggerType") or "Create"
    meets = _meets(start)
    only_when_it_begins_to = start.flag("doesRequireRecordChangedToMeetCriteria")

    def starts(moment: Moment) -> bool:
        if moment.before is None:
            return trigger in ("Create", "CreateAndUpdate") and bool(meets(moment))
        if trigger not in ("Update", "CreateAndUpdate") or not meets(moment):
            return False
        return not only_when_it_begins_to or not meets(Moment(now=moment.before, before=moment.before))

    return starts


def _meets(start: Element) -> Formula:
    text = start.value("filterFormula")
    if text:
        if start.value("recordTriggerType") != "Update" and "ISCHANGED" in text.upper():
            # A new record was not changed: Flow Builder offers the function to flows on update alone.
            raise FormulaError("The function ISCHANGED can't be used in a flow that starts on creation.")
        return formula(text)
    tests = [_test(one) for one in start.all("filters")]
    if not tests:
        return lambda _: True
    return _joined(tests, start.value("filterLogic") or "and")


def _joined(tests: Sequence[Formula], logic: str) -> Formula:
    if logic.lower() in ("and", "or"):
        join = all if logic.lower() == "and" else any
        return lambda moment: join(test(moment) for test in tests)
    words = re.findall(r"\d+|and|or|not|[()]", logic.lower())
    if any(w.isdigit() and not 1 <= int(w) <= len(tests) for w in words) or "".join(words) != re.sub(
        r"\s", "", logic.lower()
    ):
        raise FormulaError(f"The filter logic {logic!r} is invalid.")
    signs = {"and": "&&", "or": "||", "not": "!"}
    outline = formula(" ".join(signs.get(w, f"$Record.n{w}" if w.isdigit() else w) for w in words))

    def test(moment: Moment) -> Any:
        return outline(Moment(now=lambda name: tests[int(name[1:]) - 1](moment), before=None))

    return test


def _test(one: Element) -> Formula:
    field, operator = one.value("field") or "", one.value("operator") or ""
    wanted = _value(one.find("value"))
    if operator == "IsChanged":
        return lambda moment: moment.changed(field) is bool(wanted)
    if operator == "IsNull":
        return lambda moment: (moment.now(field) in (None, "")) is bool(wanted)
    if operator not in _OPERATORS:
        raise FormulaError(f"The operator {operator} can't be used in the start of a flow.")
    compare = _OPERATORS[operator]
    return lambda moment: compare(moment.now(field), wanted)


def _value(element: Element | None) -> Any:
    for child in [] if element is None else element.children:
        match = _LITERAL.fullmatch(child.name)
        if match is None:
            raise FormulaError(f"The start of a flow compares with literals here, not with a {child.name}.")
        return _literal(match["kind"], child.text.strip())
    return None


def _literal(kind: str, text: str) -> Any:
    if kind == "boolean":
        return text.lower() == "true"
    if kind == "number":
        try:
            return Decimal(text)
        except InvalidOperation:
            raise FormulaError(f"{text} is no number.") from None
    return text


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool | Decimal) or value is None:
        return bool(value == wanted)
    # Text is compared without regard to its case in a flow's conditions.
    return _text(value).casefold() == str(wanted).casefold()


def _text(value: Any) -> str:
    return "" if value is None else str(to_json(value))


def _order(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(value: Any, wanted: Any) -> bool:
        if value is None or wanted is None:
            return False
        if isinstance(wanted, Decimal):
            return test(Decimal(str(value)), wanted)
        return test(_text(value), str(wanted))

    return compare


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "EqualTo": _equal,
    "NotEqualTo": lambda value, wanted: not _equal(value, wanted),
    "GreaterThan": _order(lambda value, wanted: bool(value > wanted)),
    "GreaterThanOrEqualTo": _order(lambda value, wanted: bool(value >= wanted)),
    "LessThan": _order(lambda value, wanted: bool(value < wanted)),
    "LessThanOrEqualTo": _order(lambda value, wanted: bool(value <= wanted)),
    "Contains": lambda value, wanted: str(wanted).casefold() in _text(value).casefold(),
    "StartsWith": lambda value, wanted: _text(value).casefold().startswith(str(wanted).casefold()),
    "EndsWith": lambda value, wanted: _text(value).casefold().endswith(str(wanted).casefold()),
}
