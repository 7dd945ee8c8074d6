"""The table of a field, both ways: from the CRM's words to ours and back."""

from __future__ import annotations

from typing import Any

from closedloop.mapping.shape import Slot
from closedloop.mapping.spec import FieldSpec


def read_word(spec: FieldSpec, slot: Slot, word: str) -> Any:
    """What of ours a word of the CRM becomes, in any case; None where it becomes nothing."""
    table = {raw.lower(): ours for raw, ours in (spec.values or {}).items()}
    if word.lower() in table:
        return table[word.lower()]
    if spec.otherwise is not None:
        return spec.otherwise
    return word if slot.type is str else None


def words_for(spec: FieldSpec, slot: Slot, value: Any) -> list[str]:
    """The words of the CRM that a value of ours may be written as: one, or none, or too many to choose."""
    if value in spec.writes:
        return [spec.writes[value]]
    listed = [raw for raw, ours in (spec.values or {}).items() if ours == value]
    if listed or not isinstance(value, str):
        return listed
    return [value] if read_word(spec, slot, value) == value else []


def fault_in_writing(spec: FieldSpec, slot: Slot) -> tuple[str, str] | None:
    """The key of the file that contradicts another one, and why; None when all is well."""
    if spec.read_only:
        for key, said in (("create_only", spec.create_only), ("to", spec.to), ("writes", spec.writes)):
            if said:
                return key, f"`{key}` has no meaning beside `read_only`: keep one"
    if spec.to and not spec.paths:
        return "to", "`to` goes with `from`: it says which of its places is written"
    if spec.also and spec.always is None:
        return "also", "`also` goes with `always`: it lists further words for the same"
    if spec.writes and spec.values is None:
        return "writes", "`writes` goes with `values`: it says which of their words is written"
    for ours, theirs in spec.writes.items():
        if read_word(spec, slot, theirs) != ours:
            return "writes", f"`{theirs}` would be read back as something else: `values` must agree"
    return None
