"""The search API: what matches, in which order, and where its pages begin and end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.associations import Associations
from closedloop.sandbox.hubspot.records.filters import groups_of, key_of
from closedloop.sandbox.hubspot.records.index import Found, SearchIndex
from closedloop.sandbox.hubspot.records.record import CrmObject, End
from closedloop.sandbox.hubspot.rest.reading import whole
from closedloop.sandbox.hubspot.settings.catalogue import Catalogue
from closedloop.sandbox.hubspot.settings.definitions import PropertyDefinition
from closedloop.sandbox.hubspot.settings.kinds import Kinds, ObjectKind

# HubSpot's documented limits.
MOST_RESULTS = 10_000
_MOST_CHARACTERS = 3000
_PAGE, _LARGEST_PAGE = 10, 200

_Sort = tuple[str, bool]
_CREATED = attrgetter("created_at")


def paged(body: Mapping[str, Any], characters: int) -> tuple[int, int]:
    """Where the page starts and how long it is; 400 past the 10,000th result or the longest body."""
    if characters > _MOST_CHARACTERS:
        raise HubSpotError(f"The request body is longer than {_MOST_CHARACTERS} characters")
    start = whole(body.get("after"), "after", default=0)
    limit = whole(body.get("limit"), "limit", default=_PAGE, most=_LARGEST_PAGE)
    if start + limit > MOST_RESULTS:
        raise HubSpotError("The maximum number of results that can be paged through is 10000")
    return start, limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search in one object type of the portal."""

    kind: ObjectKind
    kinds: Kinds
    index: SearchIndex
    catalogue: Catalogue
    associations: Associations
    text: str

    def found(self, body: Mapping[str, Any]) -> list[CrmObject]:
        """The records that match, in the order asked for; oldest first when none was."""
        groups, query, sort = groups_of(body, self), str(body.get("query") or "").lower(), _sort(body)
        order = self.definition(sort[0]) if sort else None

        def search() -> list[CrmObject]:
            found = self.index.found(self.kind, groups)
            if query:
                found = Found(
                    [r for r in found.records if _contains(r, self.kind.searched, query)], by=found.by
                )
            return _sorted(found, order, descending=sort is not None and sort[1])

        question = json.dumps([body.get("filterGroups"), query, sort], sort_keys=True)
        return self.index.remembered(self.kind, question, search)

    def definition(self, name: str) -> PropertyDefinition:
        """The property of the searched object type; 400 when there is none."""
        if not self.catalogue.knows(self.kind, name):
            raise HubSpotError(f"There was a problem with the request. Unknown property: {name}")
        return self.catalogue.get(self.kind, name)

    def place(self, operator: str) -> str:
        """Where in the body an operator of a filter stands: "line 1, column 68"."""
        written = re.escape(json.dumps(operator, ensure_ascii=False))
        found = re.search(rf'"operator"\s*:\s*({written})', self.text)
        before = self.text[: found.start(1)] if found else ""
        return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"

    def linked(self, record_id: str, name: str) -> Sequence[str]:
        """The ids of the records of the type `name` that a searched record is associated with."""
        return [link.id for link in self.associations.of(End(self.kind, record_id), self.kinds.get(name))]

    def having(self, name: str, record_id: str) -> Iterable[str]:
        """The ids of the searched records that are associated with a record of the type `name`."""
        return [link.id for link in self.associations.of(End(self.kinds.get(name), record_id), self.kind)]


def _contains(record: CrmObject, names: Sequence[str], query: str) -> bool:
    return any(query in record.properties.get(name, "").lower() for name in names)


def _sorted(found: Found, order: PropertyDefinition | None, *, descending: bool) -> list[CrmObject]:
    if order is None:
        return sorted(found.in_order(), key=_CREATED)
    if found.by == order.name and not descending:
        return found.records
    name, key = order.name, key_of(order)
    records = found.in_order()
    having = [r for r in records if name in r.properties]
    having.sort(key=lambda r: key(r.properties[name]), reverse=descending)
    return having + [r for r in records if name not in r.properties]


def _sort(body: Mapping[str, Any]) -> _Sort | None:
    """The one sort that a search may have: an object, or a name with "-" before it for descending."""
    sorts = body.get("sorts") or []
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise HubSpotError("Only one sort is allowed")
    if not sorts:
        return None
    if isinstance(sorts[0], dict):
        return str(sorts[0].get("propertyName", "")), sorts[0].get("direction") == "DESCENDING"
    return str(sorts[0]).lstrip("-"), str(sorts[0]).startswith("-")
