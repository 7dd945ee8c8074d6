"""Compiles the mapping of one object into one Python function: the hot path of every import and replay.

The source of the function is generated from the mapping, with the commonest checks written out in place
instead of called; measured, that is as fast as code written by hand for the one mapping. Every name in
it comes from our own tables: what a file says enters only as `repr` of a text or through a table.
When the whole function fails, the same statements run once more field by field to find the one that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from closedloop.errors import NormaliseError
from closedloop.mapping import convert, ids
from closedloop.mapping.convert import FaultError
from closedloop.mapping.path import PayloadPath, dig, part
from closedloop.mapping.shape import BECOMES, Slot, record_type, slots
from closedloop.mapping.spec import FieldSpec, ObjectSpec
from closedloop.schema.records import LinkedId, Record, Utm
from closedloop.schema.vocabulary import CrmName

Normaliser = Callable[[Mapping[str, Any]], Record]

_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "string": convert.to_text,
    "guid": ids.guid,
    "email": convert.to_email,
    "bool": convert.to_bool,
    "int": convert.to_int,
    "decimal": convert.to_decimal,
    "date": convert.to_date,
    "datetime": convert.to_datetime,
    "list": convert.to_list,
}


def compile_object(crm: CrmName, spec: ObjectSpec) -> Normaliser:
    """The function that makes a record of the object's payload, or raises NormaliseError."""
    return _Compiler(crm, spec).compile()


class _Compiler:
    """Holds the namespace of the generated function while its source is written."""

    def __init__(self, crm: CrmName, spec: ObjectSpec) -> None:
        self.crm = crm
        self.spec = spec
        self.slots = slots(spec.object)
        self.record = record_type(spec.object)
        self.own_id = _own_id(crm, spec)
        self.parts: dict[str, str] = {}
        self.names: dict[str, Any] = {
            "part": part,
            "dig": dig,
            "to_text": convert.to_text,
            "LinkedId": LinkedId,
            "Utm": Utm,
            "Record": self.record,
            "crm": crm,
            "missing": _missing,
        }

    def compile(self) -> Normaliser:
        """The normaliser of the object."""
        statements = {self._variable(spec.name): self._field(spec) for spec in self.spec.fields}
        statements |= {f"c{place}": self._custom(place, spec) for place, spec in enumerate(self.spec.custom)}
        if self.spec.links:
            statements["linked_ids"] = self._links()
        labels = [spec.name for spec in (*self.spec.fields, *self.spec.custom)] + ["linked_ids"]
        whole = self._function(
            "whole", [line for lines in statements.values() for line in lines], self._construct()
        )
        single = {
            label: self._function(f"only_{place}", lines, "None")
            for place, (label, lines) in enumerate(zip(labels, statements.values(), strict=False))
        }
        return partial(_normalise, self.spec, whole, single)

    def _function(self, name: str, lines: list[str], result: str) -> Callable[[Mapping[str, Any]], Any]:
        body = "\n".join(lines)
        heads = [
            f"    {variable} = part(p, {head!r})"
            for head, variable in self.parts.items()
            if f"{variable}." in body
        ]
        source = "\n".join(
            [f"def {name}(p):", *heads, *(f"    {line}" for line in lines), f"    return {result}"]
        )
        exec(compile(source, f"<mapping of {self.spec.object}>", "exec"), self.names)  # noqa: S102 - see the module's first lines
        function: Callable[[Mapping[str, Any]], Any] = self.names[name]
        return function

    @staticmethod
    def _variable(name: str) -> str:
        return "f_" + name.replace(".", "_")

    def _bind(self, prefix: str, value: Any) -> str:
        name = f"{prefix}{len(self.names)}"
        self.names[name] = value
        return name

    # One field -------------------------------------------------------------------------------

    def _field(self, spec: FieldSpec) -> list[str]:
        slot, variable = self.slots[spec.name], self._variable(spec.name)
        lines = self._value(spec, variable, slot)
        if slot.required:
            return [*lines, f"if {variable} is None: missing({spec.name!r}, {self._expected(spec)!r})"]
        if slot.default is not None:
            lines.append(f"if {variable} is None: {variable} = {self._bind('default', slot.default)}")
        return lines

    def _custom(self, place: int, spec: FieldSpec) -> list[str]:
        return self._value(spec, f"c{place}", Slot(name=spec.name, type=BECOMES[spec.type]))

    def _expected(self, spec: FieldSpec) -> str:
        return " or ".join(".".join(map(str, path)) for path in spec.all_paths)

    def _value(self, spec: FieldSpec, variable: str, slot: Slot) -> list[str]:
        if spec.always is not None:
            return [f"{variable} = {self._bind('always', spec.always)}"]
        if spec.join:
            return self._join(spec, variable)
        lines: list[str] = []
        for place, path in enumerate(spec.paths):
            attempt = [f"v = {self._get(path)}", *self._convert(spec, variable, slot)]
            lines += (
                attempt if not place else [f"if {variable} is None:", *(f"    {line}" for line in attempt)]
            )
        return lines

    def _join(self, spec: FieldSpec, variable: str) -> list[str]:
        parts = ", ".join(f"to_text({self._get(path)})" for path in spec.join)
        if spec.name == "id":  # half an id names nothing
            return [f"v = ({parts},)", f"{variable} = None if None in v else {spec.separator!r}.join(v)"]
        return [f"{variable} = {spec.separator!r}.join(w for w in ({parts},) if w) or None"]

    def _get(self, path: PayloadPath) -> str:
        if len(path) == 1:
            return f"p.get({path[0]!r})"
        if len(path) == 2 and isinstance(path[1], str):
            variable = self.parts.setdefault(str(path[0]), f"part{len(self.parts)}")
            return f"{variable}.get({path[1]!r})"
        return f"dig(p, {path!r})"

    def _convert(self, spec: FieldSpec, variable: str, slot: Slot) -> list[str]:
        skip = (
            [f"if v is not None and not str(v).startswith({spec.starts_with!r}): v = None"]
            if spec.starts_with
            else []
        )
        if spec.values is not None or _is_word(spec, slot):
            return [*skip, f"{variable} = {self._bind('word', _words(spec, slot))}(v)"]
        if spec.type == "money":
            currency = self._get(spec.currency) if spec.currency else "None"
            money = self._bind("money", convert.to_money)
            return [*skip, f"{variable} = None if v is None else {money}(v, {currency})"]
        if spec.type == "string":
            return [*skip, *_text(variable)]
        converter = self._bind("to_", self._converter(spec))
        return [*skip, *self._shortcut(spec, variable), f"else: {variable} = {converter}(v)"]

    def _shortcut(self, spec: FieldSpec, variable: str) -> list[str]:
        """The commonest values, taken without a call; the converter decides about all others."""
        lines = [f"if v is None: {variable} = None"]
        if spec.type == "bool":
            lines.append(f"elif v is True or v is False: {variable} = v")
        if spec.type == "id" and self.crm is CrmName.SALESFORCE and spec.name != "id":
            lines.append(
                f"elif v.__class__ is str and len(v) == 18 and v.isascii() and v.isalnum(): {variable} = v"
            )
        return lines

    def _converter(self, spec: FieldSpec) -> Callable[[Any], Any]:
        if spec.type != "id":
            return _CONVERTERS[spec.type]
        if spec.name == "id":
            return self.own_id
        return ids.salesforce_id if self.crm is CrmName.SALESFORCE else ids.hubspot_id

    # The record ------------------------------------------------------------------------------

    def _links(self) -> list[str]:
        lines = ["linked_ids = []"]
        for link in self.spec.links:
            check = self._bind(
                "link", ids.salesforce_id if link.crm is CrmName.SALESFORCE else ids.hubspot_id
            )
            crm, object_type = self._bind("crm", link.crm), self._bind("object", link.object)
            lines += [
                f"v = {check}({self._get(link.path)})",
                f"if v is not None: linked_ids.append(LinkedId(crm={crm}, object={object_type}, id=v))",
            ]
        return lines

    def _construct(self) -> str:
        plain = [spec.name for spec in self.spec.fields if "." not in spec.name]
        arguments = [f"{name}={self._variable(name)}" for name in plain]
        utm = [spec.name for spec in self.spec.fields if spec.name.startswith("utm.")]
        if utm:
            values = [self._variable(name) for name in utm]
            given = ", ".join(f"{name[4:]}={self._variable(name)}" for name in utm)
            arguments.append(f"utm=None if {' is None and '.join(values)} is None else Utm({given})")
        if self.spec.links:
            arguments.append("linked_ids=tuple(linked_ids)")
        if self.spec.custom:
            pairs = ", ".join(f"{spec.name!r}: c{place}" for place, spec in enumerate(self.spec.custom))
            arguments.append(f"custom={{{pairs}}}")
        return f"Record(crm=crm, raw=p, {', '.join(arguments)})"


def _text(variable: str) -> list[str]:
    """The commonest conversion, written out: text that is plain ASCII needs no call."""
    return [
        'if v.__class__ is str and v.isascii() and "\\0" not in v:',
        f"    {variable} = v.strip() or None",
        "else:",
        f"    {variable} = to_text(v)",
    ]


def _own_id(crm: CrmName, spec: ObjectSpec) -> Callable[[Any], Any]:
    if crm is CrmName.HUBSPOT:
        return ids.hubspot_id
    return partial(ids.salesforce_own_id, ids.PREFIXES.get(spec.source))


def _is_word(spec: FieldSpec, slot: Slot) -> bool:
    return spec.type == "string" and slot.type is not str


def _words(spec: FieldSpec, slot: Slot) -> Callable[[Any], Any]:
    """Looks a value up in the mapping's table, in any case; a list is looked up sorted and joined by `;`."""
    table = {raw.lower(): ours for raw, ours in (spec.values or {}).items()}
    if spec.values is None:
        table = {str(ours): ours for ours in slot.type.__members__.values()}  # type: ignore[attr-defined]  # _is_word: our enums
    passes = slot.type is str

    def look_up(value: Any) -> Any:
        text = (
            ";".join(sorted(convert.to_list(value) or ()))
            if isinstance(value, list)
            else convert.to_text(value)
        )
        if not text:
            return None
        if text.lower() in table:
            return table[text.lower()]
        if spec.otherwise is not None:
            return spec.otherwise
        if passes:
            return text
        raise FaultError("unknown_value", "the CRM sent a word that the table under `values` does not list")

    return look_up


def _missing(field: str, expected: str) -> None:
    reason = "missing_id" if field == "id" else "missing_field"
    raise FaultError(reason, f"the payload has nothing at {expected}")


def _normalise(
    spec: ObjectSpec,
    whole: Callable[[Mapping[str, Any]], Record],
    single: Mapping[str, Callable[[Mapping[str, Any]], Any]],
    payload: Mapping[str, Any],
) -> Record:
    """The record, or the NormaliseError of the first field that fails."""
    try:
        return whole(payload)
    except (
        FaultError,
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        ArithmeticError,
        RecursionError,
    ) as exc:
        field, fault = _first_fault(single, payload)
        reason = fault.reason if isinstance(fault, FaultError) else "not_a_record"
        said = fault.message if isinstance(fault, FaultError) else "the payload has an unexpected shape"
        place = f"`{field}` of {spec.object} ({spec.source})" if field else f"{spec.object} ({spec.source})"
        raise NormaliseError(f"{place}: {said}", field=field, reason=reason) from (fault or exc)


def _first_fault(
    single: Mapping[str, Callable[[Mapping[str, Any]], Any]], payload: Mapping[str, Any]
) -> tuple[str, Exception | None]:
    for field, function in single.items():
        try:
            function(payload)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is this field's fault
            return field, exc
    return "", None
