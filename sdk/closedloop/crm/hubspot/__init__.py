"""HubSpot: `HubSpotCrm` reads and writes a portal, `events` verifies and reads its webhooks."""

from closedloop.crm.hubspot.adapter import HubSpotCrm
from closedloop.crm.hubspot.credentials import HubSpotCredentials

__all__ = ["HubSpotCredentials", "HubSpotCrm"]
