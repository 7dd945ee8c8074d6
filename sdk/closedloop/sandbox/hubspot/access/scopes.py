"""Which scopes a token needs for a call, where it was given only some.

Source: the scope lists of HubSpot's OpenAPI descriptions; an engagement (call, note …) is read and written
with the scopes of contacts (HubSpot documentation, "Engagements"). Other APIs ask for nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from closedloop.sandbox.hubspot.errors import HubSpotError, missing_scopes
from closedloop.sandbox.hubspot.settings.kinds import (
    ACTIVITIES,
    CAMPAIGNS,
    COMPANIES,
    CONTACTS,
    DEAL_SPLITS,
    DEALS,
    GOALS,
    Kinds,
    ObjectKind,
)

_VERSION = re.compile(r"v\d|\d{4}-\d\d(-beta)?")
_READS = ("read", "search")
_REVENUE = tuple(f"marketing.campaigns.revenue.{part}" for part in ("read", "lite.read", "full.read"))

_Rule = Callable[[Kinds, Sequence[str], str], tuple[str, ...]]


def needed(kinds: Kinds, method: str, path: str) -> tuple[str, ...]:
    """The scopes of which a token has to have one; none where any token will do."""
    parts = [part for part in path.split("/") if part and not _VERSION.fullmatch(part)]
    rule = _RULES.get("/".join(parts[:2]))
    reads = method == "GET" or (bool(parts) and parts[-1] in _READS)
    return rule(kinds, parts[2:], "read" if reads else "write") if rule else ()


def check(held: frozenset[str], kinds: Kinds, method: str, path: str) -> None:
    """403 unless the token has one of the scopes that the call needs."""
    wanted = needed(kinds, method, path)
    if wanted and held.isdisjoint(wanted):
        raise missing_scopes(*wanted)


def _objects(kinds: Kinds, rest: Sequence[str], what: str) -> tuple[str, ...]:
    return _of_object(_kind(kinds, rest), what)


def _definitions(kinds: Kinds, rest: Sequence[str], what: str) -> tuple[str, ...]:
    kind = _kind(kinds, rest)
    if kind is None:
        return ()
    schema = f"crm.schemas.{_area(kind)}.{what}"
    return (schema, *_of_object(kind, what)) if what == "read" else (schema,)


def _associations(kinds: Kinds, rest: Sequence[str], what: str) -> tuple[str, ...]:
    both = (_of_object(_kind(kinds, rest[place:]), what) for place in (0, 1))
    return tuple(dict.fromkeys(scope for scopes in both for scope in scopes))


def _owners(kinds: Kinds, rest: Sequence[str], what: str) -> tuple[str, ...]:
    del kinds, rest, what
    return ("crm.objects.owners.read",)


def _lists(kinds: Kinds, rest: Sequence[str], what: str) -> tuple[str, ...]:
    del kinds, rest
    return (f"crm.lists.{what}",)


def _schemas(kinds: Kinds, rest: Sequence[str], what: str) -> tuple[str, ...]:
    del kinds, rest
    return (f"crm.schemas.custom.{what}",)


def _campaigns(kinds: Kinds, rest: Sequence[str], what: str) -> tuple[str, ...]:
    del kinds
    return _REVENUE if rest[-1:] == ["revenue"] else (f"marketing.campaigns.{what}",)


def _first(kind: ObjectKind) -> _Rule:
    """The rule of a first API, whose path names one object type only."""

    def rule(kinds: Kinds, rest: Sequence[str], what: str) -> tuple[str, ...]:
        del kinds, rest
        return _of_object(kind, what)

    return rule


def _kind(kinds: Kinds, rest: Sequence[str]) -> ObjectKind | None:
    try:
        return kinds.get(rest[0]) if rest else None
    except HubSpotError:
        return None


def _of_object(kind: ObjectKind | None, what: str) -> tuple[str, ...]:
    if kind is None:
        return ()
    if kind is CAMPAIGNS:
        return (f"marketing.campaigns.{what}",)
    return (f"crm.objects.{_area(kind)}.{what}",)


def _area(kind: ObjectKind) -> str:
    if kind.custom:
        return "custom"
    return CONTACTS.name if kind in ACTIVITIES else _AREAS.get(kind, kind.name)


# HubSpot documentation, "Goals"; airbytehq/airbyte, source-hubspot (scopes of its streams).
_AREAS: dict[ObjectKind, str] = {GOALS: "goals", DEAL_SPLITS: "deals"}
_RULES: dict[str, _Rule] = {
    "crm/objects": _objects,
    "crm/properties": _definitions,
    "crm/pipelines": _definitions,
    "crm/associations": _associations,
    "crm/owners": _owners,
    "crm/lists": _lists,
    "crm/schemas": _schemas,
    "crm-object-schemas/schemas": _schemas,
    "marketing/campaigns": _campaigns,
    "contacts/contact": _first(CONTACTS),
    "contacts/search": _first(CONTACTS),
    "contacts/lists": _lists,
    "companies/companies": _first(COMPANIES),
    "deals/deal": _first(DEALS),
    "crm-objects/objects": _objects,
    "engagements/engagements": _first(CONTACTS),
    "owners/owners": _owners,
}
