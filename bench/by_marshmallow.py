"""The same records loaded by marshmallow schemas, one for each of the two objects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, post_load, pre_load

from closedloop.schema.records import Money, Opportunity, Record
from closedloop.schema.vocabulary import CrmName


class _Text(fields.String):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, attr, data, **kwargs).strip() or None


class _Day(fields.Field[date]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:  # noqa: ARG002 - marshmallow's signature
        return date.fromisoformat(value[:10])


def _text(key: str) -> Any:
    return _Text(data_key=key, allow_none=True)


def _instant(key: str) -> Any:
    return fields.AwareDateTime(data_key=key, allow_none=True, format="iso", default_timezone=UTC)


def _number(key: str) -> Any:
    return fields.Decimal(data_key=key, allow_none=True)


def _flag(key: str) -> Any:
    return fields.Boolean(data_key=key, allow_none=True)


class _Loaded(Schema):
    class Meta:
        unknown = EXCLUDE

    crm: CrmName

    @post_load(pass_original=True)
    def _made(self, data: dict[str, Any], original: Mapping[str, Any], **_: Any) -> Record:
        amount, currency = data.pop("amount", None), data.pop("currency", None)
        custom = {name[2:]: data.pop(name) for name in list(data) if name.startswith("c_")}
        for name, value in data.items():
            if isinstance(value, datetime):
                data[name] = value.astimezone(UTC)
        return Opportunity(
            crm=self.crm,
            amount=None if amount is None else Money(amount=amount, currency=currency),
            custom=custom,
            raw=original.get("raw", original),
            **data,
        )


class _OpportunitySchema(_Loaded):
    crm = CrmName.SALESFORCE

    id = fields.String(data_key="Id", required=True)
    created_at = _instant("CreatedDate")
    updated_at = _instant("SystemModstamp")
    deleted = fields.Boolean(data_key="IsDeleted")
    name = _text("Name")
    account_id = _text("AccountId")
    type = _text("Type")
    stage = _text("StageName")
    stage_changed_at = _instant("LastStageChangeDate")
    stage_changed_by = _text("LastModifiedById")
    closed = _flag("IsClosed")
    won = _flag("IsWon")
    amount = _number("Amount")
    currency = _text("CurrencyIsoCode")
    probability = _number("Probability")
    close_date = _Day(data_key="CloseDate", allow_none=True)
    owner_id = _text("OwnerId")
    source = _text("LeadSource")
    won_reason = _text("Win_Reason__c")
    lost_reason = _text("Loss_Reason__c")
    reason_note = _text("Loss_Reason_Details__c")
    competitor = _text("Lost_to_Competitor__c")
    campaign_id = _text("CampaignId")
    contact_id = _text("ContactId")
    c_next_step = _text("NextStep")
    c_forecast = _text("ForecastCategoryName")


class _DealSchema(_Loaded):
    crm = CrmName.HUBSPOT

    id = fields.String(required=True)
    created_at = _instant("createdAt")
    updated_at = _instant("updatedAt")
    deleted = fields.Boolean(data_key="archived")
    name = _text("dealname")
    account_id = _text("company")
    type = _text("dealtype")
    pipeline = _text("pipeline")
    stage = _text("dealstage")
    stage_changed_at = _instant("timestamp")
    stage_changed_by = _text("user")
    closed = _flag("hs_is_closed")
    won = _flag("hs_is_closed_won")
    amount = _number("amount")
    currency = _text("deal_currency_code")
    probability = _number("hs_deal_stage_probability")
    close_date = _Day(data_key="closedate", allow_none=True)
    owner_id = _text("hubspot_owner_id")
    source = _text("hs_analytics_source")
    source_detail = _text("hs_analytics_source_data_1")
    won_reason = _text("closed_won_reason")
    lost_reason = _text("closed_lost_reason")
    contact_id = _text("contact")
    c_next_step = _text("hs_next_step")
    c_forecast = _text("hs_manual_forecast_category")

    @pre_load
    def _flat(self, row: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        change = row["propertiesWithHistory"]["dealstage"][0]
        linked = row["associations"]
        return {
            **row["properties"],
            **row,
            "timestamp": change["timestamp"],
            "user": str(change["updatedByUserId"]),
            "company": linked["companies"]["results"][0]["id"],
            "contact": linked["contacts"]["results"][0]["id"],
            "raw": row,
        }


_OPPORTUNITY, _DEAL = _OpportunitySchema(), _DealSchema()


def opportunity(row: Mapping[str, Any]) -> Record:
    """The record in a row of Salesforce's."""
    found: Record = _OPPORTUNITY.load(row)
    return found


def deal(row: Mapping[str, Any]) -> Record:
    """The record in a result of HubSpot's."""
    found: Record = _DEAL.load(row)
    return found
