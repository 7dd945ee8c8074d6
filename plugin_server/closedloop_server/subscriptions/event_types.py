"""The kinds of news that can be subscribed to, one line of meaning each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from closedloop.schema.vocabulary import ObjectType, Outcome


class EventType(StrEnum):
    """A kind of news."""

    LEAD_ACCEPTED = "lead.accepted"
    LEAD_RECYCLED = "lead.recycled"
    LEAD_DISQUALIFIED = "lead.disqualified"
    LEAD_NO_ACTION = "lead.no_action"
    LEAD_REOPENED = "lead.reopened"
    OPPORTUNITY_WON = "opportunity.won"
    OPPORTUNITY_LOST = "opportunity.lost"
    OPPORTUNITY_REOPENED = "opportunity.reopened"
    REASON_UNMAPPED = "reason.unmapped"
    SLA_BREACHED = "sla.breached"
    DELIVERY_FAILING = "delivery.failing"
    SUBSCRIPTION_DISABLED = "subscription.disabled"
    SUBSCRIPTION_TEST = "subscription.test"


MEANINGS: Mapping[EventType, str] = MappingProxyType(
    {
        EventType.LEAD_ACCEPTED: "Sales took a lead on.",
        EventType.LEAD_RECYCLED: "Sales gave a lead back to marketing, to be nurtured.",
        EventType.LEAD_DISQUALIFIED: "Sales rejected a lead.",
        EventType.LEAD_NO_ACTION: "Nothing is to be decided about a lead: a customer, a duplicate.",
        EventType.LEAD_REOPENED: "What was decided about a lead was taken back.",
        EventType.OPPORTUNITY_WON: "An opportunity was won.",
        EventType.OPPORTUNITY_LOST: "An opportunity was lost.",
        EventType.OPPORTUNITY_REOPENED: "What was decided about an opportunity was taken back.",
        EventType.REASON_UNMAPPED: "A decision has a reason that no rule knows. Comes beside the decision.",
        EventType.SLA_BREACHED: "A lead waited longer than a service level allows.",
        EventType.DELIVERY_FAILING: "A CRM cannot be told what its campaigns should show.",
        EventType.SUBSCRIPTION_DISABLED: "Another subscription was disabled: nothing gets through to it.",
        EventType.SUBSCRIPTION_TEST: "Somebody pressed the test button; sent to that subscription alone.",
    }
)

CHOOSABLE: tuple[EventType, ...] = tuple(
    each for each in EventType if each is not EventType.SUBSCRIPTION_TEST
)
"""What a subscription may be for; a test is sent to whoever asks for it."""

OF_DECISION: Mapping[tuple[ObjectType, Outcome], EventType] = MappingProxyType(
    {
        (ObjectType.LEAD, Outcome.ACCEPTED): EventType.LEAD_ACCEPTED,
        (ObjectType.LEAD, Outcome.RECYCLED): EventType.LEAD_RECYCLED,
        (ObjectType.LEAD, Outcome.DISQUALIFIED): EventType.LEAD_DISQUALIFIED,
        (ObjectType.LEAD, Outcome.NO_ACTION): EventType.LEAD_NO_ACTION,
        (ObjectType.LEAD, Outcome.REOPENED): EventType.LEAD_REOPENED,
        (ObjectType.OPPORTUNITY, Outcome.WON): EventType.OPPORTUNITY_WON,
        (ObjectType.OPPORTUNITY, Outcome.LOST): EventType.OPPORTUNITY_LOST,
        (ObjectType.OPPORTUNITY, Outcome.REOPENED): EventType.OPPORTUNITY_REOPENED,
    }
)
"""What an entry of the ledger is news of; an outcome that is no lead's or no opportunity's is none."""
