"""The first API of contact lists: `/contacts/v1/lists`.

Source: HubSpot's legacy documentation, "Contact lists" ("Get contact lists", "Add existing contacts to a
list" …) and the cassettes of sensadrome/hubspot-api-ruby. Lists that a filter makes are only read here.
"""

from __future__ import annotations

from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.lists import DYNAMIC, MANUAL, ObjectList
from closedloop.sandbox.hubspot.records.record import CrmObject, milliseconds
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, whole, words
from closedloop.sandbox.hubspot.rest.first_contacts import listed_contacts, newest_first
from closedloop.sandbox.hubspot.rest.first_refusals import NestedError, no_list, unless_there
from closedloop.sandbox.hubspot.settings.kinds import CONTACTS
from closedloop.sandbox.hubspot.settings.property_forms import required

_PAGE, _LARGEST_PAGE = 20, 250


def get_lists(call: Call) -> Answer:
    """GET: a page of the lists of contacts."""
    return 200, _page(call, None)


def get_static_lists(call: Call) -> Answer:
    """GET: a page of the lists that are made by hand."""
    return 200, _page(call, False)


def get_dynamic_lists(call: Call) -> Answer:
    """GET: a page of the lists that filters make."""
    return 200, _page(call, True)


def get_named(call: Call) -> Answer:
    """GET: the lists whose ids are named."""
    lists = call.portal.marketing.lists
    return 200, {"lists": [_shown(call, lists.live(each)) for each in call.listed("listId")]}


def get_list(call: Call) -> Answer:
    """GET: one list."""
    return 200, _shown(call, _found(call))


def create_list(call: Call) -> Answer:
    """POST: makes a list that is filled by hand."""
    if call.body.get("dynamic") or call.body.get("filters"):
        raise HubSpotError("Lists with filters are made by /crm/v3/lists")
    if not call.body.get("name"):
        raise NestedError("Every list must have a name.")
    made = call.portal.marketing.lists.create(CONTACTS, required(call.body, "name"), MANUAL, None, call.at)
    return 200, _shown(call, made)


def rename_list(call: Call) -> Answer:
    """POST: renames a list."""
    each = _found(call)
    call.portal.marketing.lists.rename(each, required(call.body, "name"), call.at)
    return 200, _shown(call, each)


def delete_list(call: Call) -> Answer:
    """DELETE: deletes a list."""
    _found(call).deleted_at = call.at
    return 204, None


def list_members(call: Call) -> Answer:
    """GET: a page of the contacts in a list by id."""
    size = min(whole(call.request.args.get("count"), "count", default=_PAGE, least=1), 100)
    start = whole(call.request.args.get("vidOffset"), "vidOffset", default=0)
    ids = [i for i in call.portal.marketing.lists.members(_found(call)) if int(i) > start]
    contacts = [call.portal.require(CONTACTS, each) for each in ids[:size]]
    offset = contacts[-1].number if contacts else 0
    return 200, listed_contacts(call, contacts) | {"has-more": len(ids) > size, "vid-offset": offset}


def list_newest_members(call: Call) -> Answer:
    """GET: a page of the contacts in a list, those who joined last first."""
    return newest_first(call, _joined(call))


def _joined(call: Call) -> dict[tuple[int, int], CrmObject]:
    members = call.portal.marketing.lists.members(_found(call))
    return {(milliseconds(at), int(i)): call.portal.require(CONTACTS, i) for i, at in members.items()}


def add_members(call: Call) -> Answer:
    """POST: adds contacts to a list, by their ids and e-mail addresses."""
    each, (ids, unknown) = _by_hand(call), _named(call)
    added, missing = call.portal.marketing.lists.add(each, ids, call.at)
    here = [i for i in ids if i not in added and i not in missing]
    return 200, {
        "updated": [int(i) for i in added],
        "discarded": [int(i) for i in here],
        "invalidVids": [int(i) for i in missing if i.isdecimal()],
        "invalidEmails": unknown,
    }


def remove_members(call: Call) -> Answer:
    """POST: takes contacts out of a list by their ids."""
    each, (ids, _) = _by_hand(call), _named(call)
    gone = call.portal.marketing.lists.remove(each, ids, call.at)
    return 200, {
        "updated": [int(i) for i in gone],
        "discarded": [int(i) for i in ids if i not in gone and i.isdecimal()],
        "invalidVids": [],
        "invalidEmails": [],
    }


def _found(call: Call) -> ObjectList:
    number = call.path["list"]
    if not number.isdecimal():
        raise no_list(number)
    with unless_there(no_list(number)):
        return call.portal.marketing.lists.live(number)


def _by_hand(call: Call) -> ObjectList:
    each = _found(call)
    if each.processing == DYNAMIC:
        raise HubSpotError("Can not operate manually on a dynamic list", category=None)
    return each


def _named(call: Call) -> tuple[list[str], list[str]]:
    """The ids that a body names by id and by e-mail address, and the addresses that nobody has."""
    emails = words(call.body, "emails")
    holders = {each: call.portal.store.find_by(CONTACTS, "email", each) for each in emails}
    found = [holder.id for holder in holders.values() if holder is not None]
    ids = dict.fromkeys([*words(call.body, "vids"), *found])
    return list(ids), [each for each, holder in holders.items() if holder is None]


def _page(call: Call, dynamic: bool | None) -> dict[str, Any]:
    size = whole(call.request.args.get("count"), "count", default=_PAGE, least=1, most=_LARGEST_PAGE)
    start = whole(call.request.args.get("offset"), "offset", default=0)
    every = [each for each in call.portal.marketing.lists.all() if each.kind is CONTACTS]
    found = [each for each in every if dynamic in {None, each.processing == DYNAMIC}]
    rows = [_shown(call, each) for each in found[start : start + size]]
    end = start + len(rows)
    return {"offset": end, "lists": rows, "has-more": end < len(found)}


def _shown(call: Call, each: ObjectList) -> dict[str, Any]:
    members = call.portal.marketing.lists.members(each)
    changed = milliseconds(each.updated_at)
    about = {
        "processing": "DONE",
        "size": len(members),
        "error": "",
        "lastProcessingStateChangeAt": changed,
        "lastSizeChangeAt": milliseconds(max(members.values(), default=each.created_at)),
        "listReferencesCount": None,
        "parentFolderId": None,
    }
    return {
        "listId": int(each.id),
        "internalListId": int(each.id),
        "name": each.name,
        "dynamic": each.processing == DYNAMIC,
        "listType": "DYNAMIC" if each.processing == DYNAMIC else "STATIC",
        "portalId": call.portal.id,
        "createdAt": milliseconds(each.created_at),
        "updatedAt": changed,
        "deleteable": True,
        "archived": False,
        "filters": [],
        "authorId": int(each.user_id),
        "teamIds": [],
        "metaData": about,
    }


ROUTES: Routes = (
    ("GET", "first contacts", "/lists", get_lists),
    ("POST", "first contacts", "/lists", create_list),
    ("GET", "first contacts", "/lists/static", get_static_lists),
    ("GET", "first contacts", "/lists/dynamic", get_dynamic_lists),
    ("GET", "first contacts", "/lists/batch", get_named),
    ("GET", "first contacts", "/lists/<list>", get_list),
    ("POST", "first contacts", "/lists/<list>", rename_list),
    ("DELETE", "first contacts", "/lists/<list>", delete_list),
    ("GET", "first contacts", "/lists/<list>/contacts/all", list_members),
    ("GET", "first contacts", "/lists/<list>/contacts/recent", list_newest_members),
    ("POST", "first contacts", "/lists/<list>/add", add_members),
    ("POST", "first contacts", "/lists/<list>/remove", remove_members),
)
