"""Changes records as HubSpot does: checks the values, keeps their history, works out what follows, tells
the app."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from closedloop.sandbox.hubspot import derived
from closedloop.sandbox.hubspot.association_types import AssociationType
from closedloop.sandbox.hubspot.associations import Associations, LinkChange
from closedloop.sandbox.hubspot.catalogue import Catalogue
from closedloop.sandbox.hubspot.errors import HubSpotError, contact_exists, not_found, not_set, value_taken
from closedloop.sandbox.hubspot.events import Subscriptions
from closedloop.sandbox.hubspot.index import SearchIndex
from closedloop.sandbox.hubspot.kinds import (
    ACTIVITIES,
    CAMPAIGNS,
    COMPANIES,
    CONTACTS,
    LEADS,
    ObjectKind,
)
from closedloop.sandbox.hubspot.merging import Merger
from closedloop.sandbox.hubspot.records import CALCULATED, CrmObject, End, Origin, stamp
from closedloop.sandbox.hubspot.store import Store
from closedloop.sandbox.hubspot.webhooks import WebhookSender

# What a new record is to be associated with; None: the default kind of association.
Wish = tuple[CrmObject, AssociationType | None]

_REQUIRED: Mapping[ObjectKind, str] = {
    LEADS: "hs_lead_name",
    CAMPAIGNS: "hs_name",
    **dict.fromkeys(ACTIVITIES, "hs_timestamp"),
}


class Writer:
    """The one place where records change. Whoever calls holds the portal's lock."""

    def __init__(
        self,
        *,
        store: Store,
        index: SearchIndex,
        catalogue: Catalogue,
        associations: Associations,
        subscriptions: Subscriptions,
        sender: WebhookSender,
        currency: str,
    ) -> None:
        self._store = store
        self._index = index
        self._catalogue = catalogue
        self._associations = associations
        self._subscriptions = subscriptions
        self._sender = sender
        self._currency = currency
        self._merger = Merger(store=store, index=index, catalogue=catalogue, associations=associations)

    def create(
        self,
        kind: ObjectKind,
        raw: Mapping[str, Any],
        wishes: Sequence[Wish],
        at: datetime,
        origin: Origin,
    ) -> CrmObject:
        """Makes a record and its associations."""
        values = self._checked(kind, raw, origin)
        self._refuse_incomplete(kind, values, wishes)
        self._refuse_taken(kind, values, None)
        record = self._store.new(kind, at)
        self._index.before(record, born=True)
        record.put(self._born(record, at, origin), at, origin)
        written = derived.on_create(kind, values, self._currency) | values
        self._sender.add(self._subscriptions.created(record, at, origin))
        self._apply(record, written, at, origin)
        for other, kind_of_link in wishes:
            self._link(record, other, kind_of_link, at, origin)
        return record

    def update(self, record: CrmObject, raw: Mapping[str, Any], at: datetime, origin: Origin) -> None:
        """Changes values; "" clears one."""
        values = self._checked(record.kind, raw, origin)
        self._refuse_taken(record.kind, values, record)
        self._apply(record, values | derived.with_pipeline(record.kind, values), at, origin)

    def calculate(self, record: CrmObject, values: Mapping[str, str], at: datetime) -> None:
        """Sets what HubSpot itself found out; no event is sent for it."""
        self._index.before(record)
        record.put(values, at, CALCULATED)

    def archive(self, record: CrmObject, at: datetime, origin: Origin) -> None:
        """Moves a record to the bin, with its associations; a lead goes with its last person or company."""
        self._close(record, at)
        self._sender.add(self._subscriptions.deleted(record, at, origin))
        self._unlink_all(record, at, origin)

    def forget(self, contact: CrmObject, at: datetime, origin: Origin) -> None:
        """Erases a contact for good."""
        self._close(contact, at)
        self._sender.add(self._subscriptions.forgotten(contact, at, origin))
        self._unlink_all(contact, at, origin)
        self._store.drop(contact)

    def merge(
        self, kept: CrmObject, gone: CrmObject, at: datetime, origin: Origin, *, renew: bool
    ) -> CrmObject:
        """Merges one record into another and returns the one that is left; the old ids lead to it."""
        survivor, moved = self._merger.merge(kept, gone, at, renew=renew)
        self._apply(survivor, moved, at, origin)
        self.calculate(survivor, derived.on_change(survivor, survivor.properties, {}, at), at)
        told = self._subscriptions.merged(
            survivor, at, origin, primary=kept.id, merged=gone.id, moved=len(moved)
        )
        self._sender.add(told)
        self.refresh_links((survivor.end, *self._associations.ends(survivor.end)), at)
        return survivor

    def link(
        self,
        left: CrmObject,
        right: CrmObject,
        types: Iterable[AssociationType] | None,
        at: datetime,
        origin: Origin,
    ) -> None:
        """Associates two records, by default or in the kinds that are named."""
        if left is right:
            raise HubSpotError("Cannot associate an object to itself")
        connect = self._associations
        if types is None:
            self._told(connect.connect_default(left.end, right.end), at, origin)
        else:
            self._told(connect.connect(left.end, right.end, list(types)), at, origin)

    def unlink(
        self, left: End, right: End, type_ids: Iterable[int] | None, at: datetime, origin: Origin
    ) -> None:
        """Takes associations back; a lead without any primary record is archived with the last one."""
        self._told(self._associations.disconnect(left, right, type_ids), at, origin)
        for end in (left, right):
            self._drop_orphan(end, at, origin)

    def refresh_links(self, ends: Iterable[End], at: datetime) -> None:
        """Works out again what records show of those they are associated with."""
        for end in ends:
            record = self._store.find(end.kind, end.id)
            if record is not None:
                self.calculate(record, self._shown_of_others(record), at)

    def _checked(self, kind: ObjectKind, raw: Mapping[str, Any], origin: Origin) -> dict[str, str]:
        return self._catalogue.check(kind, raw, by_api=origin.type == "INTEGRATION")

    def _refuse_incomplete(self, kind: ObjectKind, values: Mapping[str, str], wishes: Sequence[Wish]) -> None:
        """A lead needs a name and a contact (or company); a campaign a name; an activity a time."""
        needed = _REQUIRED.get(kind)
        if needed and not values.get(needed):
            raise not_set(kind.singular, needed)
        if kind is LEADS and not any(other.kind in {CONTACTS, COMPANIES} for other, _ in wishes):
            raise HubSpotError("A lead has to be associated with a contact or company when it is created")

    def _refuse_taken(self, kind: ObjectKind, values: Mapping[str, str], record: CrmObject | None) -> None:
        """Refuses a value of a unique property that another record has."""
        for name in self._catalogue.unique(kind):
            value = values.get(name)
            holder = self._store.find_by(kind, name, value) if value else None
            if value and holder is not None and holder is not record:
                email = kind is CONTACTS and name == "email"
                raise contact_exists(holder.id) if email else value_taken(name, value, holder.id)

    def _born(self, record: CrmObject, at: datetime, origin: Origin) -> dict[str, str]:
        """The values that say how a record came to be."""
        return {
            "hs_object_id": record.id,
            record.kind.created: stamp(at),
            record.kind.modified: stamp(at),
            "hs_object_source": origin.type,
            "hs_object_source_id": origin.id or "",
            "hs_object_source_label": origin.label or origin.type,
            "hs_created_by_user_id": str(origin.user_id or ""),
        }

    def _apply(self, record: CrmObject, values: Mapping[str, str], at: datetime, origin: Origin) -> None:
        self._index.before(record)
        before = dict(record.properties)
        written = record.put(values, at, origin)
        self._store.reindex(record, before)
        worked_out = derived.on_change(record, before, {name: values[name] for name in written}, at)
        followed = record.put(worked_out, at, CALCULATED)
        if self._subscriptions.wanted:
            told = [name for name in (*written, *followed) if not self._is_calculated(record.kind, name)]
            self._sender.add(self._subscriptions.changed(record, told, at, origin))

    def _is_calculated(self, kind: ObjectKind, name: str) -> bool:
        return self._catalogue.get(kind, name).calculated

    def _link(
        self,
        left: CrmObject,
        right: CrmObject,
        kind_of_link: AssociationType | None,
        at: datetime,
        origin: Origin,
    ) -> None:
        self.link(left, right, None if kind_of_link is None else [kind_of_link], at, origin)

    def _told(self, changes: Sequence[LinkChange], at: datetime, origin: Origin) -> None:
        for change in changes:
            self._sender.add(self._subscriptions.linked(change, at, origin))
        self.refresh_links({change.left for change in changes}, at)

    def _shown_of_others(self, record: CrmObject) -> dict[str, str]:
        company = self._associations.primary(record.end, COMPANIES) or ""
        if record.kind is CONTACTS:
            return {"associatedcompanyid": company}
        if record.kind is not LEADS:
            return {}
        contact = self._associations.primary(record.end, CONTACTS) or ""
        shown = derived.from_contact(self._store.find(CONTACTS, contact))
        return {"hs_primary_contact_id": contact, "hs_primary_company_id": company, **shown}

    def _close(self, record: CrmObject, at: datetime) -> None:
        if record.archived_at:
            raise not_found()
        self._index.before(record)
        record.archived_at = at
        record.updated_at = max(record.updated_at, at)
        self._store.release(record)

    def _unlink_all(self, record: CrmObject, at: datetime, origin: Origin) -> None:
        for end in self._associations.ends(record.end):
            self.unlink(record.end, end, None, at, origin)

    def _drop_orphan(self, end: End, at: datetime, origin: Origin) -> None:
        lead = self._store.find(LEADS, end.id) if end.kind is LEADS else None
        primaries = (CONTACTS, COMPANIES)
        if lead and not any(self._associations.primary(end, kind) for kind in primaries):
            self.archive(lead, at, origin)
