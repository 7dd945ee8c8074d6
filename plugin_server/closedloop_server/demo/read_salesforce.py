"""Reads Salesforce's campaigns, their reasons and their members over its REST API, as any client would."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import requests

from closedloop.schema.vocabulary import DECIDED, CrmName, Outcome
from closedloop_server.demo.shown import CampaignShown, PersonShown, RowShown, instant, number, reason_lines

_TIMEOUT = 30
_CREDITS = {outcome: f"Closed_Loop_{outcome.title()}__c" for outcome in DECIDED}
_CAMPAIGN = (
    "Id",
    "Name",
    *_CREDITS.values(),
    "Closed_Loop_Won_Amount__c",
    "Closed_Loop_Lost_Amount__c",
    "Closed_Loop_Top_Reasons__c",
    "Closed_Loop_Last_Decision_At__c",
    "Closed_Loop_Model__c",
)
_REASON = ("Campaign__c", "Outcome__c", "Reason__c", "Credit__c", "Decisions__c", "Amount__c", "Model__c")
_MEMBER = ("Id", "Outcome", "Reason", "Reason_Detail", "Note", "Stage", "Decided_At", "Decided_By")


class SalesforceReader:
    """Reads one org. The credentials are those of a connected app of its own."""

    def __init__(self, url: str, client_id: str, client_secret: str, *, currency: str) -> None:
        self._url = url
        self._currency = currency
        self._session = requests.Session()
        self._session.trust_env = False
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        answer = self._session.post(f"{url}/services/oauth2/token", data=form, timeout=_TIMEOUT)
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def campaigns(self) -> Iterator[CampaignShown]:
        """Every campaign with its rows of reasons."""
        rows: dict[str, dict[tuple[str, str], RowShown]] = defaultdict(dict)
        for row in self._query(_REASON, "Closed_Loop_Campaign_Reason__c"):
            rows[row["Campaign__c"]][row["Outcome__c"], row["Reason__c"] or ""] = RowShown(
                credit=number(row["Credit__c"]),
                decisions=int(number(row["Decisions__c"])),
                amount=number(row["Amount__c"]),
                model=row["Model__c"] or "",
            )
        for campaign in self._query(_CAMPAIGN, "Campaign"):
            yield self._campaign(campaign, rows[campaign["Id"]])

    def members(self) -> dict[str, PersonShown]:
        """Every campaign member by its id."""
        fields = [name if name == "Id" else f"Closed_Loop_{name}__c" for name in _MEMBER]
        return {row["Id"]: _person(row) for row in self._query(tuple(fields), "CampaignMember")}

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def _campaign(
        self, campaign: Mapping[str, Any], rows: Mapping[tuple[str, str], RowShown]
    ) -> CampaignShown:
        return CampaignShown(
            crm=CrmName.SALESFORCE,
            id=campaign["Id"],
            name=campaign["Name"],
            credits={outcome: number(campaign[name]) for outcome, name in _CREDITS.items()},
            reasons=reason_lines(campaign["Closed_Loop_Top_Reasons__c"]),
            amounts={
                (Outcome.WON, self._currency): number(campaign["Closed_Loop_Won_Amount__c"]),
                (Outcome.LOST, self._currency): number(campaign["Closed_Loop_Lost_Amount__c"]),
            },
            currencies=(self._currency,),
            last_decision_at=instant(campaign["Closed_Loop_Last_Decision_At__c"]),
            model=campaign["Closed_Loop_Model__c"] or "",
            rows=rows,
        )

    def _query(self, fields: tuple[str, ...], sobject: str) -> Iterator[dict[str, Any]]:
        path = "/services/data/v62.0/query"
        params: dict[str, str] | None = {"q": f"SELECT {', '.join(fields)} FROM {sobject} ORDER BY Id"}  # noqa: S608 - no outside text
        while path:
            answer = self._session.get(self._url + path, params=params, timeout=_TIMEOUT)
            answer.raise_for_status()
            page = json.loads(answer.text, parse_float=Decimal)
            yield from page["records"]
            path, params = page.get("nextRecordsUrl", ""), None


def _person(row: Mapping[str, Any]) -> PersonShown:
    texts = {
        name: row[f"Closed_Loop_{name}__c"] or "" for name in _MEMBER if name not in {"Id", "Decided_At"}
    }
    return PersonShown(
        outcome=texts["Outcome"],
        reason=texts["Reason"],
        raw_reason=texts["Reason_Detail"],
        note=texts["Note"],
        stage=texts["Stage"],
        decided_by=texts["Decided_By"],
        decided_at=instant(row["Closed_Loop_Decided_At__c"]),
    )
