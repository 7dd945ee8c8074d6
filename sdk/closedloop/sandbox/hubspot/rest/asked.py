"""Which object types a request is about, as far as its address says."""

from __future__ import annotations

from closedloop.sandbox.hubspot.settings.kinds import KINDS

_NAMES = {name: kind.name for kind in KINDS for name in (kind.name, kind.singular, kind.type_id)}


def name_of(object_name: str) -> str:
    """The plural of an object type given by its plural, singular or type id; others in lower case."""
    return _NAMES.get(object_name.lower(), object_name.lower())


def objects_in(path: str) -> frozenset[str]:
    """Every segment of the address that may name a type, in the plural."""
    return frozenset(name_of(segment) for segment in path.split("/") if segment)
