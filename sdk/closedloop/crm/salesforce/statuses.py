"""The statuses that a campaign's members may have.

Every campaign has its own list (Object Reference, "CampaignMemberStatus"), and what Salesforce makes of a
status that is not in it is not documented. So the list is asked for first, and nothing else is sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from closedloop.crm.salesforce.ids import full_id
from closedloop.crm.salesforce.parcels import Parcel
from closedloop.crm.salesforce.read import row_id
from closedloop.crm.salesforce.soql import Question, chunks, one_of, select
from closedloop.errors import RefusedError, ValueRefusedError

if TYPE_CHECKING:
    from closedloop.crm.salesforce.client import Client

_PER_QUERY = 200


class Statuses:
    """Asks one org for its campaigns' statuses."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def refused(self, parcels: Sequence[Parcel]) -> dict[int, ValueRefusedError]:
        """The errors, by place, of those members whose status their campaign does not have. Asks nothing
        where none has a status."""
        members = [each for each in parcels if each.source == "CampaignMember" and each.fields.get("Status")]
        if not members:
            return {}
        campaigns = self._campaigns(members)
        labels = self._labels(campaigns.values())
        wrong = (
            each
            for each in members
            if (known := labels.get(campaigns.get(each.place, "")))
            and str(each.fields["Status"]).casefold() not in known
        )
        return {each.place: _unknown() for each in wrong}

    def _campaigns(self, members: Sequence[Parcel]) -> dict[int, str]:
        """The campaign of each member, by place; one that is no id is Salesforce's to refuse."""
        there = [each.id for each in members if each.id]
        rows = self._rows(("Id", "CampaignId"), "CampaignMember", "Id", there)
        known = {row_id(row): row_id(row, "CampaignId") for row in rows}
        found: dict[int, str] = {}
        for each in members:
            try:
                found[each.place] = known[each.id] if each.id else full_id(each.fields.get("CampaignId"))
            except (KeyError, ValueError):
                continue
        return found

    def _labels(self, campaigns: Iterable[str]) -> Mapping[str, set[str]]:
        labels: dict[str, set[str]] = defaultdict(set)
        try:
            rows = self._rows(
                ("CampaignId", "Label"), "CampaignMemberStatus", "CampaignId", sorted(set(campaigns))
            )
        except RefusedError:  # hidden from the integration user: Salesforce has the word
            return {}
        for row in rows:
            labels[row_id(row, "CampaignId")].add(str(row.get("Label")).casefold())
        return labels

    def _rows(
        self, columns: Sequence[str], source: str, by: str, ids: Sequence[str]
    ) -> list[dict[str, object]]:
        asked = [
            Question(select(columns, source, where=one_of(by, part))) for part in chunks(ids, _PER_QUERY)
        ]
        return [row for answer in self._client.query(asked) for row in answer] if asked else []


def _unknown() -> ValueRefusedError:
    return ValueRefusedError(
        "the campaign has no such member status: add it to the campaign, or write one that it has",
        fields=("Status",),
        reason="picklist_value",
    )
