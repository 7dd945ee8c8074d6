"""Lists: records gathered by hand (MANUAL), by a filter (DYNAMIC), or by a filter once (SNAPSHOT).

Source: HubSpot documentation, "Lists API guide", and its OpenAPI description. Seen in others' recordings:
what a search shows, and a deleted list read by its id (issue 486 of HubSpot/hubspot-api-php).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.list_filters import branch_test
from closedloop.sandbox.hubspot.records.record import CrmObject, milliseconds, stamp
from closedloop.sandbox.hubspot.records.store import Store
from closedloop.sandbox.hubspot.settings.kinds import ObjectKind

MANUAL, DYNAMIC, SNAPSHOT = "MANUAL", "DYNAMIC", "SNAPSHOT"


@dataclass(slots=True, kw_only=True, eq=False)
class ObjectList:
    """One list. `members` are the ids with the times at which they joined; a dynamic list has none kept."""

    id: str
    name: str
    kind: ObjectKind
    processing: str
    created_at: datetime
    updated_at: datetime
    filters_at: datetime
    user_id: str
    branch: Mapping[str, Any] | None = None
    members: dict[str, datetime] = field(default_factory=dict)
    version: int = 1
    removed_at: datetime | None = None
    deleted_at: datetime | None = None

    def to_wire(self) -> dict[str, Any]:
        """What a search and a read of the list have in common (recorded)."""
        deleted = {"deletedAt": stamp(self.deleted_at)} if self.deleted_at else {}
        return {
            "listId": self.id,
            "listVersion": self.version,
            "createdAt": stamp(self.created_at),
            "updatedAt": stamp(self.updated_at),
            "filtersUpdatedAt": stamp(self.filters_at),
            **deleted,
            "processingStatus": "PROCESSING" if self.deleted_at else "COMPLETE",
            "createdById": self.user_id,
            "updatedById": self.user_id,
            "processingType": self.processing,
            "objectTypeId": self.kind.type_id,
            "name": self.name,
        }

    def fetched(self, *, filters: bool, size: int) -> dict[str, Any]:
        """The list as a read by its id shows it."""
        branch = {"filterBranch": self.branch} if filters and self.branch is not None else {}
        return self.to_wire() | {
            "listPermissions": {"teamsWithEditAccess": [], "usersWithEditAccess": []},
            "membershipSettings": {"membershipTeamId": None, "includeUnassigned": None},
            "size": size,
            **branch,
        }


class Lists:
    """The lists of one portal. Whoever calls holds the portal's lock."""

    def __init__(self, store: Store, user_id: Callable[[], str]) -> None:
        self._store = store
        self._user_id = user_id
        self._lists: dict[str, ObjectList] = {}
        self._ids = count(1)

    def all(self) -> list[ObjectList]:
        """The lists that are not deleted, oldest first."""
        return [each for each in self._lists.values() if each.deleted_at is None]

    def get(self, list_id: str) -> ObjectList:
        """The list with this id, deleted or not; 404 when there is none, 400 for what is no id at all."""
        if not list_id.isdecimal():
            raise HubSpotError(f"{list_id} is not a valid list id", sub_category="INVALID_INT_ID")
        found = self._lists.get(list_id)
        if found is None:
            raise _no_list(list_id)
        return found

    def live(self, list_id: str) -> ObjectList:
        """The list with this id; 404 when it is deleted."""
        found = self.get(list_id)
        if found.deleted_at is not None:
            raise _no_list(list_id)
        return found

    def named(self, kind: ObjectKind, name: str) -> ObjectList | None:
        """The list of that name, in any case."""
        same = (each for each in self.all() if each.kind is kind and each.name.lower() == name.lower())
        return next(same, None)

    def create(
        self, kind: ObjectKind, name: str, processing: str, branch: Mapping[str, Any] | None, at: datetime
    ) -> ObjectList:
        """Makes a list; 400 when the name is taken."""
        self._refuse_taken(kind, name)
        if processing not in {MANUAL, DYNAMIC, SNAPSHOT}:
            raise HubSpotError(f"Invalid processingType: {processing}")
        if (branch is None) is not (processing == MANUAL):
            raise HubSpotError("A filterBranch is needed for all lists but MANUAL ones, which have none")
        made = ObjectList(
            id=str(next(self._ids)),
            name=name,
            kind=kind,
            processing=processing,
            created_at=at,
            updated_at=at,
            filters_at=at,
            user_id=self._user_id(),
            branch=branch,
        )
        matching = self._matching(made)
        if processing == SNAPSHOT:
            made.members = {record.id: at for record in matching}
        self._lists[made.id] = made
        return made

    def rename(self, each: ObjectList, name: str, at: datetime) -> None:
        """Renames a list; 400 when the name is taken."""
        if name.lower() != each.name.lower():
            self._refuse_taken(each.kind, name)
        each.name, each.updated_at, each.version = name, at, each.version + 1

    def refilter(self, each: ObjectList, branch: Mapping[str, Any], at: datetime) -> None:
        """Changes what a dynamic list holds."""
        if each.processing != DYNAMIC:
            raise HubSpotError("Only the filters of DYNAMIC lists can be changed")
        branch_test(branch)
        each.branch, each.filters_at, each.updated_at, each.version = branch, at, at, each.version + 1

    def members(self, each: ObjectList) -> dict[str, datetime]:
        """Who is in the list, with the time of joining, in the order of ids."""
        if each.processing == DYNAMIC:
            return {record.id: max(each.filters_at, record.created_at) for record in self._matching(each)}
        alive = (i for i in each.members if self._store.find(each.kind, i) is not None)
        return {record_id: each.members[record_id] for record_id in sorted(alive, key=int)}

    def add(self, each: ObjectList, ids: Iterable[str], at: datetime) -> tuple[list[str], list[str]]:
        """Adds records; returns those that were added and those that do not exist."""
        _refuse_dynamic(each)
        ids = list(dict.fromkeys(ids))
        missing = [i for i in ids if self._store.find(each.kind, i) is None]
        added = [i for i in ids if i not in each.members and i not in missing]
        each.members |= dict.fromkeys(added, at)
        return added, missing

    def remove(self, each: ObjectList, ids: Iterable[str], at: datetime) -> list[str]:
        """Takes records out; returns those that were in."""
        _refuse_dynamic(each)
        gone = [i for i in dict.fromkeys(ids) if each.members.pop(i, None) is not None]
        each.removed_at = at if gone else each.removed_at
        return gone

    def extras(self, each: ObjectList) -> dict[str, str]:
        """What a search says of a list besides its definition (recorded; values are text)."""
        members = self.members(each)
        times = {
            "hs_last_record_added_at": max(members.values(), default=None),
            "hs_last_record_removed_at": each.removed_at,
        }
        known = {name: str(milliseconds(at)) for name, at in times.items() if at is not None}
        return {"hs_list_size": str(len(members)), "hs_list_reference_count": "0", **known}

    def _refuse_taken(self, kind: ObjectKind, name: str) -> None:
        if self.named(kind, name):
            # Status, category and subcategory are what others handle; the words are ours.
            raise HubSpotError(
                f"A list with the name {name} already exists", sub_category="ILS.DUPLICATE_LIST_NAMES"
            )

    def _matching(self, each: ObjectList) -> list[CrmObject]:
        if each.branch is None:
            return []
        return list(filter(branch_test(each.branch), self._store.all(each.kind)))


def _refuse_dynamic(each: ObjectList) -> None:
    """Documented: memberships can be changed for MANUAL and SNAPSHOT lists only (the words are ours)."""
    if each.processing == DYNAMIC:
        raise HubSpotError(f"List {each.id} is DYNAMIC: its memberships follow from its filters")


def _no_list(list_id: str) -> HubSpotError:
    """The 404 for a list (the words are ours)."""
    return HubSpotError(
        f"List does not exist with ID {list_id}.",
        status=404,
        category="OBJECT_NOT_FOUND",
        sub_category="ILS.LIST_NOT_FOUND",
    )
