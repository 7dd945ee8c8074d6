"""HubSpot's webhooks: verifies a delivery, reads its events and says which objects may have changed.

The order is verify, parse, to_hints. Events come late, twice, out of order or never, one a property, so
they are hints: the objects are read again. Fields: HubSpot's webhooks guide
(developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from closedloop.crm.base import Hints, Ignored
from closedloop.crm.hubspot.signature import verify
from closedloop.errors import DeliveryRefusedError
from closedloop.mapping import CrmMapping
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType

__all__ = ["LARGEST", "MOST", "Event", "parse", "to_hints", "verify"]

LARGEST = 10_000_000
"""Bytes: a hundred events, each with a property value of 65,536 characters, stay below."""
MOST = 100

_ID = re.compile(r"[0-9]{1,20}", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9_.\-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: what happened (`type`, such as object.propertyChange) to which objects."""

    type: str
    portal_id: str
    app_id: str | None = None
    object_type_id: str | None = None
    object_id: str | None = None
    property_name: str | None = None
    association_type: str | None = None
    from_object_id: str | None = None
    to_object_id: str | None = None
    merged_ids: tuple[str, ...] = ()


def parse(body: bytes) -> tuple[Event, ...]:
    """The events in a delivery's body; DeliveryRefusedError for anything that HubSpot does not send."""
    if len(body) > LARGEST:
        raise _refused(f"the delivery has {len(body)} bytes, more than {LARGEST}", "too_large", status=413)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise _refused("the delivery is not JSON", "not_json") from None
    if not isinstance(told, list) or not all(isinstance(each, dict) for each in told):
        raise _refused("the delivery is not a JSON array of events", "not_events")
    if len(told) > MOST:
        raise _refused(f"the delivery has {len(told)} events, more than {MOST}", "too_many_events")
    return tuple(_event(each) for each in told)


def to_hints(events: Sequence[Event], mapping: CrmMapping, *, portal_id: str, app_id: str | None) -> Hints:
    """The objects to read again, each once; events that need no work are counted under a reason.

    An event of another portal, or of another app where `app_id` is set, refuses the whole delivery.
    """
    refs: dict[Ref, None] = {}
    erase: dict[Ref, None] = {}
    ignored: Counter[str] = Counter()
    for event in events:
        _check_addressee(event, portal_id, app_id)
        found = list(_refs(event, mapping))
        named = dict.fromkeys(ref for ref in found if isinstance(ref, Ref))
        refs |= named
        if event.type.endswith(".privacyDeletion"):  # a deletion comes with it, before or after
            erase |= named
        if not named:
            ignored[next((str(reason) for reason in found), "unknown_event")] += 1
    counted = tuple(Ignored(reason=reason, count=count) for reason, count in sorted(ignored.items()))
    return Hints(refs=tuple(refs), ignored=counted, erase=tuple(erase))


def _check_addressee(event: Event, portal_id: str, app_id: str | None) -> None:
    if event.portal_id != portal_id:
        raise _refused("the delivery is about another portal", "foreign_portal", status=403)
    if app_id is not None and event.app_id != app_id:
        raise _refused("the delivery comes from another app", "foreign_app", status=403)


def _refs(event: Event, mapping: CrmMapping) -> Iterator[Ref | str]:
    """The objects of one event, or reasons why there are none."""
    family, _, action = event.type.partition(".")
    if not action:
        yield "unknown_event"
    elif family == "conversation":
        yield "conversation"
    elif action == "associationChange":
        yield from _sides(event, mapping)
    else:
        of = _object(event, family, mapping)
        ids = dict.fromkeys([*([event.object_id] if event.object_id else []), *event.merged_ids])
        yield from (Ref(of, each) for each in ids) if of is not None else ["unknown_object"]


def _object(event: Event, family: str, mapping: CrmMapping) -> ObjectType | None:
    """The object: generic events (object.*) name its type id, classic ones carry it in their type."""
    return mapping.object_of(event.object_type_id or "" if family == "object" else family)


def _sides(event: Event, mapping: CrmMapping) -> Iterator[Ref | str]:
    """Both ends of an association: its type reads DEAL_TO_CONTACT, and there is no objectId."""
    left, _, right = (event.association_type or "").lower().partition("_to_")
    family = event.type.partition(".")[0]
    ends = (
        (_named(left, mapping) or _object(event, family, mapping), event.from_object_id),
        (_named(right, mapping), event.to_object_id),
    )
    for of, id_ in ends:
        yield Ref(of, id_) if of is not None and id_ is not None else "unknown_object"


def _named(words: str, mapping: CrmMapping) -> ObjectType | None:
    """The object that one side of an association type names, as "primary_company" does."""
    found = (mapping.object_of(word) for word in words.split("_") if word)
    return next((of for of in found if of is not None), None)


def _event(told: Mapping[str, Any]) -> Event:
    merged = told.get("mergedObjectIds")
    if not isinstance(merged, list | None):
        raise _refused("an event's mergedObjectIds is not a list", "bad_event")
    ids = [told.get("primaryObjectId"), told.get("newObjectId"), *(merged or ())[: MOST * 10]]
    portal = _id(told, "portalId")
    kind = _word(told, "subscriptionType") or _word(told, "eventType")  # eventType: older payloads
    if portal is None or kind is None:
        raise _refused("an event has no portalId or no subscriptionType", "bad_event")
    return Event(
        type=kind,
        portal_id=portal,
        app_id=_id(told, "appId"),
        object_type_id=_word(told, "objectTypeId"),
        object_id=_id(told, "objectId"),
        property_name=_word(told, "propertyName"),
        association_type=_word(told, "associationType"),
        from_object_id=_id(told, "fromObjectId"),
        to_object_id=_id(told, "toObjectId"),
        merged_ids=tuple(_checked(each, "mergedObjectIds") for each in ids if each is not None),
    )


def _id(told: Mapping[str, Any], name: str) -> str | None:
    value = told.get(name)
    return None if value is None else _checked(value, name)


def _checked(value: object, name: str) -> str:
    """A number as its digits: ids pass 2^53, and Python's integers hold them exactly."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not _ID.fullmatch(text):
        raise _refused(f"an event's {name} is not a number", "bad_event")
    return text


def _word(told: Mapping[str, Any], name: str) -> str | None:
    value = told.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise _refused(f"an event's {name} is not a word", "bad_event")
    return value


def _refused(message: str, reason: str, *, status: int = 400) -> DeliveryRefusedError:
    return DeliveryRefusedError(message, status=status, reason=reason)
