"""Made-up opportunities and deals in the CRMs' own JSON, filled as busy organisations fill them.

The shape is that of the answers to our own queries: every field that the mapping reads, about 25 in all, and
what HubSpot adds to any answer.
"""

from __future__ import annotations

import json
import random
import string
from datetime import UTC, datetime, timedelta
from typing import Any

from closedloop.mapping import CrmMapping, load_mappings
from closedloop.schema.vocabulary import CrmName

Row = dict[str, Any]

OVERLAYS: dict[CrmName, dict[str, Any]] = {
    CrmName.SALESFORCE: {
        "objects": {
            "opportunity": {"custom": {"next_step": "NextStep", "forecast": "ForecastCategoryName"}},
        }
    },
    CrmName.HUBSPOT: {
        "objects": {
            "opportunity": {
                "custom": {
                    "next_step": "properties.hs_next_step",
                    "forecast": "properties.hs_manual_forecast_category",
                }
            },
        }
    },
}
"""What makes 25 fields of those that the shipped mappings have."""

_STAGES = (
    "Prospecting",
    "Qualification",
    "Proposal/Price Quote",
    "Negotiation/Review",
    "Closed Won",
    "Closed Lost",
)
_TYPES = ("New Customer", "Existing Customer - Upgrade", "Existing Customer - Replacement", None)
_SOURCES = ("Web", "Trade Show", "Partner Referral", None)
_REASONS = ("No budget", "Bad timing", "Lost to competitor", "No response")
_NOTE = "They will look at it again in the next fiscal year, once the new head of sales has started."


def mapping_of(crm: CrmName) -> CrmMapping:
    """The shipped mapping of the CRM with the custom fields that are measured besides."""
    return load_mappings().overlaid(crm, OVERLAYS[crm]).crm(crm)


def salesforce_rows(count: int, *, seed: int = 1) -> list[Row]:
    """Opportunities as a query answers them."""
    draw = random.Random(seed)
    return [_opportunity(draw, number) for number in range(count)]


def hubspot_rows(count: int, *, seed: int = 1) -> list[Row]:
    """Deals as the list endpoint answers them, with associations and the stage's history."""
    draw = random.Random(seed)
    return [_deal(draw, number) for number in range(count)]


def page_of(crm: CrmName, rows: list[Row]) -> bytes:
    """The rows as one answer of the CRM, in the compact form that both send."""
    if crm is CrmName.SALESFORCE:
        answer: Row = {
            "totalSize": 10 * len(rows),
            "done": False,
            "nextRecordsUrl": "/services/data/v62.0/query/0r8xx00000000bCAAQ-2000",
            "records": rows,
        }
    else:
        answer = {"results": rows, "paging": {"next": {"after": "394", "link": "https://api.hubapi.com/…"}}}
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()


def _opportunity(draw: random.Random, number: int) -> Row:
    id_, stage = _id(draw, "006"), draw.choice(_STAGES)
    lost = stage == "Closed Lost"
    return {
        "attributes": {"type": "Opportunity", "url": f"/services/data/v62.0/sobjects/Opportunity/{id_}"},
        "Id": id_,
        "CreatedDate": _stamp(draw, "+0000"),
        "SystemModstamp": _stamp(draw, "+0000"),
        "IsDeleted": False,
        "Name": f"Kühlhaus Nord - renewal {number}" if number % 5 == 0 else f"Acme - 200 seats {number}",
        "AccountId": _id(draw, "001"),
        "Type": draw.choice(_TYPES),
        "StageName": stage,
        "LastStageChangeDate": _stamp(draw, "+0000"),
        "LastModifiedById": _id(draw, "005"),
        "IsClosed": stage.startswith("Closed"),
        "IsWon": stage == "Closed Won",
        "Amount": draw.randrange(100_000, 99_999_999) / 100,
        "CurrencyIsoCode": draw.choice(("EUR", "USD")),
        "Probability": float(draw.randrange(0, 101, 10)),
        "CloseDate": _stamp(draw, "")[:10],
        "OwnerId": _id(draw, "005"),
        "LeadSource": draw.choice(_SOURCES),
        "Win_Reason__c": "Price" if stage == "Closed Won" else None,
        "Loss_Reason__c": draw.choice(_REASONS) if lost else None,
        "Loss_Reason_Details__c": _NOTE if lost else None,
        "Lost_to_Competitor__c": "Globex" if lost else None,
        "CampaignId": _id(draw, "701"),
        "ContactId": _id(draw, "003"),
        "NextStep": "Send the contract",
        "ForecastCategoryName": "Pipeline",
    }


def _deal(draw: random.Random, number: int) -> Row:
    stage = draw.choice(("appointmentscheduled", "qualifiedtobuy", "contractsent", "closedwon", "closedlost"))
    id_, changed = _number(draw), _stamp(draw, "Z")
    properties: Row = {
        "amount": f"{draw.randrange(100_000, 99_999_999) / 100:.2f}",
        "closed_lost_reason": draw.choice(_REASONS) if stage == "closedlost" else None,
        "closed_won_reason": "Price" if stage == "closedwon" else None,
        "closedate": _stamp(draw, "Z"),
        "createdate": _stamp(draw, "Z"),
        "deal_currency_code": draw.choice(("EUR", "USD")),
        "dealname": f"Kühlhaus Nord - renewal {number}" if number % 5 == 0 else f"Acme - 200 seats {number}",
        "dealstage": stage,
        "dealtype": draw.choice(("newbusiness", "existingbusiness", None)),
        "hs_analytics_source": draw.choice(("ORGANIC_SEARCH", "OFFLINE", None)),
        "hs_analytics_source_data_1": draw.choice(("CRM_UI", "INTEGRATION", None)),
        "hs_deal_stage_probability": draw.choice(("0.2", "0.4", "0.8", "1", "0")),
        "hs_is_closed": "true" if stage.startswith("closed") else "false",
        "hs_is_closed_won": "true" if stage == "closedwon" else "false",
        "hs_lastmodifieddate": _stamp(draw, "Z"),
        "hs_manual_forecast_category": draw.choice(("PIPELINE", "COMMIT", None)),
        "hs_next_step": "Send the contract",
        "hs_object_id": id_,
        "hs_salesforceopportunityid": None,
        "hubspot_owner_id": _number(draw),
        "pipeline": "default",
    }
    history = [
        {
            "value": stage,
            "timestamp": changed,
            "sourceType": "CRM_UI",
            "sourceId": f"userId:{number}",
            "updatedByUserId": draw.randrange(10_000_000, 99_999_999),
        }
    ]
    return {
        "id": id_,
        "properties": properties,
        "propertiesWithHistory": {"dealstage": history},
        "createdAt": properties["createdate"],
        "updatedAt": properties["hs_lastmodifieddate"],
        "archived": False,
        "associations": {
            "companies": {"results": [{"id": _number(draw), "type": "deal_to_company"}]},
            "contacts": {"results": [{"id": _number(draw), "type": "deal_to_contact"}]},
        },
        "url": f"https://app.hubspot.com/contacts/123456/record/0-3/{id_}",
    }


def _id(draw: random.Random, prefix: str) -> str:
    middle = "".join(draw.choices(string.ascii_letters + string.digits, k=10))
    return f"{prefix}ak{middle}AA{draw.choice('ABCD')}"


def _number(draw: random.Random) -> str:
    return str(draw.randrange(10_000_000_000, 99_999_999_999))


def _stamp(draw: random.Random, zone: str) -> str:
    moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(milliseconds=draw.randrange(60_000_000_000))
    if zone == "+0000":  # Salesforce's own times have whole seconds
        moment = moment.replace(microsecond=0)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}{zone}"
