"""Looks words of the CRM up in the tables of a mapping file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from closedloop.mapping import convert
from closedloop.mapping.convert import FaultError
from closedloop.mapping.shape import Slot
from closedloop.mapping.spec import FieldSpec


def is_word(spec: FieldSpec, slot: Slot) -> bool:
    """Whether the field's values are looked up in a table: the file's, or that of our own words."""
    return spec.values is not None or (spec.type == "string" and slot.type is not str)


def words(spec: FieldSpec, slot: Slot) -> Callable[[Any], Any]:
    """Looks a value up in the mapping's table, in any case; a list is looked up sorted and joined by `;`."""
    table = {raw.lower(): ours for raw, ours in (spec.values or {}).items()}
    if spec.values is None:
        table = {str(ours): ours for ours in slot.type.__members__.values()}  # type: ignore[attr-defined]  # is_word: our enums
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
