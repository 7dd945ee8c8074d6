"""Writes the statements that turn one value of a payload into one field of ours.

The careful ones call a converter for every value, the quick ones (see `shortcuts`) take the commonest values
without a call. Every name in them comes from our own tables: what a mapping file says enters only as `repr`
of a text or through a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from closedloop.mapping import convert, ids
from closedloop.mapping.path import PayloadPath, dig, part
from closedloop.mapping.shape import BECOMES, Slot, slots
from closedloop.mapping.shortcuts import NAMES, Form, plain, quick
from closedloop.mapping.spec import FieldSpec, LinkSpec, ObjectSpec
from closedloop.mapping.tables import is_word, words
from closedloop.mapping.walk import Walk, inside, place
from closedloop.schema.records import LinkedId, Utm
from closedloop.schema.vocabulary import CrmName

_CONVERTERS: Mapping[str, Callable[..., Any]] = {
    "string": convert.to_text,
    "guid": ids.guid,
    "email": convert.to_email,
    "bool": convert.to_bool,
    "int": convert.to_int,
    "decimal": convert.to_decimal,
    "date": convert.to_date,
    "datetime": convert.to_datetime,
    "money": convert.to_money,
    "list": convert.to_list,
}


class Statements:
    """The statements of one object's fields, by the walk's ways; `names` is what they refer to."""

    def __init__(self, crm: CrmName, spec: ObjectSpec, walk: Walk) -> None:
        self.crm, self.spec, self.walk = crm, spec, walk
        self._slots = slots(spec.object)
        self.names: dict[str, Any] = {
            **NAMES,
            "LinkedId": LinkedId,
            "Utm": Utm,
            "dig": dig,
            "inside": inside,
            "missing": _missing,
            "part": part,
            "place": place,
            "to_text": convert.to_text,
        }

    def bind(self, prefix: str, value: Any) -> str:
        """The name that stands for a value of ours."""
        name = f"{prefix}{len(self.names)}"
        self.names[name] = value
        return name

    def all(self) -> list[tuple[str, list[str]]]:
        """Each field's name and statements."""
        found = [(spec.name, self._field(spec)) for spec in self.spec.fields]
        found += [(spec.name, self._custom(number, spec)) for number, spec in enumerate(self.spec.custom)]
        return [*found, ("linked_ids", self._links())] if self.spec.links else found

    def values(self) -> dict[str, str]:
        """The expression of each field of the record, once the statements have run."""
        names = [spec.name for spec in self.spec.fields]
        found = {name: _variable(name) for name in names if "." not in name}
        utm = [name for name in names if name.startswith("utm.")]
        if utm:
            given = ", ".join(f"{name[4:]}={_variable(name)}" for name in utm)
            blank = " is None and ".join(map(_variable, utm))
            found["utm"] = f"None if {blank} is None else Utm({given})"
        if self.spec.links:
            found["linked_ids"] = "linked_ids"
        if self.spec.custom:
            pairs = ", ".join(f"{spec.name!r}: c{number}" for number, spec in enumerate(self.spec.custom))
            found["custom"] = f"{{{pairs}}}"
        return found

    def _field(self, spec: FieldSpec) -> list[str]:
        slot, variable = self._slots[spec.name], _variable(spec.name)
        lines = self._value(spec, variable, slot)
        if slot.required:
            expected = " or ".join(".".join(map(str, path)) for path in spec.all_paths)
            return [*lines, f"if {variable} is None: missing({spec.name!r}, {expected!r})"]
        if slot.default is not None:
            lines.append(f"if {variable} is None: {variable} = {self.bind('default', slot.default)}")
        return lines

    def _custom(self, number: int, spec: FieldSpec) -> list[str]:
        return self._value(spec, f"c{number}", Slot(name=spec.name, type=BECOMES[spec.type]))

    def _value(self, spec: FieldSpec, variable: str, slot: Slot) -> list[str]:
        if spec.always is not None:
            return [f"{variable} = {self.bind('always', spec.always)}"]
        if spec.join:
            return self._join(spec, variable)
        lines: list[str] = []
        for number, path in enumerate(spec.paths):
            attempt = [f"v = {self.walk.get(path)}", *self._convert(spec, path, variable, slot)]
            later = [f"if {variable} is None:", *(f"    {line}" for line in attempt)]
            lines += later if number else attempt
        return lines

    def _join(self, spec: FieldSpec, variable: str) -> list[str]:
        parts = ", ".join(f"to_text({self.walk.get(path)})" for path in spec.join)
        if spec.name == "id":  # half an id names nothing
            return [f"v = ({parts},)", f"{variable} = None if None in v else {spec.separator!r}.join(v)"]
        return [f"{variable} = {spec.separator!r}.join(w for w in ({parts},) if w) or None"]

    def _convert(self, spec: FieldSpec, path: PayloadPath, variable: str, slot: Slot) -> list[str]:
        prefix = spec.starts_with
        skip = [f"if v is not None and not str(v).startswith({prefix!r}): v = None"] if prefix else []
        if is_word(spec, slot):
            return [*skip, *plain(variable, f"{self.bind('word', words(spec, slot))}(v)", "")]
        form = self.walk.form(path)
        lines = plain if form is Form.NONE else quick(spec, self.spec, self.crm, form)
        code = self.walk.get(spec.currency) if spec.currency else "None"
        given = f"v, {code}" if spec.type == "money" else "v"
        return [*skip, *lines(variable, f"{self._converter(spec)}({given})", code)]

    def _converter(self, spec: FieldSpec) -> str:
        if spec.type != "id":
            return self.bind("to_", _CONVERTERS[spec.type])
        if self.crm is CrmName.HUBSPOT:
            return self.bind("to_", ids.hubspot_id)
        if spec.name != "id":
            return self.bind("to_", ids.salesforce_id)
        return self.bind("to_", partial(ids.salesforce_own_id, ids.PREFIXES.get(self.spec.source)))

    def _links(self) -> list[str]:
        return ["linked_ids = ()", *(line for link in self.spec.links for line in self._link(link))]

    def _link(self, link: LinkSpec) -> list[str]:
        check = ids.salesforce_id if link.crm is CrmName.SALESFORCE else ids.hubspot_id
        crm, object_type = self.bind("crm", link.crm), self.bind("object", link.object)
        return [
            f"v = {self.walk.get(link.path)}",
            f"if v is not None: v = {self.bind('link', check)}(v)",
            f"if v is not None: linked_ids += (LinkedId(crm={crm}, object={object_type}, id=v),)",
        ]


def _variable(name: str) -> str:
    return "f_" + name.replace(".", "_")


def _missing(field: str, expected: str) -> None:
    reason = "missing_id" if field == "id" else "missing_field"
    raise convert.FaultError(reason, f"the payload has nothing at {expected}")
