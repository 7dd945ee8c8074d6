"""Compiles the mapping of one object into one Python function: the hot path of every import and replay.

The source of the function is generated from the mapping, with the commonest values taken in place and the
record filled slot by slot; measured, that is quicker than code written by hand for the one mapping.
A payload that it does not take runs through the careful statements, and if those fail, field by field, to
find the one that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from closedloop.errors import NormaliseError
from closedloop.mapping.convert import FaultError
from closedloop.mapping.shape import record_type
from closedloop.mapping.spec import ObjectSpec
from closedloop.mapping.statements import Statements
from closedloop.mapping.walk import DictWalk, PlainWalk
from closedloop.schema.drafts import defaults_of, draft_of
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import CrmName

Normaliser = Callable[[Mapping[str, Any]], Record]


def compile_object(crm: CrmName, spec: ObjectSpec) -> Normaliser:
    """The function that makes a record of the object's payload, or raises NormaliseError."""
    statements = Statements(crm, spec, DictWalk())
    lines = [
        "try:",
        *indented([*body(statements), *filled(statements, raw="p")]),
        "    return r",
        "except Exception:",
        "    return carefully(p)",
    ]
    statements.names["carefully"] = Careful(crm, spec).normalise
    function: Normaliser = defined("normalise", "p", lines, statements)
    return function


def body(statements: Statements, checks: Sequence[str] = ()) -> list[str]:
    """The statements of all fields, behind the checks and what both rely on."""
    lines = [line for _, lines in statements.all() for line in lines]
    return [*statements.walk.heads, *checks, *lines]


def filled(statements: Statements, *, raw: str) -> list[str]:
    """The statements that make the record `r`; what its constructor checks, the fields' statements did."""
    record = record_type(statements.spec.object)
    statements.names |= {"Record": record, "Draft": draft_of(record)}
    values = {"crm": statements.bind("crm", statements.crm), **statements.values(), "raw": raw}
    for name, default in defaults_of(record).items():
        if name not in values:
            values[name] = "{}" if default is dict else statements.bind("default", default)
    stores = [f"r.{name} = {value}" for name, value in values.items()]
    return ["r = new(Draft)", *stores, "r.__class__ = Record"]


def indented(lines: Sequence[str]) -> list[str]:
    """The statements one level further in."""
    return [f"    {line}" for line in lines]


def defined(name: str, parameters: str, lines: Sequence[str], statements: Statements) -> Any:
    """The function of these statements."""
    source = "\n".join([f"def {name}({parameters}):", *indented(lines)])
    code = compile(source, f"<mapping of {statements.spec.object}>", "exec")
    exec(code, statements.names)  # noqa: S102 - see the first lines of `statements`
    return statements.names[name]


class Careful:
    """The normaliser whose statements leave everything to the converters, and which says what went wrong."""

    def __init__(self, crm: CrmName, spec: ObjectSpec) -> None:
        self._crm, self._spec = crm, spec

    def normalise(self, payload: Mapping[str, Any]) -> Record:
        """The record, or the NormaliseError of the first field that fails."""
        try:
            return self._whole(payload)
        except (
            FaultError,
            ValueError,
            TypeError,
            AttributeError,
            KeyError,
            ArithmeticError,
            RecursionError,
        ) as exc:
            field, fault = _first_fault(self._single, payload)
            reason = fault.reason if isinstance(fault, FaultError) else "not_a_record"
            said = fault.message if isinstance(fault, FaultError) else "the payload has an unexpected shape"
            where = f"{self._spec.object} ({self._spec.source})"
            place = f"`{field}` of {where}" if field else where
            raise NormaliseError(f"{place}: {said}", field=field, reason=reason) from (fault or exc)

    @cached_property
    def _whole(self) -> Normaliser:
        statements = Statements(self._crm, self._spec, PlainWalk())
        lines = body(statements)
        crm = statements.bind("crm", self._crm)
        statements.names["Record"] = record_type(self._spec.object)
        given = ", ".join(f"{name}={value}" for name, value in statements.values().items())
        lines.append(f"return Record(crm={crm}, raw=p, {given})")
        function: Normaliser = defined("whole", "p", lines, statements)
        return function

    @cached_property
    def _single(self) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
        """The statements of each field as a function of its own."""
        statements = Statements(self._crm, self._spec, PlainWalk())
        found = {}
        for number, (label, lines) in enumerate(statements.all()):
            heads = [line for line in statements.walk.heads if f"{line.split(' ')[0]}." in "\n".join(lines)]
            found[label] = defined(f"only_{number}", "p", [*heads, *lines], statements)
        return found


def _first_fault(
    single: Mapping[str, Callable[[Mapping[str, Any]], Any]], payload: Mapping[str, Any]
) -> tuple[str, Exception | None]:
    for field, function in single.items():
        try:
            function(payload)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is this field's fault
            return field, exc
    return "", None
