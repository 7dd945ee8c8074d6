"""For developers: the same loop reads Salesforce and HubSpot. Runs against the sandbox; give your own
credentials to `closedloop.connect` to read your CRM."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import closedloop
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.sandbox.world import World
from closedloop.sandbox.world.populate import populate

if TYPE_CHECKING:
    from closedloop.crm.connected import ConnectedCrm


def count(crm: ConnectedCrm) -> Counter[str]:
    """How many records of each object the CRM holds; each list is read page by page."""
    lists = (
        *(crm.accounts.list(), crm.contacts.list(), crm.leads.list(), crm.opportunities.list()),
        *(crm.campaigns.list(), crm.campaign_members.list(), crm.contact_roles.list()),
        *(crm.users.list(), crm.activities.list(), crm.stages.list()),
    )
    return Counter(record.object for listed in lists for record in listed)


def main() -> None:
    """Prints what is in a small market's two CRMs."""
    with SalesforceSandbox() as salesforce, HubSpotSandbox() as hubspot:
        populate(World.from_seed(1, decisions=30), salesforce, hubspot)
        connections = {
            "Salesforce": closedloop.connect(
                "salesforce",
                login_url=salesforce.url,
                client_id=salesforce.client_id,
                client_secret=salesforce.client_secret,
            ),
            "HubSpot": closedloop.connect("hubspot", access_token=hubspot.access_token, base_url=hubspot.url),
        }
        for name, crm in connections.items():
            print(f"{name} ({crm.organisation().id})")
            for record, number in sorted(count(crm).items()):
                print(f"  {number:5} {record}")


if __name__ == "__main__":
    main()
