"""Changes records as HubSpot does: checks the values, keeps their history, works out what follows, tells
the app."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError, contact_exists, not_found, not_set, value_taken
from closedloop.sandbox.hubspot.records import derived
from closedloop.sandbox.hubspot.records.associations import Associations, LinkChange
from closedloop.sandbox.hubspot.records.index import SearchIndex
from closedloop.sandbox.hubspot.records.merging import Merger
from closedloop.sandbox.hubspot.records.occurrences import Occurrences
from closedloop.sandbox.hubspot.records.record import CALCULATED, CrmObject, End, Origin, stamp
from closedloop.sandbox.hubspot.records.store import Store
from closedloop.sandbox.hubspot.settings.association_types import AssociationType
from closedloop.sandbox.hubspot.settings.catalogue import Catalogue
from closedloop.sandbox.hubspot.settings.kinds import (
    ACTIVITIES,
    CAMPAIGNS,
    COMPANIES,
    CONTACTS,
    LEADS,
    ObjectKind,
)
from closedloop.sandbox.hubspot.settings.pipelines import Pipelines
from closedloop.sandbox.hubspot.webhooks.events import Subscriptions
from closedloop.sandbox.hubspot.webhooks.sender import WebhookSender

# What a new record is to be associated with; None: the default kind of association.
Wish = tuple[CrmObject, AssociationType | None]

_REQUIRED: Mapping[ObjectKind, Sequence[str]] = {
    LEADS: ("hs_lead_name",),
    CAMPAIGNS: ("hs_name",),
    **dict.fromkeys(ACTIVITIES, ("hs_timestamp",)),
}


class Writer:
    """The one place where records change. Whoever calls holds the portal's lock."""

    def __init__(
        self,
        *,
        store: Store,
        index: SearchIndex,
        catalogue: Catalogue,
        pipelines: Pipelines,
        associations: Associations,
        subscriptions: Subscriptions,
        sender: WebhookSender,
        occurrences: Occurrences,
        required: Callable[[ObjectKind], Sequence[str]],
        currency: str,
    ) -> None:
        self._store = store
        self._index = index
        self._catalogue = catalogue
        self._pipelines = pipelines
        self._associations = associations
        self._subscriptions = subscriptions
        self._sender = sender
        self._occurrences = occurrences
        self._required = required
        self._currency = currency
        self._quiet = False
        self._merger = Merger(store=store, index=index, catalogue=catalogue, associations=associations)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Changes from here on happened before anybody listened: no event is sent, and searches see them."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

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
        self.refuse_new(kind, values, wishes)
        record = self._store.new(kind, at)
        self._before(record, born=True)
        record.put(self._born(record, at, origin), at, origin)
        written = derived.on_create(kind, values, self._currency, self._pipelines) | values
        if self._telling:
            self._sender.add(self._subscriptions.created(record, at, origin))
        self._apply(record, written, at, origin)
        for other, kind_of_link in wishes:
            self._link(record, other, kind_of_link, at, origin)
        self._employ(record, values, at, origin)
        return record

    def refuse_new(self, kind: ObjectKind, values: Mapping[str, str], wishes: Sequence[Wish]) -> None:
        """Refuses what `create` would not make of these values, which were checked one by one."""
        self._refuse_incomplete(kind, values, wishes)
        self._refuse_taken(kind, values, None)

    def refuse_change(self, record: CrmObject, values: Mapping[str, str]) -> None:
        """Refuses what `update` would not set of these values, which were checked one by one."""
        self._refuse_taken(record.kind, values, record)

    def update(self, record: CrmObject, raw: Mapping[str, Any], at: datetime, origin: Origin) -> None:
        """Changes values; "" clears one."""
        values = self._checked(record.kind, raw, origin)
        if origin.type == "INTEGRATION" and "lifecyclestage" in values:
            values = self._forward(record, values)
        self._refuse_taken(record.kind, values, record)
        self._apply(record, values | derived.with_pipeline(record.kind, values, self._pipelines), at, origin)
        self._employ(record, values, at, origin)

    def _employ(self, record: CrmObject, values: Mapping[str, str], at: datetime, origin: Origin) -> None:
        """Associates a contact with the company that its values name as the primary one."""
        named = values.get("associatedcompanyid") if record.kind is CONTACTS else None
        company = self._store.find(COMPANIES, named) if named else None
        if company is not None:
            self._link(record, company, self._associations.types.primary(CONTACTS, COMPANIES), at, origin)

    def _forward(self, record: CrmObject, values: dict[str, str]) -> dict[str, str]:
        """The values without a lifecycle stage that lies before the record's own: an app can only go forward
        or clear it (HubSpot documentation, "Contacts"); that nothing tells of it is not confirmed."""
        line = self._pipelines.get(record.kind, f"{record.kind.name}-lifecycle-pipeline")
        order = {stage.id: place for place, stage in enumerate(line.stages)} if line else {}
        old, new = (
            order.get(text, -1)
            for text in (record.properties.get("lifecyclestage", ""), values["lifecyclestage"])
        )
        back = values["lifecyclestage"] and 0 <= new < old
        return {name: value for name, value in values.items() if not back or name != "lifecyclestage"}

    def calculate(self, record: CrmObject, values: Mapping[str, str], at: datetime) -> None:
        """Sets what HubSpot itself found out; no event is sent for it."""
        self._before(record)
        record.put(values, at, CALCULATED)

    def archive(self, record: CrmObject, at: datetime, origin: Origin) -> None:
        """Moves a record to the bin, with its associations; a lead goes with its last person or company."""
        self._close(record, at)
        self._sender.add(self._subscriptions.deleted(record, at, origin))
        self._unlink_all(record, at, origin)

    def restore(self, record: CrmObject, at: datetime, origin: Origin) -> None:
        """Brings a record back from the bin, without the associations that it had (not confirmed)."""
        self._refuse_taken(record.kind, record.properties, record)
        self._before(record)
        record.archived_at = None
        record.updated_at = max(record.updated_at, at)
        self._store.reindex(record, {})
        self._sender.add(self._subscriptions.restored(record, at, origin))

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
        self.follow(survivor, at)
        told = self._subscriptions.merged(
            survivor, at, origin, primary=kept.id, merged=gone.id, moved=len(moved)
        )
        self._sender.add(told)
        self.refresh_links((survivor.end, *self._associations.ends(survivor.end)), at)
        return survivor

    def follow(self, record: CrmObject, at: datetime) -> None:
        """Works out anew what follows from a record's values and from the stage that it stands in."""
        followed = derived.on_change(record, record.properties, {}, at, self._pipelines)
        self.calculate(record, followed, at)

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
            # The words: `err-contact-to-contact.json` of amp-labs/connectors.
            raise HubSpotError(f"Object {left.id} cannot be associated to itself ({left.id})")
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
            # The others show nothing, and may be associated with thousands.
            record = self._store.find(end.kind, end.id) if end.kind in {CONTACTS, LEADS} else None
            if record is not None:
                self.calculate(record, self._shown_of_others(record), at)

    @property
    def _telling(self) -> bool:
        """Whether anybody is to hear of changes."""
        return self._subscriptions.wanted and not self._quiet

    def _before(self, record: CrmObject, *, born: bool = False) -> None:
        self._index.before(record, born=born, at_once=self._quiet)

    def _checked(self, kind: ObjectKind, raw: Mapping[str, Any], origin: Origin) -> dict[str, str]:
        return self._catalogue.check(kind, raw, by_api=origin.type == "INTEGRATION")

    def _refuse_incomplete(self, kind: ObjectKind, values: Mapping[str, str], wishes: Sequence[Wish]) -> None:
        """A lead needs a name and a contact (or company); a campaign a name; an activity a time; a record of
        a portal's own type what its schema says."""
        missing = [name for name in _REQUIRED.get(kind) or self._required(kind) if not values.get(name)]
        if missing:
            raise not_set(kind.singular, missing)
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
        self._before(record)
        before = dict(record.properties)
        written = record.put(values, at, origin)
        self._store.reindex(record, before)
        worked_out = derived.on_change(
            record, before, {name: values[name] for name in written}, at, self._pipelines
        )
        followed = record.put(worked_out, at, CALCULATED)
        if followed.get("hs_is_closed", "true") != "true" and record.properties["hs_is_closed"] == "true":
            self._occurrences.close(record, at)
        if self._telling:
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
        if self._telling:
            for change in changes:
                self._sender.add(self._subscriptions.linked(change, at, origin))
        self.refresh_links({change.left for change in changes}, at)

    def _shown_of_others(self, record: CrmObject) -> dict[str, str]:
        company = self._associations.primary(record.end, COMPANIES) or ""
        if record.kind is CONTACTS:
            return {"associatedcompanyid": company}
        contact = self._associations.primary(record.end, CONTACTS) or ""
        shown = derived.from_contact(self._store.find(CONTACTS, contact))
        return {"hs_primary_contact_id": contact, "hs_primary_company_id": company, **shown}

    def _close(self, record: CrmObject, at: datetime) -> None:
        if record.archived_at:
            raise not_found()
        self._before(record)
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
