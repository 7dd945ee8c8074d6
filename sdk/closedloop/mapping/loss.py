"""What a field of ours does not keep of what the CRM holds: in general, and of one value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from closedloop.mapping.shape import Slot
from closedloop.mapping.spec import FieldSpec, path_text
from closedloop.schema.records import Money

_ZONE = re.compile(r"[+-]\d{2}:?\d{2}$")


def possible_loss(spec: FieldSpec, slot: Slot) -> str:
    """What reading the field may lose beside the blanks around texts, in words; empty where nothing is."""
    found = [
        _of_paths(spec),
        _of_table(spec, slot),
        "where one part ends and the next begins" if spec.join and spec.separator == " " else "",
        "ids of other objects in the same place" if spec.starts_with else "",
        "" if spec.values is not None else _of_type(spec, slot),
    ]
    return "; ".join(filter(None, found))


def lost(spec: FieldSpec, slot: Slot, raw: Any, value: Any) -> str:
    """What of this raw value the value of ours does not say; empty where it says everything."""
    if raw is None or raw == value:
        return ""
    if value is None:
        return "the id, which names another object" if spec.starts_with else ""
    if spec.values is not None:
        return _lost_word(spec, raw, value)
    check = _CHECKS.get(slot.type)
    return check(raw, value) if check else ""


def _of_paths(spec: FieldSpec) -> str:
    first = spec.paths[0] if spec.paths else ()
    labelled = (("properties", *first[1:]),) if first[:1] == ("labels",) else ()
    others = ", ".join(f"`{path_text(path)}`" for path in spec.paths[1:] if path not in labelled)
    return f"what {others} holds, where `{path_text(first)}` holds something" if others else ""


def _of_table(spec: FieldSpec, slot: Slot) -> str:
    meant = list((spec.values or {}).values())
    if spec.otherwise is not None:
        return "which other word it was"
    several = len(set(meant)) < len(meant)
    return "which of several words it was" if several and slot.type is not tuple else ""


def _of_type(spec: FieldSpec, slot: Slot) -> str:
    if slot.type is Money and spec.currency is None:
        return "the currency"
    timed = slot.type is date and any(path[0] == "properties" for path in spec.paths)
    return "the time of day, where the property keeps one" if timed else ""


def _lost_word(spec: FieldSpec, raw: Any, value: Any) -> str:
    same = [word for word, ours in (spec.values or {}).items() if ours == value]
    listed = isinstance(raw, str) and raw.lower() in {word.lower() for word in spec.values or ()}
    if isinstance(raw, str) and not listed and spec.otherwise is not None:
        return "which word it was: the table does not list it"
    return "which of several words it was" if len(same) > 1 else ""


def _lost_text(raw: Any, value: str) -> str:
    return "blanks around the text" if isinstance(raw, str) and raw != value and raw.strip() == value else ""


def _lost_day(raw: Any, value: date) -> str:
    said = value.isoformat()
    if isinstance(raw, str) and raw[:10] == said and set(raw[10:]) <= set("T0:.Z+"):
        return ""
    return "" if isinstance(raw, date) and not isinstance(raw, datetime) else "the time of day"


def _lost_zone(raw: Any, _: datetime) -> str:
    found = _ZONE.search(raw) if isinstance(raw, str) and "T" in raw else None
    return "the time zone it was written in" if found and found[0].strip("+-0:") else ""


def _lost_currency(_: Any, value: Money) -> str:
    return "" if value.currency else "the currency, which the payload does not say"


_CHECKS: Mapping[type, Callable[[Any, Any], str]] = {
    str: _lost_text,
    date: _lost_day,
    datetime: _lost_zone,
    Money: _lost_currency,
}
