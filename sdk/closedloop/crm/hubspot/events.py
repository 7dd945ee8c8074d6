"""HubSpot's webhooks: verifies a delivery, reads its events and says which objects may have changed.

The order is verify, parse, to_hints; or verify and check, where the events are read later. They come late,
twice, out of order or never, one a property, so they are hints: the objects are read again. Fields:
HubSpot's webhooks guide (developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from closedloop.crm.base import Hints, Ignored
from closedloop.crm.hubspot.signature import verify
from closedloop.errors import DeliveryRefusedError
from closedloop.mapping import CrmMapping
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType

__all__ = ["LARGEST", "MOST", "Event", "check", "parse", "to_hints", "verify"]

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


class _Told(msgspec.Struct, gc=False):
    """An event as HubSpot sends it, as far as it is of use; the rest of its bytes is passed over."""

    portalId: int | str | None = None  # noqa: N815 - HubSpot's names
    appId: int | str | None = None  # noqa: N815
    subscriptionType: str | None = None  # noqa: N815
    eventType: str | None = None  # noqa: N815
    objectId: int | str | None = None  # noqa: N815
    objectTypeId: str | None = None  # noqa: N815
    propertyName: str | None = None  # noqa: N815
    associationType: str | None = None  # noqa: N815
    fromObjectId: int | str | None = None  # noqa: N815
    toObjectId: int | str | None = None  # noqa: N815
    primaryObjectId: int | str | None = None  # noqa: N815
    newObjectId: int | str | None = None  # noqa: N815
    mergedObjectIds: list[int | str] | None = None  # noqa: N815


_DECODER = msgspec.json.Decoder(list[_Told])


def check(body: bytes, *, portal_id: str, app_id: str | None) -> None:
    """Refuses what `parse` and `to_hints` would refuse, and returns for everything else.

    Eight times as fast as `parse`: this stands between HubSpot and its answer. What looks in the least
    unusual is left to `parse`.
    """
    if not _is_usual(body, portal_id, app_id):
        for event in parse(body):
            _check_addressee(event, portal_id, app_id)


def _is_usual(body: bytes, portal_id: str, app_id: str | None) -> bool:
    if len(body) > LARGEST:
        return False
    told = _decoded(body)
    return told is not None and len(told) <= MOST and _are_usual(told, portal_id, app_id)


def _are_usual(told: Sequence[_Told], portal_id: str, app_id: str | None) -> bool:
    """Looks at each value once, however many events have it: nearly all of theirs are the same."""
    kinds = {each.eventType if each.subscriptionType is None else each.subscriptionType for each in told}
    apps = {each.appId for each in told}
    words = {each.objectTypeId for each in told} | {each.propertyName for each in told}
    words |= {each.associationType for each in told}
    ids = {each.objectId for each in told} | {each.fromObjectId for each in told}
    ids |= {each.toObjectId for each in told} | apps
    return (
        {str(each.portalId) for each in told} <= {portal_id}
        and (app_id is None or {str(each) for each in apps} <= {app_id})
        and None not in kinds
        and all(each is None or _WORD.fullmatch(each) for each in words | kinds)
        and all(each is None or _is_id(each) for each in ids)
        # A merge is rare, and its lists are for `parse`.
        and {each.primaryObjectId for each in told} | {each.newObjectId for each in told} <= {None}
        and not any(each.mergedObjectIds for each in told)
    )


def _is_id(value: int | str) -> bool:
    return 0 <= value < 10**20 if isinstance(value, int) else _ID.fullmatch(value) is not None


def parse(body: bytes) -> tuple[Event, ...]:
    """The events in a delivery's body; DeliveryRefusedError for anything that HubSpot does not send."""
    if len(body) > LARGEST:
        raise _refused(f"the delivery has {len(body)} bytes, more than {LARGEST}", "too_large", status=413)
    told = _decoded(body)
    if told is None:
        told = _decoded_slowly(body)
    if len(told) > MOST:
        raise _refused(f"the delivery has {len(told)} events, more than {MOST}", "too_many_events")
    return tuple(_event(each) for each in told)


def _decoded(body: bytes) -> list[_Told] | None:
    """The events, or None when the body is not as HubSpot sends it; then `_decoded_slowly` says why."""
    try:
        # What the decoder passes over it does not look into: text that is none would come through.
        if not body.isascii():
            body.decode()
        return _DECODER.decode(body)
    except (ValueError, RecursionError):
        return None


def _decoded_slowly(body: bytes) -> list[_Told]:
    try:
        told = json.loads(body.decode())  # json itself would guess UTF-16 and drop a byte order mark
    except (ValueError, RecursionError):
        raise _refused("the delivery is not JSON", "not_json") from None
    if not isinstance(told, list) or not all(isinstance(each, dict) for each in told):
        raise _refused("the delivery is not a JSON array of events", "not_events")
    return [_Told(**{name: each.get(name) for name in _Told.__struct_fields__}) for each in told]


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


def _event(told: _Told) -> Event:
    merged = told.mergedObjectIds
    if not isinstance(merged, list | None):
        raise _refused("an event's mergedObjectIds is not a list", "bad_event")
    ids = [told.primaryObjectId, told.newObjectId, *(merged or ())[: MOST * 10]]
    portal = _id(told.portalId, "portalId")
    # eventType: older payloads
    kind = _word(told.subscriptionType, "subscriptionType") or _word(told.eventType, "eventType")
    if portal is None or kind is None:
        raise _refused("an event has no portalId or no subscriptionType", "bad_event")
    return Event(
        type=kind,
        portal_id=portal,
        app_id=_id(told.appId, "appId"),
        object_type_id=_word(told.objectTypeId, "objectTypeId"),
        object_id=_id(told.objectId, "objectId"),
        property_name=_word(told.propertyName, "propertyName"),
        association_type=_word(told.associationType, "associationType"),
        from_object_id=_id(told.fromObjectId, "fromObjectId"),
        to_object_id=_id(told.toObjectId, "toObjectId"),
        merged_ids=tuple(_checked(each, "mergedObjectIds") for each in ids if each is not None),
    )


def _id(value: object, name: str) -> str | None:
    return None if value is None else _checked(value, name)


def _checked(value: object, name: str) -> str:
    """A number as its digits: ids pass 2^53, and Python's integers hold them exactly."""
    if isinstance(value, int | str) and not isinstance(value, bool) and _is_id(value):
        return str(value)
    raise _refused(f"an event's {name} is not a number", "bad_event")


def _word(value: object, name: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise _refused(f"an event's {name} is not a word", "bad_event")
    return value


def _refused(message: str, reason: str, *, status: int = 400) -> DeliveryRefusedError:
    return DeliveryRefusedError(message, status=status, reason=reason)
