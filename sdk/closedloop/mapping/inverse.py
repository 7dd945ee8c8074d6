"""The way back of one field: where it is written, and with which of the CRM's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from closedloop.errors import BadValueError, UnsupportedError
from closedloop.mapping.path import PayloadPath
from closedloop.mapping.shape import BECOMES, Slot, slots
from closedloop.mapping.spec import FieldSpec, ObjectSpec
from closedloop.mapping.wire import to_wire
from closedloop.mapping.words import words_for
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import CrmName

# What every record has, set by the CRM alone.
NEVER_WRITTEN = frozenset({"id", "other_id", "created_at", "updated_at", "deleted", "merged_into"})

# HubSpot's objects that exist only for us: what they hold stands at the top of what their payloads are.
_ROWS = frozenset({"deal_contacts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes one field of one source. `path` is None where it cannot, and `why` says so."""

    crm: CrmName
    source: str
    spec: FieldSpec
    slot: Slot
    path: PayloadPath | None
    fixed: bool = False
    why: str = ""

    @property
    def name(self) -> str:
        """Our name of the field; a custom one's begins with `custom.`."""
        return self.slot.name

    @property
    def when(self) -> str:
        """When the field can be written: "yes", "at creation" or "no"."""
        if self.path is None:
            return "no"
        return "at creation" if self.spec.create_only else "yes"

    def stands_for(self, value: Any) -> bool:
        """Whether every record of the source has this value, so that it needs no writing."""
        return self.fixed and value in {self.spec.always, *self.spec.also}

    def write(self, value: Any, currency: str | None = None) -> dict[PayloadPath, Any]:
        """Where the value goes, and as what; `currency` is the organisation's own, where that is known."""
        if self.path is None:
            raise UnsupportedError(self.why, field=self.name, reason="read_only")
        if isinstance(value, Money):
            return self._money(self.path, value, currency)
        return {self.path: to_wire(self.crm, self._worded(value))}

    def _money(self, path: PayloadPath, value: Money, currency: str | None) -> dict[PayloadPath, Any]:
        found = {path: to_wire(self.crm, value.amount)}
        if value.currency and self.spec.currency:
            found[self.spec.currency] = to_wire(self.crm, value.currency)
        elif currency is not None and value.currency not in {None, currency}:
            raise UnsupportedError(
                f"{self.crm.label} keeps `{self.name}` in the organisation's own currency, {currency}: give "
                f"it in that one",
                field=self.name,
                reason="no_currency",
            )
        return found

    def _worded(self, value: Any) -> Any:
        if value is None or self.spec.values is None:
            return value
        words = words_for(self.spec, self.slot, value)
        if len(words) > 1:
            raise UnsupportedError(
                f"{len(words)} words of {self.crm.label} mean this value of `{self.name}`: say under "
                f"`writes` in the mapping which one is written",
                field=self.name,
                reason="several_words",
            )
        if not words:
            raise BadValueError(
                f"`{self.name}` cannot be this value: the mapping's table has no word of {self.crm.label} "
                f"for it",
                field=self.name,
                reason="unknown_value",
            )
        return words[0]


def writers(crm: CrmName, spec: ObjectSpec) -> dict[str, Writer]:
    """The writer of each field of the source that a record of ours has, by our name."""
    known = slots(spec.object)
    found = {field.name: _writer(crm, spec, field, known[field.name]) for field in spec.fields}
    for field in spec.custom:
        slot = Slot(name=f"custom.{field.name}", type=BECOMES[field.type])
        found[slot.name] = _writer(crm, spec, field, slot)
    return found


def _writer(crm: CrmName, source: ObjectSpec, spec: FieldSpec, slot: Slot) -> Writer:
    path = _path(crm, source, spec, slot)
    why = "" if path else f"`{slot.name}` of {source.object} is read-only: {_reason(crm, source, spec, slot)}"
    fixed = spec.always is not None and not source.read_only
    return Writer(crm=crm, source=source.source, spec=spec, slot=slot, path=path, fixed=fixed, why=why)


def _path(crm: CrmName, source: ObjectSpec, spec: FieldSpec, slot: Slot) -> PayloadPath | None:
    if slot.name in NEVER_WRITTEN or spec.read_only or source.read_only:
        return None
    paths = (spec.to,) if spec.to else spec.paths
    return next((path for path in paths if _can_be_written(crm, source.source, path)), None)


def _can_be_written(crm: CrmName, source: str, path: PayloadPath) -> bool:
    if crm is CrmName.SALESFORCE:  # a path through another record, such as Owner.Name, is that record's
        return len(path) == 1
    if path[0] == "associations":
        return len(path) == 5 and path[2:] == ("results", 0, "id")
    return len(path) == (1 if source in _ROWS else 2) and (
        source in _ROWS or path[0] in {"properties", "labels"}
    )


def _reason(crm: CrmName, source: ObjectSpec, spec: FieldSpec, slot: Slot) -> str:
    if spec.read_only or source.read_only or slot.name in NEVER_WRITTEN:
        return f"{crm.label} sets it itself"
    if spec.join:
        return "it is made of several fields, write those"
    if spec.always is not None:
        return f"for {source.source} it is always the same"
    return f"{crm.label} keeps it where it cannot be written"
