"""Finds what changed in HubSpot: the ids behind a time, in the order of the ids."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from closedloop.crm.hubspot.ids import is_record_id
from closedloop.crm.hubspot.payloads import iso
from closedloop.errors import AnswerError
from closedloop.schema.vocabulary import ObjectType

if TYPE_CHECKING:
    from closedloop.crm.hubspot.client import HubSpotClient

MOST = 200
"""Results on one page of a search, at most."""


def changed_ids(
    client: HubSpotClient,
    source: str,
    kind: ObjectType,
    *,
    mark: datetime,
    behind: str | None,
    most: int | None = None,
) -> tuple[list[str], str | None]:
    """The ids of what changed at the mark or later, and the last of them if there are more behind it.

    Going on behind the last id instead of by HubSpot's own paging never meets its limit of 10,000 results,
    skips nothing when records change meanwhile, and can be taken up again at any time.
    """
    # Contacts alone call it lastmodifieddate: developers.hubspot.com/docs/guides/api/crm/search
    changed = "lastmodifieddate" if kind is ObjectType.CONTACT else "hs_lastmodifieddate"
    filters = [{"propertyName": changed, "operator": "GTE", "value": iso(mark)}]
    if behind is not None:
        filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": behind})
    query: dict[str, Any] = {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": ["hs_object_id"],
        "limit": most or MOST,
    }
    found, more = client.search(source, query)
    ids = [str(each["id"]) for each in found]
    if not all(map(is_record_id, ids)):
        raise AnswerError("HubSpot's search found something whose id is no number", reason="no_id")
    last = max(ids, key=int, default=None)
    if more and (last is None or int(last) <= int(behind or 0)):
        raise AnswerError("HubSpot's search does not get on behind the last id", reason="paging_loop")
    return ids, last if more else None
