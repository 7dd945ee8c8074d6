"""Forms and meeting links: what people fill in and where they book a time.

Their shapes are recorded (`read/marketing-forms.json` and `read/meeting-links.json` of amp-labs/connectors).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.record import stamp
from closedloop.sandbox.hubspot.rest.reading import mapping, objects
from closedloop.sandbox.hubspot.settings.property_forms import required

Page = dict[str, Any]

_FIRST_LINK = 12_428_962
_CONFIGURATION: Mapping[str, Any] = {
    "language": "en",
    "cloneable": True,
    "postSubmitAction": {"type": "thank_you", "value": ""},
    "editable": True,
    "archivable": True,
    "recaptchaEnabled": False,
    "notifyContactOwner": False,
    "notifyRecipients": [],
    "createNewContactForNewEmail": False,
    "prePopulateKnownValues": True,
    "allowLinkToResetKnownValues": False,
    "embedType": "V3",
}
_STYLE: Mapping[str, str] = {
    "fontFamily": "arial, helvetica, sans-serif",
    "backgroundWidth": "100%",
    "labelTextColor": "#33475b",
    "labelTextSize": "11px",
    "helpTextColor": "#7C98B6",
    "helpTextSize": "11px",
    "legalConsentTextColor": "#33475b",
    "legalConsentTextSize": "14px",
    "submitColor": "#ff7a59",
    "submitAlignment": "left",
    "submitFontColor": "#ffffff",
    "submitSize": "12px",
}
_DISPLAY: Mapping[str, Any] = {
    "renderRawHtml": False,
    "theme": "default_style",
    "submitButtonText": "Submit",
    "style": _STYLE,
    "cssClass": None,
}


class MarketingPages:
    """The forms and meeting links of one portal. Whoever calls holds the portal's lock."""

    def __init__(self) -> None:
        self.forms: dict[str, Page] = {}
        self.links: dict[str, Page] = {}
        self._ids = count(_FIRST_LINK)

    def add_form(self, body: Mapping[str, Any], at: datetime) -> Page:
        """Makes a form; what the body leaves out is as HubSpot's editor has it."""
        made: Page = {
            "id": str(uuid.uuid4()),
            "name": required(body, "name"),
            "createdAt": stamp(at),
            "updatedAt": stamp(at),
            "archived": False,
            **_content(body),
            "formType": str(body.get("formType") or "hubspot"),
        }
        self.forms[made["id"]] = made
        return made

    def change_form(self, form: Page, body: Mapping[str, Any], at: datetime, *, anew: bool) -> Page:
        """Changes what a body names of a form, or, `anew`, all of it."""
        content = _content(body)
        told = content if anew else {name: content[name] for name in content if body.get(name) is not None}
        name = required(body, "name") if anew or "name" in body else form["name"]
        form |= {**told, "name": name, "updatedAt": stamp(at)}
        if isinstance(body.get("archived"), bool):
            form["archived"] = body["archived"]
        return form

    def form(self, form_id: str) -> Page:
        """The form with this id; 404 when there is none (the words are ours)."""
        found = self.forms.get(form_id)
        if found is None:
            raise HubSpotError(f"No form found with id {form_id}", status=404, category="OBJECT_NOT_FOUND")
        return found

    def add_link(self, name: str, user_id: str, at: datetime) -> Page:
        """Makes a meeting link of one organiser."""
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        made: Page = {
            "id": str(next(self._ids)),
            "slug": slug,
            "link": f"https://meetings.hubspot.com/{slug}",
            "name": name,
            "type": "PERSONAL_LINK",
            "organizerUserId": user_id,
            "userIdsOfLinkMembers": [user_id],
            "defaultLink": not self.links,
            "createdAt": stamp(at),
            "updatedAt": stamp(at),
        }
        self.links[made["id"]] = made
        return made


def _content(body: Mapping[str, Any]) -> Page:
    """What a form holds and how it looks; what the body leaves out is as HubSpot's editor has it."""
    groups = objects(body, "fieldGroups") or [{"groupType": "default_group", "richTextType": "text"}]
    return {
        "fieldGroups": groups,
        "configuration": {**_CONFIGURATION, **mapping(body, "configuration")},
        "displayOptions": {**_DISPLAY, **mapping(body, "displayOptions")},
        "legalConsentOptions": mapping(body, "legalConsentOptions") or {"type": "none"},
    }
