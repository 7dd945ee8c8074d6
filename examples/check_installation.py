"""For CRM admins: what Closed Loop would add to a HubSpot portal, shown before it is added.

Runs against the sandbox; give your own token to try it on a test portal.
"""

from __future__ import annotations

import closedloop
from closedloop.crm.hubspot import HubSpotCrm, install
from closedloop.sandbox.hubspot import HubSpotSandbox


def main() -> None:
    """Prints the plan, carries it out, and prints what is left for an admin to do by hand."""
    with HubSpotSandbox(campaign_properties=False) as hubspot:
        crm = closedloop.connect("hubspot", access_token=hubspot.access_token, base_url=hubspot.url)
        if not isinstance(crm, HubSpotCrm):
            raise TypeError("connecting HubSpot gives a HubSpotCrm")
        missing = [change for change in install.plan(crm) if not change.exists]
        print(f"{len(missing)} properties are missing. Creating those that may be created ...")
        install.apply(crm)
        for change in install.plan(crm):
            if not change.exists:
                print(f"make by hand, on {change.object}: {change.name} ({change.label}, {change.type})")


if __name__ == "__main__":
    main()
