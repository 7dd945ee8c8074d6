"""What a portal needs for Closed Loop: shows it, makes what it may, and names what an admin must make.

Whether custom campaign properties can be made through the API is uncertain: scripts do it, but the scopes
that HubSpot documents for it name no campaign scope. So: check, try, and report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from closedloop.crm.hubspot.answers import Json
from closedloop.crm.hubspot.properties import CAMPAIGNS
from closedloop.errors import AuthenticationError, RefusedError
from closedloop.loop.feedback import FeedbackKind
from closedloop.mapping import CrmMapping, load_mappings
from closedloop.schema.vocabulary import CrmName, ObjectType

if TYPE_CHECKING:
    from closedloop.crm.hubspot.adapter import HubSpotCrm
    from closedloop.crm.hubspot.client import HubSpotClient

GROUP = "closed_loop"
"""Our group of contact properties. Campaigns get theirs in the group that HubSpot brings: that is what
others' scripts do, and of a group of one's own for campaigns nothing is known."""
CAMPAIGN_GROUP = "campaign_information"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A group or property that Closed Loop needs. `type` is HubSpot's ("group" for a group), `field_type`
    how its pages show it; `needed` is False where something else stands in for it."""

    object: str
    name: str
    label: str
    type: str
    field_type: str = ""
    group: str = ""
    description: str = ""
    exists: bool
    needed: bool = True

    def to_hubspot(self) -> Json:
        """The definition as HubSpot's API takes it, and as an admin fills it in by hand."""
        if self.type == "group":
            return {"name": self.name, "label": self.label}
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "groupName": self.group,
            "description": self.description,
        }


class Done(StrEnum):
    """What became of a change."""

    CREATED = "created"
    EXISTED = "existed"
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A change and what became of it; `message` says why an admin must make it by hand."""

    change: Change
    done: Done
    message: str = ""


_TEXT, _LONG, _NUMBER, _MOMENT = (
    ("string", "text"),
    ("string", "textarea"),
    ("number", "number"),
    ("datetime", "date"),
)
_Shape = tuple[str, tuple[str, str], str]

_CONTACT: Mapping[str, _Shape] = {
    "outcome": ("Outcome", _TEXT, "What sales decided last about this person."),
    "reason": ("Reason", _TEXT, "Why, in the words that marketing and sales share."),
    "raw_reason": ("Reason as given", _TEXT, "Why, as the rep chose or wrote it."),
    "note": ("Note", _LONG, "What the rep wrote about it."),
    "stage": ("Stage", _TEXT, "Where the lead or deal stood when it was decided."),
    "decided_at": ("Decided at", _MOMENT, "When sales decided."),
    "decided_by": ("Decided by", _TEXT, "Who decided."),
}

_CAMPAIGN: Mapping[str, _Shape] = {
    "accepted": ("Accepted", _NUMBER, "This campaign's share of the leads that sales accepted."),
    "recycled": ("Recycled", _NUMBER, "This campaign's share of the leads that came back to be nurtured."),
    "disqualified": ("Disqualified", _NUMBER, "This campaign's share of the leads that sales rejected."),
    "no_action": ("No action", _NUMBER, "This campaign's share of the leads with nothing to decide."),
    "won": ("Won", _NUMBER, "This campaign's share of the deals won."),
    "lost": ("Lost", _NUMBER, "This campaign's share of the deals lost."),
    "won_amount": ("Won amount", _NUMBER, "This campaign's share of the amount won."),
    "lost_amount": ("Lost amount", _NUMBER, "This campaign's share of the amount lost."),
    "top_reasons": ("Reasons", _LONG, "Why, the heaviest reason first."),
    "last_decision_at": ("Last decision at", _MOMENT, "When sales decided last."),
    "model": ("Attribution", _TEXT, "How a decision is shared among campaigns."),
}

_PLACES: Sequence[tuple[FeedbackKind, str, str, Mapping[str, _Shape]]] = (
    (FeedbackKind.PERSON, "contacts", GROUP, _CONTACT),
    (FeedbackKind.CAMPAIGN, CAMPAIGNS, CAMPAIGN_GROUP, _CAMPAIGN),
)


def plan(crm: HubSpotCrm) -> tuple[Change, ...]:
    """Everything that Closed Loop needs in this portal, and whether it is there. Changes nothing."""
    crm.definitions.forget()
    return tuple(change for place in _PLACES for change in _changes(crm, *place))


def apply(crm: HubSpotCrm) -> tuple[Applied, ...]:
    """Makes what is missing, as far as the portal allows it; doing it again changes nothing."""
    closed: dict[str, str] = {}
    applied = tuple(_applied(crm.client, change, closed) for change in plan(crm))
    crm.definitions.forget()
    return applied


def webhooks_file(target_url: str, *, mapping: CrmMapping | None = None) -> Json:
    """The content of `src/app/webhooks/webhooks-hsmeta.json` of a HubSpot project app: what Closed Loop
    must hear of (shape: github.com/HubSpot/hubspot-project-components, 2026.03).

    Leads have only generic events, campaigns none. Changes are asked for of the properties that decide.
    """
    mapping = mapping or load_mappings().crm(CrmName.HUBSPOT)
    events = [_event(kind, name) for kind in _WATCHED for name in ("creation", "deletion", "restore")]
    events += [_event(kind, name) for kind in _WATCHED for name in ("merge", "associationChange")]
    events += [
        _event(kind, "propertyChange", propertyName=name)
        for kind, object_type in _WATCHED.items()
        for name in _deciding(mapping, object_type)
    ]
    return {
        "uid": "closed-loop-webhooks",
        "type": "webhooks",
        "config": {
            "settings": {"targetUrl": target_url, "maxConcurrentRequests": 10},
            "subscriptions": {
                "crmObjects": events,
                "legacyCrmObjects": [],
                "hubEvents": [{"subscriptionType": "contact.privacyDeletion", "active": True}],
            },
        },
    }


_WATCHED: Mapping[str, ObjectType] = {
    "contact": ObjectType.CONTACT,
    "lead": ObjectType.LEAD,
    "deal": ObjectType.OPPORTUNITY,
}

_SILENT = frozenset(
    {"createdate", "lastmodifieddate", "hs_createdate", "hs_lastmodifieddate", "hs_object_id"}
)
"""HubSpot sends no events for the last change; the others never change."""


def _deciding(mapping: CrmMapping, object_type: ObjectType) -> Iterable[str]:
    """The properties to hear of: all that the mapping reads of leads and deals; of contacts, which change
    all day long, those that tell a person and a decision."""
    fields = dict.fromkeys([*mapping.history(object_type), *mapping.fields(object_type)])
    if object_type is ObjectType.CONTACT:
        return [name for name in ("email", "hs_lead_status", "lifecyclestage") if name in fields]
    return [name for name in fields if name not in _SILENT]


def _event(object_type: str, name: str, **more: str) -> dict[str, Any]:
    return {"subscriptionType": f"object.{name}", "objectType": object_type, **more, "active": True}


def _changes(
    crm: HubSpotCrm, kind: FeedbackKind, object_type: str, group: str, shapes: Mapping[str, _Shape]
) -> Iterable[Change]:
    target = crm.mapping.feedback(kind)
    if target is None:
        return
    needed = kind is FeedbackKind.PERSON  # a block in a campaign's notes stands in for its properties
    if group == GROUP:
        there = any(each.get("name") == GROUP for each in crm.client.groups(object_type))
        yield Change(object=object_type, name=GROUP, label="Closed Loop", type="group", exists=there)
    existing = crm.definitions.of(object_type)
    for ours, theirs in target.fields.items():
        label, (type_, field_type), description = shapes[ours]
        yield Change(
            object=object_type,
            name=theirs,
            label=f"Closed Loop: {label}",
            type=type_,
            field_type=field_type,
            group=group,
            description=description,
            exists=theirs in existing,
            needed=needed,
        )


def _applied(client: HubSpotClient, change: Change, closed: dict[str, str]) -> Applied:
    """Makes one change. `closed` says of which objects the token may define nothing, once that is known."""
    if change.exists:
        return Applied(change=change, done=Done.EXISTED)
    if change.object in closed:
        return Applied(change=change, done=Done.BY_HAND, message=closed[change.object])
    create = client.create_group if change.type == "group" else client.create_property
    try:
        create(change.object, change.to_hubspot())
    except (AuthenticationError, RefusedError) as error:
        return _not_made(change, error, closed)
    return Applied(change=change, done=Done.CREATED)


def _not_made(change: Change, error: AuthenticationError | RefusedError, closed: dict[str, str]) -> Applied:
    if error.status == 409:  # made meanwhile, or by a try whose answer was lost
        return Applied(change=change, done=Done.EXISTED)
    if error.status == 403:
        closed[change.object] = error.message
    elif isinstance(error, AuthenticationError):
        raise error
    return Applied(change=change, done=Done.BY_HAND, message=error.message)
