"""Validation rules, as an administrator of the customer adds them.

SOAP API Developer Guide, "Status Codes": FIELD_CUSTOM_VALIDATION_EXCEPTION; its message is the rule's, and
its fields are those at which the rule shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from closedloop.sandbox.salesforce.records.derive import value
from closedloop.sandbox.salesforce.records.tables import Row, Tables
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.schema.sobject import SObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationRule:
    """Refuses records of an object for which `wrong` is true; `field` is where the message is shown."""

    sobject: str
    wrong: Callable[[Mapping[str, Any]], bool]
    message: str
    field: str | None = None


class _Whole(Mapping[str, Any]):
    """A row as a rule sees it, with its computed fields."""

    def __init__(self, tables: Tables, kind: SObject, row: Row) -> None:
        self._tables, self._kind, self._row = tables, kind, row

    def __getitem__(self, name: str) -> Any:
        if name not in self._kind.fields:
            raise KeyError(name)
        return value(self._tables, self._kind.name, self._row, name)

    def __iter__(self) -> Any:
        return iter(self._kind.fields)

    def __len__(self) -> int:
        return len(self._kind.fields)


class Validation:
    """The rules that are switched on."""

    def __init__(self) -> None:
        self._rules: list[ValidationRule] = []

    def add(self, rule: ValidationRule) -> None:
        """Switches a rule on."""
        self._rules.append(rule)

    def concerns(self, kind: SObject) -> bool:
        """Whether there is a rule for the object."""
        return any(rule.sobject == kind.name for rule in self._rules)

    def check(self, tables: Tables, kind: SObject, row: Row) -> None:
        """Refuses the row as it would be."""
        for rule in self._rules:
            if rule.sobject == kind.name and rule.wrong(_Whole(tables, kind, row)):
                fields = [] if rule.field is None else [rule.field]
                raise Refusal("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields=fields)
