"""What happened to records, as the events API tells it: a deal was closed, a contact visited a page.

The shapes are recorded (`read_events_e_deal_closed`; `read/events/e_visited_page.json` of
amp-labs/connectors).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Any

from closedloop.sandbox.hubspot.records.record import CrmObject, milliseconds, stamp
from closedloop.sandbox.hubspot.settings.kinds import ObjectKind

DEAL_CLOSED, PAGE_VISITED = "e_deal_closed", "e_visited_page"
TYPES = (DEAL_CLOSED, PAGE_VISITED)

_SOURCES = (
    *("hs_analytics_latest_source", "hs_analytics_latest_source_data_1"),
    "hs_analytics_latest_source_data_2",
)
# Everything that a visit may tell; what is not known of one is empty.
_VISIT = (
    *("hs_analytics_normalized_page_url", "hs_base_url", "hs_browser", "hs_browser_type"),
    *("hs_browser_version_major", "hs_canonical_url", "hs_cf_bot_score", "hs_country", "hs_device_type"),
    *("hs_hash_id", "hs_is_amp", "hs_is_contact", "hs_is_external", "hs_is_in_chat_view", "hs_is_new_cookie"),
    *("hs_is_virtual_referrer", "hs_is_virtual_url", "hs_leviathan_linked_vids", "hs_log_line_timestamp"),
    *("hs_operating_system", "hs_original_canonical_url", "hs_page_id", "hs_page_title"),
    *("hs_processed_timestamp", "hs_qualified_region", "hs_query_params", "hs_region"),
    *("hs_targeted_content_aggregation", "hs_title", "hs_tracking_privacy_data", "hs_url", "hs_url_domain"),
    *("hs_url_path", "hs_user_agent", "hs_utm_campaign", "hs_visit_source", "hs_visit_source_details_1"),
    "hs_visit_source_details_2",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One thing that happened to a record."""

    type: str
    kind: ObjectKind
    object_id: str
    at: datetime
    id: str
    properties: Mapping[str, str]

    def to_wire(self) -> dict[str, Any]:
        """The occurrence as the events API shows it (recorded)."""
        return {
            "objectType": self.kind.singular.upper(),
            "objectId": self.object_id,
            "eventType": self.type,
            "occurredAt": stamp(self.at),
            "id": self.id,
            "properties": dict(self.properties),
        }


class Occurrences:
    """All that happened in one portal, in the order of time. Whoever calls holds the portal's lock."""

    def __init__(self, portal_id: int) -> None:
        self._portal_id = portal_id
        self._of: dict[str, list[Occurrence]] = {event: [] for event in TYPES}

    def all(self, event: str | None = None) -> list[Occurrence]:
        """What happened, of one kind or of any, oldest first."""
        if event:
            return list(self._of.get(event, ()))
        return list(merge(*self._of.values(), key=lambda each: each.at))

    def close(self, deal: CrmObject, at: datetime) -> None:
        """A deal was closed."""
        won = deal.properties.get("hs_is_closed_won") == "true"
        values = deal.properties
        told = {
            "hs_amount": str(float(values["amount"])) if values.get("amount") else "",
            "hs_team": values.get("hubspot_team_id", ""),
            "hs_closed_state": "CLOSED_WON" if won else "CLOSED_LOST",
            "hs_closed_state_reason": values.get("closed_won_reason" if won else "closed_lost_reason", ""),
            "hs_pipeline": values.get("pipeline", ""),
            "hs_deal_name": deal.id,
            "hs_deal_owner": values.get("hubspot_owner_id", ""),
            **{name: values.get(name, "") for name in _SOURCES},
        }
        event_id = f"{self._portal_id}-{deal.id}-{milliseconds(at)}"
        self._add(DEAL_CLOSED, deal, at, event_id, told)

    def visit(self, contact: CrmObject, at: datetime, told: Mapping[str, str]) -> None:
        """A contact visited a page; `told` is what is known of it, by the names of the event's properties."""
        moment = str(milliseconds(at))
        known = {
            "hs_leviathan_linked_vids": contact.id,
            "hs_log_line_timestamp": moment,
            "hs_processed_timestamp": moment,
            **told,
        }
        told = {name: known.get(name, "") for name in _VISIT}
        self._add(PAGE_VISITED, contact, at, f"leviathan-{contact.id}-{moment}", told)

    def _add(
        self, event: str, record: CrmObject, at: datetime, event_id: str, told: Mapping[str, str]
    ) -> None:
        made = Occurrence(
            type=event, kind=record.kind, object_id=record.id, at=at, id=event_id, properties=told
        )
        row = self._of[event]
        if row and at < row[-1].at:
            insort(row, made, key=lambda each: each.at)
        else:
            row.append(made)
