"""A HubSpot portal in memory: what people, workflows and HubSpot itself do to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from closedloop.sandbox.hubspot.errors import not_found
from closedloop.sandbox.hubspot.holdings import Holdings, origin_of
from closedloop.sandbox.hubspot.marketing.campaigns import Touch
from closedloop.sandbox.hubspot.records.record import CrmObject, milliseconds, stamp
from closedloop.sandbox.hubspot.settings.demands import Demand
from closedloop.sandbox.hubspot.settings.kinds import CAMPAIGNS, CONTACTS, ObjectKind
from closedloop.sandbox.hubspot.webhooks.sender import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A record as it came about: made at a time by somebody (no one: a workflow), with default associations
    to others, given as (object type, id), and changed since: when, by whom, which values."""

    properties: Mapping[str, Any]
    at: datetime
    by: int | None = None
    associations: Sequence[tuple[str, str]] = ()
    changes: Sequence[tuple[datetime, int | None, Mapping[str, Any]]] = ()


class Portal(Holdings):
    """The portal. Its methods are what people do in HubSpot's pages; they may be called from any thread.

    `at` puts a change at another time than now, `by` names the user id of the person who makes it (no
    one: a workflow does). What HubSpot would refuse is refused here too, with a `HubSpotError`; only
    the properties that HubSpot sets itself may be set here and not through the API.

    `index_lag` is by how many seconds searches, and only they, lag behind: a number or `random_lag(…)`.
    `association_page` is how many associations of one record a batch read shows at once (HubSpot's own
    number is not known). `merges_make_records`: a merge makes a new record, as today's HubSpot does;
    False: the primary one keeps its id, as contacts and companies did before.
    """

    def create(
        self,
        object_type: str,
        properties: Mapping[str, Any],
        *,
        associations: Sequence[tuple[str, str]] = (),
        at: datetime | None = None,
        by: int | None = None,
    ) -> str:
        """Makes a record with default associations to others, given as (object type, id); returns its id."""
        with self._change(at, by) as (moment, origin):
            wishes = [(self.record(other, other_id), None) for other, other_id in associations]
            return self.writer.create(self.kinds.get(object_type), properties, wishes, moment, origin).id

    def load(self, object_type: str, rows: Iterable[Past]) -> list[str]:
        """Makes many records as they came about in the past; returns their ids in the order of the rows.

        The portal is afterwards as if each row had been created, and then changed, at its times; but
        nobody hears of it, and searches see it at once.
        """
        with self.lock, self.writer.quietly():
            kind = self.kinds.get(object_type)
            return [self._loaded(kind, row).id for row in rows]

    def _loaded(self, kind: ObjectKind, row: Past) -> CrmObject:
        wishes = [(self.record(other, other_id), None) for other, other_id in row.associations]
        made = self.writer.create(kind, row.properties, wishes, row.at, origin_of(row.by))
        for at, by, values in row.changes:
            self.writer.update(made, values, at, origin_of(by))
        return made

    def update(
        self,
        object_type: str,
        record_id: str,
        properties: Mapping[str, Any],
        *,
        at: datetime | None = None,
        by: int | None = None,
    ) -> None:
        """Changes values of a record; "" clears one."""
        with self._change(at, by) as (moment, origin):
            self.writer.update(self.record(object_type, record_id), properties, moment, origin)

    def delete(
        self, object_type: str, record_id: str, *, at: datetime | None = None, by: int | None = None
    ) -> None:
        """Archives a record."""
        with self._change(at, by) as (moment, origin):
            self.writer.archive(self.record(object_type, record_id), moment, origin)

    def restore(
        self, object_type: str, record_id: str, *, at: datetime | None = None, by: int | None = None
    ) -> None:
        """Brings an archived record back."""
        with self._change(at, by) as (moment, origin):
            record = self.store.archived(self.kinds.get(object_type), record_id)
            if record is None:
                raise not_found()
            self.writer.restore(record, moment, origin)

    def get(self, object_type: str, record_id: str) -> dict[str, Any]:
        """The record with all its values, in the shape of the objects API."""
        with self.lock:
            return self.record(object_type, record_id).to_wire()

    def ids(self, object_type: str) -> list[str]:
        """The ids of all live records of a type, oldest first."""
        with self.lock:
            return [record.id for record in self.store.all(self.kinds.get(object_type))]

    def merge(
        self,
        object_type: str,
        primary: str,
        merged: str,
        *,
        at: datetime | None = None,
        by: int | None = None,
    ) -> str:
        """Merges two records and returns the id of the one that is left, to which every old id leads."""
        with self._change(at, by) as (moment, origin):
            kept, gone = self.record(object_type, primary), self.record(object_type, merged)
            return self.absorb(kept, gone, moment, origin).id

    def privacy_delete(self, contact_id: str, *, at: datetime | None = None, by: int | None = None) -> None:
        """Erases a contact for good, as the GDPR demands."""
        with self._change(at, by) as (moment, origin):
            self.erase(self.record(CONTACTS.name, contact_id), moment, origin)

    def associate(
        self,
        left: tuple[str, str],
        right: tuple[str, str],
        *,
        label: str | None = None,
        at: datetime | None = None,
        by: int | None = None,
    ) -> None:
        """Associates two records, given as (object type, id), by default or under a label."""
        with self._change(at, by) as (moment, origin):
            one, other = self.record(*left), self.record(*right)
            known = self.associations.types.between(one.kind, other.kind)
            types = None if label is None else [t for t in known if t.label == label]
            self.writer.link(one, other, types, moment, origin)

    def dissociate(
        self,
        left: tuple[str, str],
        right: tuple[str, str],
        *,
        at: datetime | None = None,
        by: int | None = None,
    ) -> None:
        """Takes back every association between two records."""
        with self._change(at, by) as (moment, origin):
            one, other = self.record(*left), self.record(*right)
            self.writer.unlink(one.end, other.end, None, moment, origin)

    def create_campaign(self, properties: Mapping[str, Any], *, at: datetime | None = None) -> str:
        """Makes a campaign and returns its GUID."""
        with self._change(at, None) as (moment, origin):
            return self.writer.create(CAMPAIGNS, properties, [], moment, origin).guid

    def campaign(self, guid: str) -> dict[str, Any]:
        """The campaign with all its values, under its GUID."""
        with self.lock:
            return self.campaign_record(guid).to_wire() | {"id": guid}

    def update_campaign(
        self, guid: str, properties: Mapping[str, Any], *, at: datetime | None = None, by: int | None = None
    ) -> None:
        """Changes values of a campaign; "" clears one."""
        with self._change(at, by) as (moment, origin):
            self.writer.update(self.campaign_record(guid), properties, moment, origin)

    def delete_campaign(self, guid: str, *, at: datetime | None = None) -> None:
        """Deletes a campaign."""
        with self._change(at, None) as (moment, origin):
            self.writer.archive(self.campaign_record(guid), moment, origin)

    def plan_budget(self, guid: str, name: str, amount: float, *, at: datetime | None = None) -> str:
        """Adds to what a campaign is to cost and returns the item's id."""
        return self._add_item(guid, "budget", name, amount, at)

    def spend_money(self, guid: str, name: str, amount: float, *, at: datetime | None = None) -> str:
        """Adds to what a campaign did cost and returns the item's id."""
        return self._add_item(guid, "spend", name, amount, at)

    def touch(self, campaign_guid: str, contact_id: str, at: datetime) -> None:
        """A contact meets a campaign: its first and last touch, and the campaign's reports, follow."""
        with self.lock:
            campaign = self.campaign_record(campaign_guid)
            contact = self.record(CONTACTS.name, contact_id)
            self.touches.add(Touch(contact=contact.id, campaign=campaign.guid, at=at))
            self.writer.calculate(contact, self.touches.analytics(contact.id), at)

    def create_owner(self, email: str, first_name: str, last_name: str) -> str:
        """Makes an owner and returns the owner id; see `user_id` for the other one."""
        with self.lock:
            return self.owners.add(email, first_name, last_name, stamp(self.clock())).id

    def join_team(self, owner_id: str, team: str) -> None:
        """Puts an owner into a team, which is made if there is none of the name."""
        with self.lock:
            if self.owners.get(owner_id) is None:
                raise not_found()
            self.owners.join(owner_id, team, stamp(self.clock()))

    def archive_owner(self, owner_id: str) -> None:
        """Deactivates an owner; records go on naming them."""
        with self.lock:
            if self.owners.get(owner_id) is None:
                raise not_found()
            self.owners.archive(owner_id, stamp(self.clock()))

    def user_id(self, owner_id: str) -> int:
        """The user id of an owner, which is what `by` takes and histories show."""
        with self.lock:
            owner = self.owners.get(owner_id)
            if owner is None:
                raise not_found()
            return owner.user_id

    def create_property(self, object_type: str, definition: Mapping[str, Any]) -> None:
        """An admin makes a property by hand; `definition` is what the properties API takes."""
        with self.lock:
            kind = self.kinds.get(object_type)
            group = str(definition.get("groupName", ""))
            if self.catalogue.group(kind, group) is None:
                self.catalogue.add_group(kind, {"name": group, "label": group})
            self.catalogue.add(kind, _complete(definition), stamp(self.clock()))

    def demand(self, object_type: str, *names: str, when: Mapping[str, str] | None = None) -> None:
        """An admin demands properties of all records of a type, or of those with the values of `when`. Apps
        are held to it through the paths of September 2026."""
        with self.lock:
            self.demands.add(Demand(kind=self.kinds.get(object_type), names=names, when=dict(when or {})))

    def create_schema(self, definition: Mapping[str, Any]) -> str:
        """An admin defines a custom object by hand; `definition` is what the schemas API takes. Returns its
        type id, by which records of it are made."""
        with self.lock:
            return self.schemas.create(definition, stamp(self.clock())).kind.type_id

    def subscribe(
        self, subscription_type: str, *, object_type: str | None = None, property_name: str | None = None
    ) -> None:
        """Subscribes the app to events; `object_type` is for the generic `object.*` types."""
        with self.lock:
            kind = None if object_type is None else self.kinds.get(object_type)
            at = stamp(self.clock())
            self.subscriptions.add(subscription_type, kind, property_name, at, active=True)

    def set_target(self, url: str) -> None:
        """Names the one URL that all events of the app go to."""
        self.webhooks.put(url, stamp(self.clock()))

    @property
    def deliveries(self) -> list[Delivery]:
        """The latest attempts to deliver events, oldest first."""
        return list(self.sender.deliveries)

    def settle(self, timeout: float = 30) -> bool:
        """Waits until every event was delivered or given up; False when the time was too short."""
        return self.sender.settle(timeout)

    def _add_item(self, guid: str, what: str, name: str, amount: float, at: datetime | None) -> str:
        with self._change(at, None) as (moment, _):
            campaign = self.campaign_record(guid)
            items = self.items(what)
            body = {"name": name, "amount": amount, "order": len(items.of(guid))}
            made = items.add(guid, body, milliseconds(moment))
            self.sum_up(campaign, what, moment)
            return made.id


def _complete(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The definition with the options that HubSpot's page gives every yes/no property by itself."""
    options = [{"label": "Yes", "value": "true"}, {"label": "No", "value": "false"}]
    given = dict(definition)
    return given if given.get("type") != "bool" or given.get("options") else given | {"options": options}
