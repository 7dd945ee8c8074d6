"""The same records made by code written by hand for these two objects, which checks types as it goes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from closedloop.schema.records import LinkedId, Money, Opportunity, Record
from closedloop.schema.vocabulary import CrmName, ObjectType

_ID = re.compile(r"[A-Za-z0-9]{18}")
_FLAGS = {"true": True, "false": False}


def opportunity(row: Mapping[str, Any]) -> Record:
    """The record in a row of Salesforce's."""
    get = row.get
    return Opportunity(
        crm=CrmName.SALESFORCE,
        id=_required(_salesforce_id(get("Id"))),
        created_at=_instant(get("CreatedDate")),
        updated_at=_instant(get("SystemModstamp")),
        deleted=_flag(get("IsDeleted")) or False,
        name=_text(get("Name")),
        account_id=_salesforce_id(get("AccountId")),
        type=_text(get("Type")),
        stage=_text(get("StageName")),
        stage_changed_at=_instant(get("LastStageChangeDate")),
        stage_changed_by=_salesforce_id(get("LastModifiedById")),
        closed=_flag(get("IsClosed")),
        won=_flag(get("IsWon")),
        amount=_money(get("Amount"), get("CurrencyIsoCode")),
        probability=_decimal(get("Probability")),
        close_date=_day(get("CloseDate")),
        owner_id=_salesforce_id(get("OwnerId")),
        source=_text(get("LeadSource")),
        won_reason=_text(get("Win_Reason__c")),
        lost_reason=_text(get("Loss_Reason__c")),
        reason_note=_text(get("Loss_Reason_Details__c")),
        competitor=_text(get("Lost_to_Competitor__c")),
        campaign_id=_salesforce_id(get("CampaignId")),
        contact_id=_salesforce_id(get("ContactId")),
        custom={"next_step": _text(get("NextStep")), "forecast": _text(get("ForecastCategoryName"))},
        raw=row,
    )


def deal(row: Mapping[str, Any]) -> Record:
    """The record in a result of HubSpot's."""
    properties = row["properties"]
    get = properties.get
    changes = row.get("propertiesWithHistory", {}).get("dealstage") or [{}]
    other = get("hs_salesforceopportunityid")
    links = (LinkedId(crm=CrmName.SALESFORCE, object=ObjectType.OPPORTUNITY, id=other),) if other else ()
    return Opportunity(
        crm=CrmName.HUBSPOT,
        id=_required(_digits(row.get("id"))),
        created_at=_instant(row.get("createdAt")),
        updated_at=_instant(row.get("updatedAt")),
        deleted=_flag(row.get("archived")) or False,
        name=_text(get("dealname")),
        account_id=_associated(row, "companies"),
        type=_text(get("dealtype")),
        pipeline=_text(get("pipeline")),
        stage=_text(get("dealstage")),
        stage_changed_at=_instant(changes[0].get("timestamp")),
        stage_changed_by=_digits(changes[0].get("updatedByUserId")),
        closed=_flag(get("hs_is_closed")),
        won=_flag(get("hs_is_closed_won")),
        amount=_money(get("amount"), get("deal_currency_code")),
        probability=_decimal(get("hs_deal_stage_probability")),
        close_date=_day(get("closedate")),
        owner_id=_digits(get("hubspot_owner_id")),
        source=_text(get("hs_analytics_source")),
        source_detail=_text(get("hs_analytics_source_data_1")),
        won_reason=_text(get("closed_won_reason")),
        lost_reason=_text(get("closed_lost_reason")),
        contact_id=_associated(row, "contacts"),
        linked_ids=links,
        custom={
            "next_step": _text(get("hs_next_step")),
            "forecast": _text(get("hs_manual_forecast_category")),
        },
        raw=row,
    )


def _required(value: str | None) -> str:
    if value is None:
        raise ValueError("no id")
    return value


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value.strip() or None


def _salesforce_id(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ValueError("expected an id")
    return value


def _digits(value: Any) -> str | None:
    if value is None:
        return None
    text = str(value) if isinstance(value, int) else value
    if not isinstance(text, str) or not text.isdigit():
        raise ValueError("expected an id")
    return text


def _associated(row: Mapping[str, Any], name: str) -> str | None:
    results = row.get("associations", {}).get(name, {}).get("results")
    return _digits(results[0].get("id")) if results else None


def _flag(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    return _FLAGS[value]


def _decimal(value: Any) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise TypeError("expected a number")
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError("expected a finite number")
    return number


def _money(value: Any, currency: Any) -> Money | None:
    amount = _decimal(value)
    return None if amount is None else Money(amount=amount, currency=_text(currency))


def _instant(value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError("expected a time")
    moment = datetime.fromisoformat(value)
    if moment.utcoffset() is None:
        raise ValueError("expected a zone")
    return moment.astimezone(UTC)


def _day(value: Any) -> date | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError("expected a day")
    return date.fromisoformat(value[:10])
