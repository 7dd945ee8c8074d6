"""The properties of tickets, products, line items, quotes, marketing events, goals and what deals cost.

Their names are those of HubSpot's documentation of each; the labels are ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from closedloop.sandbox.hubspot.settings.definitions import (
    CALCULATED,
    SET_BY_HUBSPOT,
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
    CARTS,
    DEAL_SPLITS,
    DISCOUNTS,
    FEEDBACK,
    FEES,
    GOALS,
    INVOICES,
    LINE_ITEMS,
    MARKETING_EVENTS,
    ORDERS,
    PRODUCTS,
    QUOTES,
    TAXES,
    TICKETS,
    ObjectKind,
)

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
    moment("closed_date", "Close date", **CALCULATED),
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
    number("amount", "Net price", **CALCULATED),
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
    number("hs_quote_amount", "Quote amount", **CALCULATED),
    text("hs_public_url_key", "Public URL Key", **SET_BY_HUBSPOT),
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
    text("hs_event_status", "Event Status", **CALCULATED),
    text("hs_event_status_v2", "Event Status v2", **CALCULATED),
    text("hs_external_event_id", "External Event ID", **SET_BY_HUBSPOT),
    text("hs_external_account_id", "External Account ID", **SET_BY_HUBSPOT),
    number("hs_app_id", "App ID", **SET_BY_HUBSPOT),
    number("hs_registrations", "Registrations", **CALCULATED),
    number("hs_attendees", "Attendees", **CALCULATED),
    number("hs_cancellations", "Cancellations", **CALCULATED),
    number("hs_no_shows", "No Shows", **CALCULATED),
)
_GOAL = (
    text("hs_goal_name", "Goal Name"),
    number("hs_target_amount", "Target Amount"),
    moment("hs_start_datetime", "Start Date"),
    moment("hs_end_datetime", "End Date"),
    text("hs_group_correlation_uuid", "Goal family", **SET_BY_HUBSPOT),
    number("hs_goal_target_group_id", "Goal target group", **SET_BY_HUBSPOT),
    number("hs_created_by_user_id", "Created by user", **SET_BY_HUBSPOT),
    outside("hubspot_owner_id", "Owner"),
)
_DEAL_SPLIT = (
    number("hs_deal_split_percentage", "Deal split percentage"),
    number("hs_deal_split_amount", "Deal split amount", **CALCULATED),
    outside("hubspot_owner_id", "Owner"),
)
_FEEDBACK = (
    long_text("hs_content", "Response"),
    text("hs_survey_name", "Survey name"),
    text("hs_survey_type", "Survey type"),
    text("hs_survey_channel", "Survey channel"),
    moment("hs_submission_timestamp", "Date submitted"),
    number("hs_value", "Rating"),
    text("hs_response_group", "Response group"),
    text("hs_sentiment", "Sentiment"),
)
# What is taken off, or added to, a price: a share of it or a sum.
_PART_OF_PRICE = (
    text("hs_label", "Label"),
    choice("hs_type", "Type", "PERCENT", "FIXED"),
    number("hs_value", "Value"),
)
_INVOICE = (
    text("hs_number", "Invoice number", **SET_BY_HUBSPOT),
    text("hs_currency", "Currency"),
    moment("hs_invoice_date", "Invoice date"),
    moment("hs_due_date", "Due date"),
    choice("hs_invoice_status", "Invoice status", "draft", "open", "paid", "voided"),
    number("hs_amount_billed", "Amount billed", **CALCULATED),
    number("hs_balance_due", "Balance due", **CALCULATED),
    outside("hubspot_owner_id", "Owner"),
)
_ORDER = (
    text("hs_order_name", "Name"),
    text("hs_currency_code", "Currency"),
    text("hs_source_store", "Source store"),
    text("hs_fulfillment_status", "Fulfillment status"),
    text("hs_external_order_id", "Source App Order ID"),
    number("hs_total_price", "Total price"),
    outside("hubspot_owner_id", "Owner"),
)
_CART = (
    text("hs_cart_name", "Name"),
    text("hs_external_cart_id", "Source App Cart ID"),
    text("hs_external_status", "Status"),
    text("hs_source_store", "Source store"),
    text("hs_currency_code", "Currency"),
    number("hs_total_price", "Total price"),
    outside("hubspot_owner_id", "Owner"),
)

OTHER_PROPERTIES: Mapping[ObjectKind, tuple[PropertyDefinition, ...]] = {
    TICKETS: _TICKET,
    PRODUCTS: _PRODUCT,
    LINE_ITEMS: _LINE_ITEM,
    QUOTES: _QUOTE,
    MARKETING_EVENTS: _MARKETING_EVENT,
    GOALS: _GOAL,
    DEAL_SPLITS: _DEAL_SPLIT,
    FEEDBACK: _FEEDBACK,
    TAXES: _PART_OF_PRICE,
    DISCOUNTS: _PART_OF_PRICE,
    FEES: _PART_OF_PRICE,
    INVOICES: _INVOICE,
    ORDERS: _ORDER,
    CARTS: _CART,
}
OTHER_GROUPS: Mapping[ObjectKind, tuple[tuple[str, str], ...]] = {
    TICKETS: (("ticketinformation", "Ticket information"),),
    PRODUCTS: (("productinformation", "Product information"),),
    LINE_ITEMS: (("lineiteminformation", "Line item information"),),
    QUOTES: (("quoteinformation", "Quote information"),),
    MARKETING_EVENTS: (("marketingeventinformation", "Marketing event information"),),
    GOALS: (("goal_information", "Goal information"),),
    DEAL_SPLITS: (("deal_split_information", "Deal split information"),),
    FEEDBACK: (("feedbackinformation", "Feedback information"),),
    TAXES: (("tax_information", "Tax information"),),
    DISCOUNTS: (("discount_information", "Discount information"),),
    FEES: (("fee_information", "Fee information"),),
    INVOICES: (("invoiceinformation", "Invoice information"),),
    ORDERS: (("orderinformation", "Order information"),),
    CARTS: (("cartinformation", "Cart information"),),
}
