"""Duplicate rules: a record that looks like another one is refused, or only with the caller's consent.

REST API Developer Guide, "Duplicate Rule Header", and the reference (Error and result bodies): without the
header a rule that only alerts refuses over the API, too. Which of the two parts of `duplicateResult` a row of
a collections answer shows is unverified: here it has the whole of it, beside the documented three.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from closedloop.sandbox.salesforce.records.tables import Row, Tables
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.schema.sobject import SObject

_CONSENT = re.compile(r"\ballowSave\s*=\s*true\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    sobject: str
    field: str
    block: bool


class Duplicates:
    """The rules that are switched on, and whether the present request consents to duplicates."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._consent = False

    def forbid(self, sobject: str, field: str, *, block: bool) -> None:
        """Matches records of the object by the field; `block` refuses even those who consent."""
        self._rules.append(_Rule(sobject=sobject, field=field, block=block))

    @contextmanager
    def consenting(self, header: str) -> Iterator[None]:
        """Reads Sforce-Duplicate-Rule-Header for one request. Callers hold the org's lock."""
        self._consent = _CONSENT.search(header) is not None
        try:
            yield
        finally:
            self._consent = False

    def check(self, tables: Tables, kind: SObject, row: Row, changed: Mapping[str, Any]) -> None:
        """Refuses the row as it would be, where a changed field makes it a duplicate."""
        for rule in self._rules:
            if rule.sobject != kind.name or changed.get(rule.field) is None:
                continue
            others = [o for o in _matches(tables, rule, row[rule.field]) if o["Id"] != row["Id"]]
            if others and (rule.block or not self._consent):
                raise _detected(rule, others)


def _matches(tables: Tables, rule: _Rule, value: Any) -> list[Row]:
    if tables.indexed(rule.sobject, rule.field):
        return tables.where(rule.sobject, rule.field, value)
    wanted = str(value).casefold()
    return [r for r in tables.rows(rule.sobject) if str(r.get(rule.field)).casefold() == wanted]


def _detected(rule: _Rule, others: list[Row]) -> Refusal:
    message = "Use one of these records?"
    records = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {"attributes": {"type": rule.sobject}, "Id": other["Id"]},
        }
        for other in others
    ]
    match = {
        "entityType": rule.sobject,
        "errors": [],
        "matchEngine": "ExactMatchEngine",
        "matchRecords": records,
        "rule": f"{rule.sobject}_by_{rule.field}",
        "size": len(records),
        "success": True,
    }
    result = {
        "allowSave": not rule.block,
        "duplicateRule": f"{rule.sobject}_by_{rule.field}",
        "duplicateRuleEntityType": rule.sobject,
        "errorMessage": message,
        "matchResults": [match],
    }
    return Refusal("DUPLICATES_DETECTED", message, more={"duplicateResult": result})
