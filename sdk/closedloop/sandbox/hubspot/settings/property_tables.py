"""The properties that come with a portal, by object type: those that reach the loop, not all there are."""

from __future__ import annotations

from collections.abc import Mapping

from closedloop.sandbox.hubspot.settings.activity_tables import ACTIVITY_PROPERTIES
from closedloop.sandbox.hubspot.settings.definitions import (
    CALCULATED,
    SET_BY_HUBSPOT,
    PropertyDefinition,
    choice,
    day,
    flag,
    long_text,
    moment,
    number,
    outside,
    text,
)
from closedloop.sandbox.hubspot.settings.further_tables import OTHER_GROUPS, OTHER_PROPERTIES
from closedloop.sandbox.hubspot.settings.kinds import (
    CAMPAIGNS,
    COMPANIES,
    CONTACTS,
    DEALS,
    LEADS,
    ObjectKind,
)
from closedloop.sandbox.hubspot.settings.standard_tables import (
    COMPANY_STANDARD,
    CONTACT_STANDARD,
    DEAL_STANDARD,
)

_SOURCES = (
    *("ORGANIC_SEARCH", "PAID_SEARCH", "EMAIL_MARKETING", "SOCIAL_MEDIA", "REFERRALS"),
    *("OTHER_CAMPAIGNS", "DIRECT_TRAFFIC", "OFFLINE", "PAID_SOCIAL", "AI_REFERRALS"),
)

# The labels are HubSpot's defaults. Only NOT_A_GOOD_FIT was seen as a value; the other values follow its
# pattern and are unverified: a client has to go through the options, never through these words.
_DISQUALIFICATION_REASONS = (
    "BAD_TIMING=Bad Timing",
    "BUDGET_CONSTRAINTS=Budget Constraints",
    "NO_DECISION_MAKING_POWER=No Decision-making Power",
    "COMPETITOR_PREFERENCE=Competitor Preference",
    "NOT_A_GOOD_FIT=Not a Good Fit",
    "NO_COMMERCIAL_INTEREST=No Commercial Interest",
    "PRIOR_NEGATIVE_EXPERIENCE=Prior Negative Experience",
    "TECHNICAL_LIMITATIONS=Technical Limitations",
    "WRONG_DATA=Wrong Data",
    "NO_RESPONSE=No Response",
)
_LEAD_STATUSES = (
    "NEW=New",
    "OPEN=Open",
    "IN_PROGRESS=In Progress",
    "OPEN_DEAL=Open Deal",
    "UNQUALIFIED=Unqualified",
    "ATTEMPTED_TO_CONTACT=Attempted to Contact",
    "CONNECTED=Connected",
    "BAD_TIMING=Bad Timing",
)
_LIFECYCLE = (
    "subscriber=Subscriber",
    "lead=Lead",
    "marketingqualifiedlead=Marketing Qualified Lead",
    "salesqualifiedlead=Sales Qualified Lead",
    "opportunity=Opportunity",
    "customer=Customer",
    "evangelist=Evangelist",
    "other=Other",
)


def common_properties(kind: ObjectKind) -> tuple[PropertyDefinition, ...]:
    """The properties that records of every object type have."""
    return (
        moment(kind.created, "Create Date", **SET_BY_HUBSPOT),
        moment(kind.modified, "Last Modified Date", **SET_BY_HUBSPOT),
        number("hs_object_id", "Record ID", unique=True, **SET_BY_HUBSPOT),
        text("hs_object_source", "Record source", **SET_BY_HUBSPOT),
        text("hs_object_source_id", "Record source ID", **SET_BY_HUBSPOT),
        text("hs_object_source_label", "Record source label", **SET_BY_HUBSPOT),
        text("hs_merged_object_ids", "Merged record IDs", **SET_BY_HUBSPOT),
        number("hs_created_by_user_id", "Created by user ID", **SET_BY_HUBSPOT),
        number("hs_updated_by_user_id", "Updated by user ID", **SET_BY_HUBSPOT),
    )


_OWNER = outside("hubspot_owner_id", "Owner")

_CONTACT = (
    text("email", "Email", unique=True, form_field=True),
    text("firstname", "First Name", form_field=True),
    text("lastname", "Last Name", form_field=True),
    text("phone", "Phone Number", field_type="phonenumber", form_field=True),
    text("mobilephone", "Mobile Phone Number", field_type="phonenumber", form_field=True),
    text("jobtitle", "Job Title", form_field=True),
    text("company", "Company Name", form_field=True),
    text("website", "Website URL", form_field=True),
    text("city", "City", form_field=True),
    text("state", "State/Region", form_field=True),
    text("country", "Country/Region", form_field=True),
    text("industry", "Industry"),
    _OWNER,
    choice("lifecyclestage", "Lifecycle Stage", *_LIFECYCLE, field_type="radio"),
    choice("hs_lead_status", "Lead Status", *_LEAD_STATUSES, field_type="radio"),
    text("hs_pipeline", "Pipeline", **SET_BY_HUBSPOT),
    # Writing it makes the company the primary one (recorded: sensadrome/hubspot-api-ruby; the definition:
    # `metadata-contacts-properties-sampled.json` of amp-labs/connectors).
    number(
        "associatedcompanyid",
        "Primary Associated Company ID",
        external_options=True,
        hidden=True,
        more=(("referencedObjectType", "COMPANY"),),
    ),
    text("hs_email_domain", "Email Domain", **CALCULATED),
    text("hs_full_name_or_email", "Full name or email", **CALCULATED),
    text("hs_all_contact_vids", "All vids for a contact", **CALCULATED),
    text("hs_additional_emails", "Additional email addresses", **SET_BY_HUBSPOT),
    text("hs_calculated_merged_vids", "Merged vids with timestamps", **CALCULATED),
    flag("hs_is_contact", "Is a contact", **CALCULATED),
    flag("hs_is_unworked", "Contact unworked", **CALCULATED),
    choice("hs_analytics_source", "Original Traffic Source", *_SOURCES, **SET_BY_HUBSPOT),
    text("hs_analytics_source_data_1", "Original Traffic Source Drill-Down 1", **SET_BY_HUBSPOT),
    text("hs_analytics_source_data_2", "Original Traffic Source Drill-Down 2", **SET_BY_HUBSPOT),
    choice("hs_latest_source", "Latest Traffic Source", *_SOURCES, **SET_BY_HUBSPOT),
    text("hs_latest_source_data_1", "Latest Traffic Source Drill-Down 1", **SET_BY_HUBSPOT),
    text("hs_latest_source_data_2", "Latest Traffic Source Drill-Down 2", **SET_BY_HUBSPOT),
    moment("hs_latest_source_timestamp", "Latest Traffic Source Date", **SET_BY_HUBSPOT),
    moment("hs_analytics_first_timestamp", "Time First Seen", **SET_BY_HUBSPOT),
    moment("hs_analytics_last_timestamp", "Time of Last Session", **SET_BY_HUBSPOT),
    text("hs_analytics_first_touch_converting_campaign", "First Touch Converting Campaign", **SET_BY_HUBSPOT),
    text("hs_analytics_last_touch_converting_campaign", "Last Touch Converting Campaign", **SET_BY_HUBSPOT),
    text("first_conversion_event_name", "First Conversion", **SET_BY_HUBSPOT),
    moment("first_conversion_date", "First Conversion Date", **SET_BY_HUBSPOT),
    text("recent_conversion_event_name", "Recent Conversion", **SET_BY_HUBSPOT),
    moment("recent_conversion_date", "Recent Conversion Date", **SET_BY_HUBSPOT),
    # What the Salesforce integration writes.
    text("salesforceleadid", "Salesforce Lead ID"),
    text("salesforcecontactid", "Salesforce Contact ID"),
    text("salesforceaccountid", "Salesforce Account ID"),
    text("salesforceownerid", "Salesforce Owner ID"),
    moment("salesforcelastsynctime", "Last Salesforce Sync Time"),
)
_COMPANY = (
    text("name", "Company name"),
    text("domain", "Company Domain Name"),
    text("website", "Website URL"),
    text("phone", "Phone Number", field_type="phonenumber"),
    text("city", "City"),
    text("country", "Country/Region"),
    text("industry", "Industry"),
    choice("type", "Type", "PROSPECT=Prospect", "PARTNER=Partner", "RESELLER", "VENDOR", "OTHER=Other"),
    number("numberofemployees", "Number of Employees"),
    number("annualrevenue", "Annual Revenue"),
    choice("lifecyclestage", "Lifecycle Stage", *_LIFECYCLE, field_type="radio"),
    choice("hs_lead_status", "Lead Status", *_LEAD_STATUSES, field_type="radio"),
    _OWNER,
    text("salesforceaccountid", "Salesforce Account ID"),
    moment("salesforcelastsynctime", "Last Salesforce Sync Time"),
)
_PIPELINE_TEXT = "The pipeline the deal is in. This determines which stages are options for the deal."
_STAGE_TEXT = (
    "The stage of the deal. Deal stages allow you to categorize and track the progress of the deals that you "
    "are working on."
)
_DEAL = (
    text("dealname", "Deal Name"),
    number("amount", "Amount"),
    number("amount_in_home_currency", "Amount in company currency", **CALCULATED),
    text("deal_currency_code", "Currency"),
    outside("pipeline", "Pipeline", display_order=4, description=_PIPELINE_TEXT),
    outside("dealstage", "Deal Stage", display_order=3, description=_STAGE_TEXT),
    choice(
        "dealtype",
        "Deal Type",
        "newbusiness=New Business",
        "existingbusiness=Existing Business",
        field_type="radio",
    ),
    moment("closedate", "Close Date"),
    # Text by default; many portals turn them into drop-downs.
    long_text("closed_lost_reason", "Closed Lost Reason"),
    # From others' code only: what HubSpot's Salesforce sync writes on a deal.
    text("hs_salesforceopportunityid", "Salesforce Opportunity ID"),
    long_text("closed_won_reason", "Closed Won Reason"),
    flag("hs_is_closed", "Is Deal Closed?", **CALCULATED),
    flag("hs_is_closed_won", "Is Closed Won", **CALCULATED),
    flag("hs_is_closed_lost", "Is closed lost", **CALCULATED),
    moment("hs_closed_won_date", "Closed Won Date", **CALCULATED),
    number("hs_closed_amount", "Closed Deal Amount", **CALCULATED),
    number("hs_deal_stage_probability", "Deal probability", **CALCULATED),
    choice("hs_analytics_source", "Original Traffic Source", *_SOURCES, **CALCULATED),
    text("hs_analytics_source_data_1", "Original Traffic Source Drill-Down 1", **CALCULATED),
    text("hs_analytics_source_data_2", "Original Traffic Source Drill-Down 2", **CALCULATED),
    choice("hs_analytics_latest_source", "Latest Traffic Source", *_SOURCES, **CALCULATED),
    long_text("description", "Deal Description"),
    _OWNER,
)
_LEAD = (
    text("hs_lead_name", "Lead name"),
    # Real records hold NEW_BUSINESS where HubSpot's documentation writes "NEW BUSINESS".
    choice("hs_lead_type", "Lead type", "NEW_BUSINESS=New business", "RE_ATTEMPTING=Re-attempting", "UPSELL"),
    choice("hs_lead_label", "Lead label", "HOT=Hot", "WARM=Warm", "COLD=Cold"),
    outside("hs_pipeline", "Lead pipeline"),
    outside("hs_pipeline_stage", "Lead stage"),
    text("hs_pipeline_stage_category", "Lead stage category", **CALCULATED),
    choice("hs_lead_disqualification_reason", "Lead disqualification reason", *_DISQUALIFICATION_REASONS),
    long_text("hs_lead_disqualification_note", "Lead disqualification note"),
    number("hs_lead_is_disqualified", "Lead is disqualified", **CALCULATED),
    number("hs_lead_is_qualified", "Lead is qualified", **CALCULATED),
    number("hs_lead_is_open", "Lead is open", **CALCULATED),
    number("hs_lead_is_new", "Lead is new", **CALCULATED),
    number("hs_lead_is_in_progress", "Lead is in progress", **CALCULATED),
    choice("hs_lead_source", "Lead source", *_SOURCES, **SET_BY_HUBSPOT),
    text("hs_lead_source_drill_down_1", "Lead source drill-down 1", **SET_BY_HUBSPOT),
    text("hs_lead_source_drill_down_2", "Lead source drill-down 2", **SET_BY_HUBSPOT),
    choice("hs_contact_analytics_source", "Contact original source", *_SOURCES, **CALCULATED),
    text("hs_contact_analytics_source_data_1", "Contact original source data 1", **CALCULATED),
    text("hs_contact_analytics_source_data_2", "Contact original source data 2", **CALCULATED),
    number("hs_primary_contact_id", "Primary contact ID", **CALCULATED),
    number("hs_primary_company_id", "Primary company ID", **CALCULATED),
    number("hs_lead_associated_deals_count", "Associated deals", **CALCULATED),
    number("hs_lead_closed_won_deals_amount", "Closed won deals amount", **CALCULATED),
    _OWNER,
)
_CAMPAIGN = (
    text("hs_name", "Campaign name"),
    day("hs_start_date", "Campaign start date"),
    day("hs_end_date", "Campaign end date"),
    long_text("hs_notes", "Campaign notes"),
    text("hs_audience", "Campaign audience"),
    text("hs_currency_code", "Campaign currency"),
    choice(
        "hs_campaign_status", "Campaign status", "planned", "in_progress", "active", "paused", "completed"
    ),
    outside("hs_owner", "Campaign owner"),
    text("hs_utm", "UTM campaign"),
    text("hs_color_hex", "Campaign color"),
    text("hs_goal", "Campaign goal"),
    number("hs_budget_items_sum_amount", "Campaign budget total", **CALCULATED),
    number("hs_spend_items_sum_amount", "Campaign spend total", **CALCULATED),
)
BUILT_IN: Mapping[ObjectKind, tuple[PropertyDefinition, ...]] = {
    kind: tuple(p.in_group(group) for p in (*common_properties(kind), *rows))
    for kind, group, rows in (
        (CONTACTS, "contactinformation", (*_CONTACT, *CONTACT_STANDARD)),
        (COMPANIES, "companyinformation", (*_COMPANY, *COMPANY_STANDARD)),
        (DEALS, "deal_activity", (*_DEAL, *DEAL_STANDARD)),
        (LEADS, "lead_information", _LEAD),
        (CAMPAIGNS, "campaign_information", _CAMPAIGN),
        *((kind, groups[0][0], OTHER_PROPERTIES[kind]) for kind, groups in OTHER_GROUPS.items()),
        *((kind, "engagement", rows) for kind, rows in ACTIVITY_PROPERTIES.items()),
    )
}

GROUPS: Mapping[ObjectKind, tuple[tuple[str, str], ...]] = {
    CONTACTS: (("contactinformation", "Contact information"),),
    COMPANIES: (("companyinformation", "Company information"),),
    DEALS: (("deal_activity", "Deal activity"),),
    LEADS: (("lead_information", "Lead information"),),
    CAMPAIGNS: (("campaign_information", "Campaign information"),),
    **OTHER_GROUPS,
    **dict.fromkeys(ACTIVITY_PROPERTIES, (("engagement", "Engagement Information"),)),
}
