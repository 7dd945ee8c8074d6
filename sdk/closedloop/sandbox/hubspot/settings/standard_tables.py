"""Further properties that come with every portal and that clients write or read (contacts, companies, deals).

Source: HubSpot documentation, default properties of each, and recorded definitions (the cassettes of
HubspotCommunity/hubspot-ruby, `metadata-contacts-properties-sampled.json` of amp-labs/connectors). The
options of long lists are left out: those properties take any text here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from closedloop.sandbox.hubspot.settings.definitions import (
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

_Make = Callable[..., PropertyDefinition]


def _each(make: _Make, *rows: str, read_only: bool = False) -> Iterator[PropertyDefinition]:
    """One property for each "name=label"."""
    for name, _, label in (row.partition("=") for row in rows):
        yield make(name, label, read_only=read_only)


# What HubSpot keeps of activities and owners, on each of the three.
_KEPT = (
    *_each(
        moment,
        "hubspot_owner_assigneddate=Owner Assigned Date",
        "notes_last_contacted=Last Contacted",
        "notes_last_updated=Last Activity Date",
        "notes_next_activity_date=Next Activity Date",
        "hs_last_sales_activity_timestamp=Last Engagement Date",
        read_only=True,
    ),
    *_each(
        number,
        "num_contacted_notes=Number of times contacted",
        "num_notes=Number of Sales Activities",
        read_only=True,
    ),
    *_each(outside, "hs_all_owner_ids=All owner ids", "hs_all_team_ids=All team IDs", read_only=True),
    *_each(outside, "hs_user_ids_of_all_owners=User IDs of all owners", read_only=True),
    outside("hubspot_team_id", "HubSpot Team", read_only=True),
)
_PAGE_VIEWS = (
    *_each(
        number,
        "hs_analytics_num_page_views=Number of Pageviews",
        "hs_analytics_num_visits=Number of Sessions",
        "num_conversion_events=Number of Form Submissions",
        read_only=True,
    ),
    *_each(
        moment,
        "hs_analytics_first_visit_timestamp=Time of First Session",
        "hs_analytics_last_visit_timestamp=Time of Last Session",
        read_only=True,
    ),
)
_REVENUE = (
    moment("closedate", "Close Date"),
    *_each(number, "total_revenue=Total Revenue", "days_to_close=Days To Close", read_only=True),
    *_each(number, "num_associated_deals=Number of Associated Deals", read_only=True),
    *_each(number, "recent_deal_amount=Recent Deal Amount", read_only=True),
    *_each(
        moment,
        "first_deal_created_date=First Deal Created Date",
        "recent_deal_close_date=Recent Deal Close Date",
        read_only=True,
    ),
)
_BECAME = tuple(
    _each(
        moment,
        "hs_lifecyclestage_subscriber_date=Became a Subscriber Date",
        "hs_lifecyclestage_lead_date=Became a Lead Date",
        "hs_lifecyclestage_marketingqualifiedlead_date=Became a Marketing Qualified Lead Date",
        "hs_lifecyclestage_salesqualifiedlead_date=Became a Sales Qualified Lead Date",
        "hs_lifecyclestage_opportunity_date=Became an Opportunity Date",
        "hs_lifecyclestage_customer_date=Became a Customer Date",
        "hs_lifecyclestage_evangelist_date=Became an Evangelist Date",
        "hs_lifecyclestage_other_date=Became an Other Lifecycle Date",
    )
)

CONTACT_STANDARD = (
    *(
        text(name, label, form_field=True)
        for name, _, label in (
            row.partition("=")
            for row in (
                *("address=Street Address", "zip=Postal Code", "fax=Fax Number", "salutation=Salutation"),
                *("numemployees=Number of Employees", "annualrevenue=Annual Revenue", "degree=Degree"),
                *("field_of_study=Field of Study", "school=School", "seniority=Seniority", "gender=Gender"),
                *("graduation_date=Graduation Date", "date_of_birth=Date of Birth", "start_date=Start Date"),
                *("job_function=Job function", "marital_status=Marital Status", "work_email=Work email"),
                *("military_status=Military status", "relationship_status=Relationship Status"),
                *("company_size=Company size", "twitterhandle=Twitter Username"),
            )
        )
    ),
    long_text("message", "Message", form_field=True),
    *_each(
        text,
        *("twitterbio=Twitter Bio", "twitterprofilephoto=Twitter Profile Photo", "photo=Photo"),
        *("linkedinbio=LinkedIn Bio", "hs_linkedin_url=LinkedIn URL", "hs_language=Preferred language"),
        *("hs_timezone=Time Zone", "hs_persona=Persona", "hs_role=Employment Role"),
        *("hs_seniority=Employment Seniority", "hs_sub_role=Employment Sub Role"),
        *("hs_state_code=State/Region Code", "hs_country_region_code=Country/Region Code"),
        *("hs_content_membership_notes=Membership Notes", "hs_legal_basis=Legal basis for processing"),
        *("hs_google_click_id=Google ad click id", "hs_facebook_click_id=Facebook click id"),
        *("hs_whatsapp_phone_number=WhatsApp Phone Number", "owneremail=HubSpot Owner Email (legacy)"),
        "ownername=HubSpot Owner Name (legacy)",
    ),
    *_each(
        number,
        "followercount=Follower Count",
        "linkedinconnections=LinkedIn Connections",
        "kloutscoregeneral=Klout Score",
    ),
    choice(
        "hs_buying_role",
        "Buying Role",
        *("BLOCKER=Blocker", "BUDGET_HOLDER=Budget Holder", "CHAMPION=Champion"),
        *("COMPLIANCE_AND_SECURITY=Compliance and Security", "DECISION_MAKER=Decision Maker"),
        *("END_USER=End User", "EXECUTIVE_SPONSOR=Executive Sponsor", "INFLUENCER=Influencer"),
        *("LEGAL_AND_COMPLIANCE=Legal and Compliance", "OTHER=Other"),
        field_type="checkbox",
    ),
    choice("hs_content_membership_status", "Status", "active=Active", "inactive=Inactive"),
    *_each(
        flag,
        *("hs_email_optout=Unsubscribed from all email", "hs_marketable_status=Marketing contact status"),
        "hs_contact_enrichment_opt_out=Enrichment opt out",
        "currentlyinworkflow=Currently in workflow",
        read_only=True,
    ),
    *_each(
        number,
        *("hs_email_open=Marketing emails opened", "hs_email_click=Marketing emails clicked"),
        *("hs_email_delivered=Marketing emails delivered", "hs_email_bounce=Marketing emails bounced"),
        *("hs_email_replied=Marketing emails replied", "hubspotscore=HubSpot Score"),
        *(
            "hs_predictivecontactscore_v2=Likelihood to close",
            "hs_sequences_enrolled_count=Number of sequences enrolled",
        ),
        "num_unique_conversion_events=Number of Unique Forms Submitted",
        read_only=True,
    ),
    *_each(
        moment,
        "hs_email_last_open_date=Last marketing email open date",
        *(
            "hs_email_last_send_date=Last marketing email send date",
            "hs_sa_first_engagement_date=Date of first engagement",
        ),
        *(
            "hs_email_last_click_date=Last marketing email click date",
            "hs_document_last_revisited=Recent Document Revisit Date",
        ),
        "associatedcompanylastupdated=Associated Company Last Updated",
        read_only=True,
    ),
    *_each(
        text,
        *("hs_ip_timezone=IP Timezone", "ip_city=IP City", "ip_country=IP Country"),
        *("ip_country_code=IP Country Code", "ip_state=IP State/Region", "ip_state_code=IP State Code"),
        *("hs_analytics_first_url=First Page Seen", "hs_analytics_last_url=Last Page Seen"),
        *(
            "hs_analytics_first_referrer=First Referring Site",
            "hs_analytics_last_referrer=Last Referring Site",
        ),
        "hs_email_hard_bounce_reason=Email hard bounce reason",
        read_only=True,
    ),
    *_BECAME,
    *_PAGE_VIEWS,
    *_REVENUE,
    *_KEPT,
)

COMPANY_STANDARD = (
    *_each(
        text,
        *("address=Street Address", "address2=Street Address 2", "state=State/Region", "zip=Postal Code"),
        *(
            "about_us=About Us",
            "founded_year=Year Founded",
            "timezone=Time Zone",
            "web_technologies=Web Technologies",
        ),
        *("total_money_raised=Total Money Raised", "facebook_company_page=Facebook Company Page"),
        *("linkedin_company_page=LinkedIn Company Page", "linkedinbio=LinkedIn Bio"),
        *("twitterhandle=Twitter Handle", "twitterbio=Twitter Bio", "googleplus_page=Google Plus Page"),
        *(
            "hs_logo_url=Logo URL",
            "hs_additional_domains=Additional Domains",
            "owneremail=HubSpot Owner Email",
        ),
        *(
            "hs_linkedin_handle=LinkedIn handle",
            "hs_country_code=Country code",
            "ownername=HubSpot Owner Name",
        ),
        *("hs_state_code=State/Region code", "hs_annual_revenue_currency_code=Revenue currency code"),
    ),
    long_text("description", "Description"),
    flag("is_public", "Is Public"),
    flag("hs_is_target_account", "Target Account"),
    choice(
        "hs_ideal_customer_profile",
        "Ideal Customer Profile Tier",
        *("tier_1=Tier 1", "tier_2=Tier 2", "tier_3=Tier 3"),
        field_type="radio",
    ),
    *_each(number, "facebookfans=Facebook Fans", "twitterfollowers=Twitter Followers"),
    outside("hs_pipeline", "Pipeline", hidden=True),
    text("hs_analytics_source", "Original Traffic Source", read_only=True),
    *_each(
        text,
        *(
            "hs_analytics_source_data_1=Original Traffic Source Drill-Down 1",
            "hs_analytics_latest_source=Latest Traffic Source",
        ),
        "hs_analytics_source_data_2=Original Traffic Source Drill-Down 2",
        *("first_conversion_event_name=First Conversion", "recent_conversion_event_name=Recent Conversion"),
        "hs_analytics_first_touch_converting_campaign=First Touch Converting Campaign",
        "hs_analytics_last_touch_converting_campaign=Last Touch Converting Campaign",
        read_only=True,
    ),
    *_each(
        number,
        *("num_associated_contacts=Number of Associated Contacts", "hs_num_open_deals=Number of open deals"),
        *("hs_num_child_companies=Number of child companies", "hs_parent_company_id=Parent Company"),
        *("hs_num_decision_makers=Number of decision makers", "hs_total_deal_value=Total open deal value"),
        *("hs_num_blockers=Number of blockers", "hubspotscore=HubSpot Score"),
        "hs_num_contacts_with_buying_roles=Number of contacts with a buying role",
        read_only=True,
    ),
    *_each(
        moment,
        *("first_conversion_date=First Conversion Date", "recent_conversion_date=Recent Conversion Date"),
        *("hs_analytics_first_timestamp=Time First Seen", "hs_analytics_last_timestamp=Time of Last Session"),
        *(
            "first_contact_createdate=First Contact Create Date",
            "hs_last_booked_meeting_date=Last Booked Meeting Date",
        ),
        read_only=True,
    ),
    *_PAGE_VIEWS,
    *_REVENUE,
    *_KEPT,
)

DEAL_STANDARD = (
    text("hs_next_step", "Next step"),
    choice("hs_priority", "Priority", "low=Low", "medium=Medium", "high=High"),
    choice(
        "hs_manual_forecast_category",
        "Forecast category",
        *("OMIT=Not forecasted", "PIPELINE=Pipeline", "BEST_CASE=Best case", "COMMIT=Commit"),
        "CLOSED=Closed won",
    ),
    *_each(
        number,
        *("hs_forecast_amount=Forecast amount", "hs_forecast_probability=Forecast probability"),
        *("hs_acv=Annual contract value", "hs_arr=Annual recurring revenue"),
        *("hs_mrr=Monthly recurring revenue", "hs_tcv=Total contract value"),
    ),
    text("hs_campaign", "HubSpot Campaign", hidden=True),
    text("hs_line_item_global_term_hs_recurring_billing_period", "Global Term Length", hidden=True),
    day("hs_line_item_global_term_hs_recurring_billing_start_date", "Global Term Start", hidden=True),
    *_each(
        number,
        *("num_associated_contacts=Number of Associated Contacts", "days_to_close=Days to close"),
        *("hs_projected_amount=Weighted amount", "hs_days_to_close_raw=Days to close (without rounding)"),
        "hs_deal_amount_calculation_preference=Deal amount calculation preference",
        *("hs_num_of_associated_line_items=Number of line items", "hs_exchange_rate=Exchange rate"),
        "hs_closed_amount_in_home_currency=Closed amount in company currency",
        "hs_projected_amount_in_home_currency=Weighted amount in company currency",
        read_only=True,
    ),
    *_each(
        moment,
        *("hs_createdate=HubSpot Create Date", "hs_latest_meeting_activity=Latest meeting activity"),
        "hs_sales_email_last_replied=Recent Sales Email Replied Date",
        "engagements_last_meeting_booked=Date of last meeting booked in meetings tool",
        read_only=True,
    ),
    *_KEPT,
)
