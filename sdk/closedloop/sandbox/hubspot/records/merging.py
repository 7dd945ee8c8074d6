"""Merges two records, as HubSpot does.

Since HubSpot's changelog entry "Updated merge functionality for contacts and companies"
(developers.hubspot.com/changelog/updated-merge-functionality-for-contacts-and-companies) a merge of these too
makes a new record with a new id, to which both old ids lead, and the primary record's values win. Before,
the primary record kept its id; `renew` chooses.

Not confirmed: the new record's creation date (here the primary record's), the order of
`hs_merged_object_ids`, and that the old records are in no list, neither of live nor of archived ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records import derived
from closedloop.sandbox.hubspot.records.associations import Associations
from closedloop.sandbox.hubspot.records.index import SearchIndex
from closedloop.sandbox.hubspot.records.record import CALCULATED, CrmObject, milliseconds
from closedloop.sandbox.hubspot.records.store import Store
from closedloop.sandbox.hubspot.settings.catalogue import Catalogue
from closedloop.sandbox.hubspot.settings.kinds import CONTACTS


class Merger:
    """Merges records. Whoever calls holds the portal's lock."""

    def __init__(
        self, *, store: Store, index: SearchIndex, catalogue: Catalogue, associations: Associations
    ) -> None:
        self._store = store
        self._index = index
        self._catalogue = catalogue
        self._associations = associations

    def merge(
        self, kept: CrmObject, gone: CrmObject, at: datetime, *, renew: bool
    ) -> tuple[CrmObject, Mapping[str, str]]:
        """Makes one record of two: that record, and the values that it still has to be given."""
        if kept is gone or kept.kind is not gone.kind:
            raise HubSpotError("Cannot merge a record with itself")
        defined = {p.name: p for p in self._catalogue.all(kept.kind)}
        moved = {
            name: value
            for name, value in gone.properties.items()
            if name not in kept.properties and name in defined and not defined[name].read_only
        }
        survivor = self._renewed(kept, at) if renew else kept
        losers = [gone] if survivor is kept else [kept, gone]
        marks = _marks(survivor, losers, at)
        for loser in losers:
            self._take_over(survivor, loser)
        self._index.before(survivor)
        before = dict(survivor.properties)
        survivor.put(marks, at, CALCULATED)
        self._store.reindex(survivor, before)
        return survivor, moved

    def _renewed(self, kept: CrmObject, at: datetime) -> CrmObject:
        """A new record with the values and histories of the primary one."""
        made = self._store.new(kept.kind, at)
        self._index.before(made, born=True)
        made.created_at = kept.created_at
        made.properties.update(kept.properties | {"hs_object_id": made.id})
        made.changes.extend(kept.changes)
        return made

    def _take_over(self, survivor: CrmObject, loser: CrmObject) -> None:
        self._index.before(loser)
        self._store.release(loser)
        self._store.merge(survivor.kind, survivor, loser)
        self._associations.move(loser.end, survivor.end)
        self._store.reindex(survivor, {})


def _marks(survivor: CrmObject, losers: list[CrmObject], at: datetime) -> dict[str, str]:
    """What tells of a merge: the ids and, on contacts, the ids with their times (`id:milliseconds;…`, as the
    documentation of fivetran/dbt_hubspot_source has it)."""
    older = [merged for loser in losers for merged in derived.merged_ids(loser)]
    ids = dict.fromkeys((*derived.merged_ids(survivor), *(loser.id for loser in losers), *older))
    marks = {"hs_merged_object_ids": ";".join(ids)}
    if survivor.kind is CONTACTS:
        before = [r.properties.get("hs_calculated_merged_vids", "") for r in (survivor, *losers)]
        times = [f"{loser.id}:{milliseconds(at)}" for loser in losers]
        parts = dict.fromkeys(part for text in (*before, *times) for part in text.split(";") if part)
        marks["hs_calculated_merged_vids"] = ";".join(parts)
        marks["hs_additional_emails"] = ";".join(_further_emails(survivor, losers))
    return marks


def _further_emails(survivor: CrmObject, losers: list[CrmObject]) -> list[str]:
    """The addresses that the contact has besides its first: it is still found by them."""
    primary = survivor.properties.get("email") or next(
        (email for loser in losers if (email := loser.properties.get("email"))), ""
    )
    named = [
        r.properties.get(name, "") for r in (survivor, *losers) for name in ("hs_additional_emails", "email")
    ]
    return [email for email in dict.fromkeys(";".join(named).split(";")) if email and email != primary]
