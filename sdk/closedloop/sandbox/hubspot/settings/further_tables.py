"""The properties of tickets, products, line items, quotes and marketing events.

Their names are those of HubSpot's documentation of each; the labels are ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from closedloop.sandbox.hubspot.settings.definitions import (
    PropertyDefinition,
    choice,
    flag,
    long_text,
    moment,
    number,
    outside,
    text,
)
from closedloop.sandbox.hubspot.settings.kinds import (
    LINE_ITEMS,
    MARKETING_EVENTS,
    PRODUCTS,
    QUOTES,
    TICKETS,
    ObjectKind,
)

_SET_BY_HUBSPOT = {"read_only": True}
_CALCULATED = {"read_only": True, "calculated": True}

_TICKET = (
    text("subject", "Ticket name"),
    long_text("content", "Ticket description"),
    outside("hs_pipeline", "Pipeline"),
    outside("hs_pipeline_stage", "Ticket status"),
    choice("hs_ticket_priority", "Priority", "LOW=Low", "MEDIUM=Medium", "HIGH=High", "URGENT=Urgent"),
    choice(
        "hs_ticket_category",
        "Category",
        *("PRODUCT_ISSUE=Product Issue", "BILLING_ISSUE=Billing Issue"),
        *("FEATURE_REQUEST=Feature Request", "GENERAL_INQUIRY=General inquiry"),
    ),
    choice("source_type", "Source", "CHAT=Chat", "EMAIL=Email", "FORM=Form", "PHONE=Phone"),
    moment("closed_date", "Close date", **_CALCULATED),
    outside("hubspot_owner_id", "Owner"),
)
_PRODUCT = (
    text("name", "Name"),
    long_text("description", "Description"),
    number("price", "Unit price"),
    text("hs_sku", "SKU"),
    number("hs_cost_of_goods_sold", "Unit cost"),
    choice("recurringbillingfrequency", "Billing frequency", "monthly=Monthly", "annually=Annually"),
    text("hs_recurring_billing_period", "Term"),
    outside("hubspot_owner_id", "Owner"),
)
_LINE_ITEM = (
    *_PRODUCT[:-1],
    number("quantity", "Quantity"),
    number("amount", "Net price", **_CALCULATED),
    number("discount", "Unit discount"),
    text("hs_product_id", "Product ID"),
    text("hs_line_item_currency_code", "Currency"),
)
_QUOTE = (
    text("hs_title", "Quote Title"),
    moment("hs_expiration_date", "Expiration Date"),
    choice("hs_status", "Approval Status", "DRAFT", "APPROVAL_NOT_NEEDED", "PENDING_APPROVAL", "APPROVED"),
    text("hs_currency", "Currency"),
    text("hs_language", "Language"),
    number("hs_quote_amount", "Quote amount", **_CALCULATED),
    outside("hubspot_owner_id", "Owner"),
)
_MARKETING_EVENT = (
    text("hs_event_name", "Event Name"),
    text("hs_event_type", "Event Type"),
    text("hs_event_organizer", "Event Organizer"),
    long_text("hs_event_description", "Event Description"),
    text("hs_event_url", "Event URL"),
    moment("hs_start_datetime", "Start Date"),
    moment("hs_end_datetime", "End Date"),
    flag("hs_event_cancelled", "Event Cancelled"),
    flag("hs_event_completed", "Event Completed"),
    text("hs_event_status", "Event Status", **_CALCULATED),
    text("hs_event_status_v2", "Event Status v2", **_CALCULATED),
    text("hs_external_event_id", "External Event ID", **_SET_BY_HUBSPOT),
    text("hs_external_account_id", "External Account ID", **_SET_BY_HUBSPOT),
    number("hs_app_id", "App ID", **_SET_BY_HUBSPOT),
    number("hs_registrations", "Registrations", **_CALCULATED),
    number("hs_attendees", "Attendees", **_CALCULATED),
    number("hs_cancellations", "Cancellations", **_CALCULATED),
    number("hs_no_shows", "No Shows", **_CALCULATED),
)

OTHER_PROPERTIES: Mapping[ObjectKind, tuple[PropertyDefinition, ...]] = {
    TICKETS: _TICKET,
    PRODUCTS: _PRODUCT,
    LINE_ITEMS: _LINE_ITEM,
    QUOTES: _QUOTE,
    MARKETING_EVENTS: _MARKETING_EVENT,
}
OTHER_GROUPS: Mapping[ObjectKind, tuple[tuple[str, str], ...]] = {
    TICKETS: (("ticketinformation", "Ticket information"),),
    PRODUCTS: (("productinformation", "Product information"),),
    LINE_ITEMS: (("lineiteminformation", "Line item information"),),
    QUOTES: (("quoteinformation", "Quote information"),),
    MARKETING_EVENTS: (("marketingeventinformation", "Marketing event information"),),
}
