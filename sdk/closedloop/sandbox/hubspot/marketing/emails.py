"""Marketing e-mails: what is sent to many at once. They are no records of the CRM.

The shapes of drafts and of published ones are recorded (`read_marketing-emails_1-first-page`;
`read/marketing-emails/2-last-page.json` of amp-labs/connectors).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.record import stamp

Email = dict[str, Any]

_FIRST = 212_476_546_342
_TEXTS = frozenset(
    {"name", "subject", "language", "state", "subcategory", "campaign", "activeDomain", "publishDate"}
)
_OBJECTS = frozenset({"content", "from", "to", "subscriptionDetails", "webversion", "rssData", "testing"})
_FLAGS = frozenset({"archived", "jitterSendTime", "sendOnPublish"})
_COUNTERS = (
    *("sent", "delivered", "open", "click", "bounce", "unsubscribed", "spamreport", "dropped", "reply"),
    *("notsent", "suppressed", "selected", "pending", "hardbounced", "softbounced", "contactslost"),
)


class MarketingEmails:
    """The marketing e-mails of one portal. Whoever calls holds the portal's lock."""

    def __init__(self, portal_id: int, user_id: Callable[[], str]) -> None:
        self._portal_id = portal_id
        self._user_id = user_id
        self._emails: dict[str, Email] = {}
        self._ids = count(_FIRST)

    def all(self, *, archived: bool = False) -> list[Email]:
        """The e-mails that are not archived, or those that are, oldest first."""
        return [each for each in self._emails.values() if each["archived"] is archived]

    def get(self, email_id: str) -> Email:
        """The e-mail with this id; 404 when there is none (the words are ours)."""
        found = self._emails.get(email_id)
        if found is None:
            raise HubSpotError(f"No email found with id {email_id}", status=404, category="OBJECT_NOT_FOUND")
        return found

    def create(self, body: Mapping[str, Any], at: datetime) -> Email:
        """Drafts an e-mail."""
        if not isinstance(body.get("name"), str) or not body["name"]:
            raise HubSpotError("Some required fields were not set: [name]")
        made = self._draft(at) | _read(body)
        self._emails[made["id"]] = made
        return made

    def change(self, email: Email, body: Mapping[str, Any], at: datetime) -> Email:
        """Changes what a body names."""
        email |= _read(body) | {"updatedAt": stamp(at), "updatedById": self._user_id()}
        return email

    def clone(self, email: Email, name: str, at: datetime) -> Email:
        """Drafts a copy."""
        kept = {key: value for key, value in email.items() if key in _TEXTS | _OBJECTS}
        made = self._draft(at) | kept | {"name": name, "clonedFrom": email["id"], "state": "DRAFT"}
        self._emails[made["id"]] = made
        return made

    def remove(self, email: Email) -> None:
        """Deletes an e-mail for good."""
        del self._emails[email["id"]]

    def publish(self, email: Email, at: datetime) -> None:
        """Sends an e-mail out, or plans to."""
        campaign = str(int(email["id"]) % 1_000_000_000)
        email |= {
            "allEmailCampaignIds": [campaign],
            "emailCampaignGroupId": campaign,
            "isPublished": True,
            "primaryEmailCampaignId": campaign,
            "publishedAt": stamp(at),
            "publishedById": self._user_id(),
            "publishedByName": "HubSpot System",
            "state": "PUBLISHED",
            "updatedAt": stamp(at),
        }

    def unpublish(self, email: Email, at: datetime) -> None:
        """Takes an e-mail back, or cancels what was planned."""
        email |= {"isPublished": False, "state": "DRAFT", "updatedAt": stamp(at)}

    def _draft(self, at: datetime) -> Email:
        user = self._user_id()
        return {
            "activeDomain": f"{self._portal_id}.hs-sites.com",
            "archived": False,
            "businessUnitId": "0",
            "content": {},
            "createdAt": stamp(at),
            "createdById": user,
            "emailTemplateMode": "DRAG_AND_DROP",
            "from": {},
            "id": str(next(self._ids)),
            "isAb": False,
            "isPublished": False,
            "isTransactional": False,
            "jitterSendTime": True,
            "language": "en",
            "name": "",
            "previewKey": uuid.uuid4().hex[:8],
            "publishDate": stamp(at.replace(microsecond=0)).replace(".000Z", "Z"),
            "sendOnPublish": True,
            "state": "DRAFT",
            "subcategory": "batch",
            "subject": "",
            "subscriptionDetails": {},
            "to": {},
            "type": "BATCH_EMAIL",
            "updatedAt": stamp(at),
            "updatedById": user,
            "webversion": {},
        }


def statistics() -> dict[str, Any]:
    """What became of an e-mail; nobody reads them here, so all counts are nought."""
    return {
        "counters": dict.fromkeys(_COUNTERS, 0),
        "deviceBreakdown": {},
        "qualifierStats": {},
        "ratios": {},
    }


def _read(body: Mapping[str, Any]) -> Email:
    """What a body says of an e-mail; 400 for values of wrong types, anything else in it is ignored."""
    given = {name: value for name, value in body.items() if value is not None}
    for names, expected in ((_TEXTS, str), (_OBJECTS, dict), (_FLAGS, bool)):
        wrong = [name for name in given if name in names and not isinstance(given[name], expected)]
        if wrong:
            raise HubSpotError(f"Invalid input JSON: {wrong[0]} is of the wrong type")
    known = {name: value for name, value in given.items() if name in _TEXTS | _OBJECTS | _FLAGS}
    unit = {"businessUnitId": str(given["businessUnitId"])} if "businessUnitId" in given else {}
    return known | unit
