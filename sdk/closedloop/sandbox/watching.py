"""Has both sandboxes tell a receiver what sales decides, as an administrator of each would set it up."""

from __future__ import annotations

from collections.abc import Mapping

from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox

FIELDS: Mapping[str, tuple[str, ...]] = {
    "Lead": ("Status", "Disqualified_Reason__c", "Disqualified_Reason_Details__c", "IsConverted"),
    "Opportunity": ("StageName", "Loss_Reason__c", "Win_Reason__c", "Loss_Reason_Details__c", "Amount"),
}
"""The Salesforce fields whose changes are told, by object."""

PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "leads": ("hs_pipeline_stage", "hs_lead_disqualification_reason", "hs_lead_disqualification_note"),
    "deals": ("dealstage", "closed_lost_reason", "closed_won_reason", "amount"),
}
"""The HubSpot properties whose changes are told, by object type."""


def watch_salesforce(sandbox: SalesforceSandbox, endpoint: str) -> None:
    """Sends an outbound message to the endpoint for each new lead and opportunity, and each decision."""
    for sobject, fields in FIELDS.items():
        sandbox.org.subscribe(sobject, fields, endpoint, when_changed=fields)


def watch_hubspot(sandbox: HubSpotSandbox, url: str) -> None:
    """Subscribes the app to what happens to leads and deals, and sends its events to the URL."""
    portal = sandbox.portal
    for object_type, properties in PROPERTIES.items():
        portal.subscribe("object.creation", object_type=object_type)
        portal.subscribe("object.associationChange", object_type=object_type)
        for name in properties:
            portal.subscribe("object.propertyChange", object_type=object_type, property_name=name)
    portal.set_target(url)
