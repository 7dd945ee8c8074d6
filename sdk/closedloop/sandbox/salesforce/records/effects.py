"""What Salesforce fills in when a record is made or changed, and what else it writes then."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from closedloop.sandbox.salesforce.records.derive import member_status, stage_of
from closedloop.sandbox.salesforce.records.tables import Row, Tables
from closedloop.sandbox.salesforce.schema.sobject import SObject

_NONE: Mapping[str, Any] = {}
_WHOLE_DAY = 24 * 60
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "Campaign": {"ExpectedResponse": Decimal(0), "NumberSent": Decimal(0)},
    "Task": {"Status": "Not Started", "Priority": "Normal", "TaskSubtype": "Task"},
    "Event": {"ShowAs": "Busy", "EventSubtype": "Event"},
    "User": {
        "UserType": "Standard",
        "TimeZoneSidKey": "Europe/Berlin",
        "LocaleSidKey": "en_US",
        "LanguageLocaleKey": "en_US",
        "EmailEncodingKey": "UTF-8",
    },
    "Case": {"Status": "New", "Priority": "Medium"},
    "CampaignInfluenceModel": {"Language": "en_US"},
    "Organization": {
        "DefaultLocaleSidKey": "en_US",
        "TimeZoneSidKey": "Europe/Berlin",
        "LanguageLocaleKey": "en_US",
        "UiSkin": "Theme3",
        "SignupCountryIsoCode": "US",
        "DefaultAccountAccess": "Edit",
        "DefaultContactAccess": "ControlledByParent",
        "DefaultOpportunityAccess": "Edit",
        "DefaultLeadAccess": "ReadEditTransfer",
        "DefaultCaseAccess": "ReadEditTransfer",
        "DefaultCalendarAccess": "HideDetailsInsert",
        "DefaultPricebookAccess": "ReadSelect",
        "DefaultCampaignAccess": "All",
        "WebToCaseDefaultOrigin": "Web",
    },
    "PermissionSet": {"Type": "Regular"},
    "Profile": {"UserType": "Standard"},
    "UserRole": {
        "PortalType": "None",
        "OpportunityAccessForAccountOwner": "Edit",
        "CaseAccessForAccountOwner": "Edit",
        "ContactAccessForAccountOwner": "Edit",
    },
}
_TRUE = {"User": ("IsActive",), "OpportunityStage": ("IsActive",), "PermissionSet": ("IsCustom",)} | {
    "PermissionSetAssignment": ("IsActive",),
    "RecordType": ("IsActive",),
}


def with_defaults(tables: Tables, kind: SObject, row: Row, *, by: str) -> Row:
    """The row of a new record with everything that Salesforce defaults on create."""
    row = Row(row)
    _default(row, kind.defaults)
    _default(row, _DEFAULTS.get(kind.name, _NONE))
    for field in kind.counted:
        row[field.name] = _numbered(field.number_format, tables.count_up(kind.name, field.name))
    for name in kind.switches:
        if row[name] is None:
            row[name] = name in _TRUE.get(kind.name, ())
    if "OwnerId" in kind.fields:
        _default(row, {"OwnerId": by})
    if tables.objects.currencies:
        codes = [name for name in ("CurrencyIsoCode", "DefaultCurrencyIsoCode") if name in kind.fields]
        _default(row, dict.fromkeys(codes, tables.objects.currencies[0]))
    if kind.name in _FOUND:
        _default(row, _FOUND[kind.name](tables, row))
    if kind.custom:
        # A text name that is left blank becomes the id.
        _default(row, {"Name": row["Id"]})
    return row


def _lead_status(tables: Tables, row: Row) -> Row:  # noqa: ARG001
    return Row(Status=_default_of(tables.rows("LeadStatus"), "ApiName"))


def _member_status(tables: Tables, row: Row) -> Row:
    statuses = tables.where("CampaignMemberStatus", "CampaignId", row["CampaignId"])
    return Row(Status=_default_of(statuses, "Label"))


def _profile(tables: Tables, row: Row) -> Row:  # noqa: ARG001
    return Row(ProfileId=tables.first_by("Profile", "Name")["Standard User"]["Id"])


# Defaults that are records of the org.
_FOUND: Mapping[str, Callable[[Tables, Row], Row]] = {
    "CampaignMember": _member_status,
    "Lead": _lead_status,
    "User": _profile,
}


def _numbered(number_format: str, number: int) -> str:
    """The number as the format of an AutoNumber field shows it: A-{0000} makes A-0001."""
    return re.sub(r"\{(0*)\}", lambda match: str(number).zfill(len(match[1])), number_format)


def complete(tables: Tables, kind: SObject, row: Row, changed: Mapping[str, Any], *, old: Row | None) -> Row:
    """The row with the fields that follow from others; `changed` are the fields given."""
    computed = _COMPLETE.get(kind.name)
    return row if computed is None else computed(tables, row, changed, old)


def _default(row: Row, defaults: Mapping[str, Any]) -> None:
    row.update({name: default for name, default in defaults.items() if row.get(name) is None})


def _default_of(rows: Any, field: str) -> Any:
    # One that nobody marked as the default any more still leaves a first one.
    found = sorted(rows, key=lambda row: (not row["IsDefault"], row["SortOrder"] or 0))
    return found[0][field] if found else None


def _opportunity(tables: Tables, row: Row, changed: Mapping[str, Any], old: Row | None) -> Row:
    moved = old is None or old["StageName"] != row["StageName"]
    stage = stage_of(tables, row) if moved else None
    if stage and changed.get("Probability") is None:
        row = row | {"Probability": stage["DefaultProbability"]}
    if stage and changed.get("ForecastCategoryName") is None:
        row = row | {"ForecastCategoryName": stage["ForecastCategoryName"]}
    # Blank until the stage changes for the first time.
    return row | {"LastStageChangeDate": row["SystemModstamp"]} if moved and old is not None else row


def _member(tables: Tables, row: Row, changed: Mapping[str, Any], old: Row | None) -> Row:  # noqa: ARG001
    # "The date on which the campaign member was first given a responded status" (Object Reference).
    status = member_status(tables, row)
    if row["FirstRespondedDate"] is None and status and status["HasResponded"]:
        return row | {"FirstRespondedDate": row["SystemModstamp"].date()}
    return row


def _task(_: Tables, row: Row, changed: Mapping[str, Any], old: Row | None) -> Row:
    done = row["Status"] == "Completed"
    if done and (old is None or "Status" in changed) and row["CompletedDateTime"] is None:
        return row | {"CompletedDateTime": row["SystemModstamp"]}
    return row if done else row | {"CompletedDateTime": None}


def _event(_: Tables, row: Row, changed: Mapping[str, Any], old: Row | None) -> Row:  # noqa: ARG001
    # StartDateTime is ActivityDateTime, and the end follows from the duration or the other way round
    # (Object Reference, Event).
    start = changed.get("StartDateTime") or changed.get("ActivityDateTime") or row["StartDateTime"]
    if row["IsAllDayEvent"] and row["ActivityDate"] is not None:
        start = datetime.combine(row["ActivityDate"], time(), UTC)
    minutes = row["DurationInMinutes"]
    if changed.get("EndDateTime") is not None and changed.get("DurationInMinutes") is None:
        minutes = int((row["EndDateTime"] - start).total_seconds() // 60)
    if minutes is None:
        minutes = _WHOLE_DAY
    times = {"StartDateTime": start, "ActivityDateTime": None if row["IsAllDayEvent"] else start}
    return (
        row
        | times
        | {
            "ActivityDate": start.date(),
            "DurationInMinutes": minutes,
            "EndDateTime": start + timedelta(minutes=minutes),
        }
    )


_COMPLETE: Mapping[str, Callable[[Tables, Row, Mapping[str, Any], Row | None], Row]] = {
    "Opportunity": _opportunity,
    "CampaignMember": _member,
    "Task": _task,
    "Event": _event,
}

FOLLOWED = frozenset({"Campaign", "Opportunity", "OpportunityContactRole", "CampaignMemberStatus"})
"""The objects after whose writes Salesforce writes more."""

Create = Callable[[str, Mapping[str, Any]], str]


def after_write(tables: Tables, sobject: str, row: Row, given: Row, create: Create | None) -> None:
    """Writes what Salesforce itself adds; `create` is there when the record is new."""
    if create is not None:
        _after_insert(sobject, row, given, create)
    if sobject == "OpportunityContactRole":
        _keep_one(tables, sobject, "OpportunityId", "IsPrimary", row)
    if sobject == "CampaignMemberStatus":
        _keep_one(tables, sobject, "CampaignId", "IsDefault", row)


def _after_insert(sobject: str, row: Row, given: Row, create: Create) -> None:
    if sobject == "Campaign":
        # Every campaign starts with these two (Help: "Predefined Campaign Member Statuses").
        sent = {"CampaignId": row["Id"], "Label": "Sent", "IsDefault": True, "SortOrder": 3}
        create("CampaignMemberStatus", sent)
        responded = {"CampaignId": row["Id"], "Label": "Responded", "HasResponded": True, "SortOrder": 4}
        create("CampaignMemberStatus", responded)
    if sobject == "Opportunity" and given.get("ContactId"):
        role = {"OpportunityId": row["Id"], "ContactId": given["ContactId"], "IsPrimary": True}
        create("OpportunityContactRole", role)


def _keep_one(tables: Tables, sobject: str, parent: str, flag: str, chosen: Row) -> None:
    if not chosen[flag]:
        return
    for other in tables.where(sobject, parent, chosen[parent]):
        if other["Id"] != chosen["Id"] and other[flag]:
            stamps = {name: chosen[name] for name in ("LastModifiedDate", "SystemModstamp")}
            tables.put(sobject, other | {flag: False} | stamps)


def renamed(tables: Tables, old: Row, new: Row) -> None:
    """Lets the members that have a status keep it under its new label (not confirmed)."""
    if old["Label"] != new["Label"]:
        for member in tables.where("CampaignMember", "CampaignId", new["CampaignId"]):
            if member["Status"] == old["Label"]:
                tables.put("CampaignMember", member | {"Status": new["Label"]})


def stamps(at: datetime, by: str) -> dict[str, Any]:
    """The audit fields of a change."""
    return {"LastModifiedDate": at, "LastModifiedById": by, "SystemModstamp": at}
