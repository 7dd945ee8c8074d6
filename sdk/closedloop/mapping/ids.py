"""The forms of the CRMs' ids, and the one form in which we keep them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from closedloop.mapping.convert import FaultError, to_text

_SALESFORCE = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", re.ASCII)
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_DIGITS = re.compile(r"\d{1,20}", re.ASCII)

# The key prefixes of standard objects; a custom object's differs per org.
PREFIXES: Mapping[str, str] = {
    "Account": "001",
    "Campaign": "701",
    "CampaignMember": "00v",
    "Contact": "003",
    "Event": "00U",
    "Lead": "00Q",
    "Opportunity": "006",
    "OpportunityContactRole": "00K",
    "Task": "00T",
    "User": "005",
}


def salesforce_id(value: Any) -> str | None:
    """The 18-character form of a Salesforce id: 15 characters get the suffix that tells their case.

    Each of the suffix's characters stands for five of the id's: bit j is set where character j is A–Z.
    """
    text = to_text(value)
    if text is None:
        return None
    if not _SALESFORCE.fullmatch(text):
        raise FaultError("bad_id", "expected a Salesforce id of 15 or 18 letters and digits")
    if len(text) == 18:
        return text
    groups = (text[0:5], text[5:10], text[10:15])
    return text + "".join(
        _SUFFIX[sum(1 << place for place, letter in enumerate(group) if "A" <= letter <= "Z")]
        for group in groups
    )


def salesforce_own_id(prefix: str | None, value: Any) -> str | None:
    """The record's own id, which starts with its object's key prefix where that is a standard one.

    A row that was queried without its Id still carries it at the end of `attributes.url`. The case of the
    prefix is left aside: a recorded body has an OpportunityContactRole under 00k, whose prefix is 00K.
    """
    if isinstance(value, str) and value.startswith("/services/data/"):
        value = value.rpartition("/")[2]
    found = salesforce_id(value)
    if found and prefix and found[:3].lower() != prefix.lower():
        raise FaultError(
            "wrong_prefix", f"an id of this object starts with {prefix}, this one with {found[:3]}"
        )
    return found


def hubspot_id(value: Any) -> str | None:
    """A HubSpot id: digits."""
    text = to_text(value)
    if text is not None and not _DIGITS.fullmatch(text):
        raise FaultError("bad_id", "expected a HubSpot id: digits only")
    return text


def guid(value: Any) -> str | None:
    """The GUID that HubSpot's marketing API names a campaign by, in lower case."""
    text = to_text(value)
    if text is None:
        return None
    if not _GUID.fullmatch(text.lower()):
        raise FaultError("bad_id", "expected a campaign GUID such as 430318c4-abb7-4bf7-a75e-9c5fa8f475a6")
    return text.lower()
