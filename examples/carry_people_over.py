"""For developers: follows what changes in Salesforce and writes it into HubSpot, with a cursor between two
runs. Runs against the sandboxes; give your own credentials to `closedloop.connect`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import closedloop
from closedloop.errors import ClosedLoopError
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox

if TYPE_CHECKING:
    from closedloop.crm.hubspot import HubSpotCrm
    from closedloop.crm.salesforce import SalesforceCrm


def carry(salesforce: SalesforceCrm, hubspot: HubSpotCrm, cursor: str | None) -> str:
    """Brings the HubSpot contacts of the same addresses up to date with the leads that changed."""
    for page in salesforce.leads.changes(cursor):
        people = [
            {"email": lead.email, "last_name": lead.last_name, "company": lead.company, "title": lead.title}
            for lead in page.records
            if lead.email
        ]
        for person, result in zip(people, hubspot.contacts.upsert_many(people, by="email"), strict=True):
            print(f"{person['last_name']}: {result.outcome}")
        cursor = page.cursor
    return cursor or ""


def main() -> None:
    """Carries two leads over, then only the one that changed since."""
    with SalesforceSandbox() as org, HubSpotSandbox() as portal:
        salesforce = closedloop.connect("salesforce", login_url=org.url, access_token=org.access_token)
        hubspot = closedloop.connect("hubspot", base_url=portal.url, access_token=portal.access_token)
        ada, _ = salesforce.leads.create_many(
            [
                {"last_name": "Meyer", "company": "Meyer & Sons", "email": "ada@example.com"},
                {"last_name": "Schulz", "company": "Schulz Ltd", "email": "max@example.com"},
            ]
        )
        cursor = carry(salesforce, hubspot, None)
        salesforce.leads.update(ada.id or "", {"title": "Head of purchasing"})
        carry(salesforce, hubspot, cursor)
        found = [contact for contact in hubspot.contacts.list() if contact.title]
        print(f"HubSpot shows {found[0].last_name} as {found[0].title}")
        try:
            hubspot.campaign_members.create({"contact_id": found[0].id})
        except ClosedLoopError as error:
            print(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
