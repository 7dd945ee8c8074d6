"""A contact as the first API shows it, and its refusals: `/contacts/v1`.

Source: HubSpot's legacy documentation, "Contacts API overview", "Get a contact by vid", "Create a contact".
Not confirmed by a recording.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.portal import Portal
from closedloop.sandbox.hubspot.records.record import CrmObject, Version, milliseconds
from closedloop.sandbox.hubspot.records.values import parse_moment
from closedloop.sandbox.hubspot.rest.reading import objects
from closedloop.sandbox.hubspot.settings.kinds import COMPANIES, CONTACTS, ObjectKind


def first_value(portal: Portal, kind: ObjectKind, name: str, value: str) -> str:
    """A value as the first APIs write it: times are milliseconds since 1970."""
    if not value or not portal.catalogue.knows(kind, name):
        return value
    timed = portal.catalogue.get(kind, name).type in {"datetime", "date"}
    return str(milliseconds(parse_moment(value))) if timed else value


def contact_shape(
    portal: Portal, contact: CrmObject, names: Collection[str] | None, *, history: bool = True
) -> dict[str, Any]:
    """A contact with its values, of all properties or of those that are named, each with its history."""
    kept = [name for name in contact.properties if names is None or name in names]
    return {
        "vid": contact.number,
        "canonical-vid": contact.number,
        "merged-vids": _merged(contact),
        "portal-id": portal.id,
        "is-contact": True,
        "properties": {name: _value(portal, contact, name, history=history) for name in kept},
        "form-submissions": [],
        "list-memberships": [],
        "identity-profiles": [_identity(contact)],
        "merge-audits": [],
        **_company(portal, contact),
    }


def company_contact(portal: Portal, contact: CrmObject) -> dict[str, Any]:
    """A contact as the list of a company's contacts shows it ("Get contacts at a company")."""
    shown = ("firstname", "lastname", "lastmodifieddate")
    return {
        "identities": [
            {
                "vid": contact.number,
                "identity": [
                    {"value": email, "type": "EMAIL", "timestamp": milliseconds(contact.created_at)}
                    for email in _emails(contact)
                ],
                "linkedvid": [],
            }
        ],
        "properties": [
            {"name": n, "value": first_value(portal, CONTACTS, n, contact.properties[n]), "sourceVid": []}
            for n in shown
            if n in contact.properties
        ],
        "listMembership": [],
        "vid": contact.number,
        "portalid": portal.id,
        "isContact": True,
        "vids": [],
        "imports": [],
        "canonicalVid": contact.number,
        "mergeAudit": [],
        "mergedVids": _merged(contact),
    }


def written(body: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a body: `properties` lists each with the name of its property."""
    rows = objects(body, "properties")
    return {str(row.get("property") or row.get("name")): row.get("value") for row in rows}


def _identity(contact: CrmObject) -> dict[str, Any]:
    made = milliseconds(contact.created_at)
    identities: list[dict[str, Any]] = [
        {"type": "EMAIL", "value": email, "timestamp": made, "is-primary": place == 0}
        for place, email in enumerate(_emails(contact))
    ]
    return {
        "vid": contact.number,
        "saved-at-timestamp": made,
        "deleted-changed-timestamp": 0,
        "identities": identities,
    }


def _emails(contact: CrmObject) -> list[str]:
    values = contact.properties
    more = values.get("hs_additional_emails", "").split(";")
    return [email for email in (values.get("email", ""), *more) if email]


def _merged(contact: CrmObject) -> list[int]:
    ids = contact.properties.get("hs_merged_object_ids", "").split(";")
    return [int(each) for each in ids if each.isdecimal()]


def _value(portal: Portal, contact: CrmObject, name: str, *, history: bool) -> dict[str, Any]:
    value = first_value(portal, CONTACTS, name, contact.properties[name])
    if not history:
        return {"value": value}
    return {"value": value, "versions": [_version(portal, name, v) for v in contact.versions(name)]}


def _version(portal: Portal, name: str, version: Version) -> dict[str, Any]:
    return {
        "value": first_value(portal, CONTACTS, name, version.value),
        "source-type": version.origin.type,
        "source-id": version.origin.id,
        "source-label": version.origin.label,
        "updated-by-user-id": version.origin.user_id,
        "timestamp": milliseconds(version.at),
        "selected": False,
    }


def _company(portal: Portal, contact: CrmObject) -> dict[str, Any]:
    primary = portal.associations.primary(contact.end, COMPANIES)
    company = portal.store.find(COMPANIES, primary) if primary else None
    if company is None:
        return {}
    shown = {n: {"value": first_value(portal, COMPANIES, n, v)} for n, v in company.properties.items()}
    about = {"company-id": company.number, "portal-id": portal.id, "properties": shown}
    return {"associated-company": about}


class NoContactError(HubSpotError):
    """The 404 for a contact; of one that was named by its id it says more (recorded by
    sensadrome/hubspot-api-ruby)."""

    def __init__(self, vid: str | None = None) -> None:
        errors = [] if vid is None else [{"message": f"The contact {vid} does not exist."}]
        category = None if vid is None else "OBJECT_NOT_FOUND"
        super().__init__("contact does not exist", status=404, category=category, errors=errors)


class ContactExistsError(HubSpotError):
    """The 409 for an e-mail address that another contact has; it names that contact."""

    def __init__(self, holder: CrmObject) -> None:
        email = holder.properties.get("email", "")
        errors = [{"message": f"A contact with email {email} already exists.", "in": "email"}]
        category = "OBJECT_ALREADY_EXISTS"
        super().__init__("Contact already exists", status=409, category=category, errors=errors)
        self._holder = holder

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The answer's body."""
        identity = [
            {"isPrimary" if key == "is-primary" else key: value for key, value in each.items()}
            for each in _identity(self._holder)["identities"]
        ]
        profile = {
            "vid": self._holder.number,
            "identity": identity,
            "linkedVid": [],
            "isContact": True,
            "savedAtTimestamp": milliseconds(self._holder.updated_at),
        }
        more = {"error": "CONTACT_EXISTS", "identityProfile": profile}
        return super().body(correlation_id) | more


class InvalidValuesError(HubSpotError):
    """The 400 for values that HubSpot does not take, in the words of the first API."""

    def __init__(self, problem: HubSpotError) -> None:
        super().__init__("Property values were not valid", category=None, invalid=problem.invalid)

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The answer's body."""
        results = [
            {"isValid": False, "message": each.message, "error": each.code, "name": each.name}
            for each in self.invalid
        ]
        return super().body(correlation_id) | {"validationResults": results}
