"""Reads HubSpot's campaigns and contacts over its APIs, as any client would.

A portal that lets nobody make campaign properties shows its totals in a block of the campaign's notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import requests

from closedloop.schema.vocabulary import DECIDED, OUTCOME_LABELS, CrmName, Outcome
from closedloop_server.demo.shown import CampaignShown, PersonShown, instant, number, reason_lines

_TIMEOUT = 30
_OF_CAMPAIGN = (
    *(outcome.value for outcome in DECIDED),
    *("won_amount", "lost_amount", "top_reasons", "last_decision_at", "model"),
)
_OF_CONTACT = ("outcome", "reason", "reason_detail", "note", "stage", "decided_by", "decided_at")
_BLOCK = re.compile(
    r"(?:\n\n)?--- Closed Loop:[^\n]*\n(?P<inside>.*?)\n--- End of Closed Loop ---", re.DOTALL
)
_LAST = re.compile(r"Attribution: (?P<model>\w+)\.(?: Last decision: (?P<at>\S+?)\.)?")


class HubSpotReader:
    """Reads one portal; `properties` says whether its campaigns have properties for the totals."""

    def __init__(self, url: str, access_token: str, *, currency: str, properties: bool) -> None:
        self._url = url
        self._currency = currency
        self._properties = properties
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {access_token}"

    def campaigns(self) -> Iterator[CampaignShown]:
        """Every campaign."""
        ours = [f"closed_loop_{name}" for name in _OF_CAMPAIGN] if self._properties else []
        for campaign in self._pages("/marketing/v3/campaigns", ["hs_name", "hs_notes", *ours]):
            values = campaign["properties"]
            shown = self._by_properties if self._properties else _by_notes
            yield shown(campaign["id"], {name: value or "" for name, value in values.items()})

    def contacts(self) -> dict[str, PersonShown]:
        """Every contact by its id."""
        ours = [f"closed_loop_{name}" for name in _OF_CONTACT]
        return {
            contact["id"]: _person(contact["properties"])
            for contact in self._pages("/crm/v3/objects/contacts", ours)
        }

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def _by_properties(self, guid: str, values: Mapping[str, str]) -> CampaignShown:
        ours = {name: values.get(f"closed_loop_{name}", "") for name in _OF_CAMPAIGN}
        return CampaignShown(
            crm=CrmName.HUBSPOT,
            id=guid,
            name=values["hs_name"],
            credits={outcome: number(ours[outcome.value]) for outcome in DECIDED},
            reasons=reason_lines(ours["top_reasons"]),
            amounts={
                (Outcome.WON, self._currency): number(ours["won_amount"]),
                (Outcome.LOST, self._currency): number(ours["lost_amount"]),
            },
            currencies=(self._currency,),
            last_decision_at=instant(ours["last_decision_at"]),
            model=ours["model"],
            own_notes=values.get("hs_notes", ""),
        )

    def _pages(self, path: str, properties: list[str]) -> Iterator[dict[str, Any]]:
        params = {"limit": "100", "properties": ",".join(properties)}
        while True:
            answer = self._session.get(self._url + path, params=params, timeout=_TIMEOUT)
            answer.raise_for_status()
            page = answer.json()
            yield from page["results"]
            after = page.get("paging", {}).get("next", {}).get("after")
            if after is None:
                return
            # Campaign pages name the next one already URL-encoded (recorded).
            params["after"] = unquote(after)


def _by_notes(guid: str, values: Mapping[str, str]) -> CampaignShown:
    notes = values.get("hs_notes", "")
    block = _BLOCK.search(notes)
    lines = block["inside"].split("\n") if block else []
    totals = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith("- "))
    last = next((found for line in lines if (found := _LAST.fullmatch(line))), None)
    return CampaignShown(
        crm=CrmName.HUBSPOT,
        id=guid,
        name=values["hs_name"],
        credits={outcome: number(totals.get(OUTCOME_LABELS[outcome])) for outcome in DECIDED},
        reasons=reason_lines("\n".join(line[2:] for line in lines if line.startswith("- "))),
        amounts=dict(_amounts(lines)),
        last_decision_at=instant(last["at"]) if last else None,
        model=last["model"] if last else "",
        own_notes=notes[: block.start()] + notes[block.end() :] if block else notes,
    )


def _amounts(lines: list[str]) -> Iterator[tuple[tuple[Outcome, str], Decimal]]:
    for line in lines:
        if found := re.fullmatch(r"(Won|Lost) amount: (?:([A-Z]{3}) )?(-?[\d.]+)", line):
            yield (Outcome(found[1].lower()), found[2] or ""), Decimal(found[3])


def _person(properties: Mapping[str, str | None]) -> PersonShown:
    values = {name: properties.get(f"closed_loop_{name}") or "" for name in _OF_CONTACT}
    return PersonShown(
        outcome=values["outcome"],
        reason=values["reason"],
        raw_reason=values["reason_detail"],
        note=values["note"],
        stage=values["stage"],
        decided_by=values["decided_by"],
        decided_at=instant(values["decided_at"]),
    )
