"""The first API of contacts, which older clients still call: `/contacts/v1/contact` and `/contacts/v1/lists`.

Source: HubSpot's legacy documentation, "Contacts" and "Contact lists", and what jpetrucciani/hubspot3 and
MadKudu/node-hubspot call. Not confirmed by a recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.record import CrmObject, milliseconds
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, an_id, whole
from closedloop.sandbox.hubspot.rest.contact_shape import (
    ContactExistsError,
    InvalidValuesError,
    NoContactError,
    contact_shape,
    written,
)
from closedloop.sandbox.hubspot.rest.first_refusals import NestedError
from closedloop.sandbox.hubspot.rest.reading import parsed
from closedloop.sandbox.hubspot.settings.kinds import CONTACTS

_PAGE, _LARGEST_PAGE, _LARGEST_BATCH = 20, 100, 100
# What a list shows of each contact unless told.
_LISTED = frozenset({"firstname", "lastname", "company", "lastmodifieddate"})
_ALWAYS = frozenset({"lastmodifieddate", "associatedcompanyid"})


def get_contact(call: Call) -> Answer:
    """GET: one contact by its id, with every value."""
    return 200, _whole(call, _by_id(call, call.path["id"]))


def get_by_email(call: Call) -> Answer:
    """GET: one contact by an e-mail address."""
    return 200, _whole(call, _by_email(call, call.path["email"]))


def get_by_cookie(call: Call) -> Answer:
    """GET: one contact by a visitor's cookie; nobody visits here."""
    del call
    raise NoContactError


def get_by_ids(call: Call) -> Answer:
    """GET: contacts by their ids, under which they stand; unknown ids are ignored."""
    return 200, _batch(call, "vid", lambda each: call.portal.store.find(CONTACTS, each))


def get_by_emails(call: Call) -> Answer:
    """GET: contacts by e-mail addresses, under their ids; unknown addresses are ignored."""
    return 200, _batch(call, "email", lambda each: call.portal.store.find_by(CONTACTS, "email", each))


def create_contact(call: Call) -> Answer:
    """POST: makes a contact; 409 names the one that has its e-mail address."""
    return 200, _whole(call, _create(call, written(call.body)))


def create_or_update(call: Call) -> Answer:
    """POST: changes the contact with an e-mail address, or makes it."""
    values = {"email": call.path["email"]} | written(call.body)
    found = call.portal.store.find_by(CONTACTS, "email", call.path["email"])
    if found is None:
        return 200, {"vid": _create(call, values).number, "isNew": True}
    _update(call, found, values)
    return 200, {"vid": found.number, "isNew": False}


def update_contact(call: Call) -> Answer:
    """POST: changes values of a contact."""
    _update(call, _by_id(call, call.path["id"]), written(call.body))
    return 204, None


def update_by_email(call: Call) -> Answer:
    """POST: changes values of the contact with an e-mail address."""
    _update(call, _by_email(call, call.path["email"]), written(call.body))
    return 204, None


def change_batch(call: Call) -> Answer:
    """POST: makes or changes contacts by id or e-mail address; the body is a bare list."""
    rows = parsed(call.request.get_data())
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise HubSpotError("Invalid input JSON: a list of contacts is expected", category=None)
    if len(rows) > 1000:
        raise HubSpotError("A batch has at most 1000 contacts", category=None)
    for row in rows:
        _change(call, row)
    return 202, None


def delete_contact(call: Call) -> Answer:
    """DELETE: archives a contact."""
    contact = _by_id(call, call.path["id"])
    call.portal.writer.archive(contact, call.at, call.origin)
    return 200, {"vid": contact.number, "deleted": True, "reason": "OK"}


def merge_contacts(call: Call) -> Answer:
    """POST: merges another contact into this one."""
    ids = call.path["id"], an_id(call.body, "vidToMerge")
    if ids[0] == ids[1]:
        raise NestedError("Cannot merge a contact with itself")
    kept, gone = (call.portal.store.find(CONTACTS, each) for each in ids)
    if kept is None or gone is None:
        words = "vid to merge is not a valid contact or is already in the process of being merged"
        raise HubSpotError(words, category=None)
    call.portal.absorb(kept, gone, call.at, call.origin)
    return 200, None


def list_all(call: Call) -> Answer:
    """GET: a page of all contacts by id; `vid-offset` is the id that the next one starts after."""
    size, start = _size(call), whole(call.request.args.get("vidOffset"), "vidOffset", default=0)
    page = call.portal.store.page(CONTACTS, start + 1, size + 1, archived=False)
    shown = page[:size]
    offset = shown[-1].number if shown else 0
    return 200, listed_contacts(call, shown) | {"has-more": len(page) > size, "vid-offset": offset}


def list_recently_updated(call: Call) -> Answer:
    """GET: a page of the contacts that changed last, newest first."""
    return _recent(call, lambda contact: milliseconds(contact.updated_at))


def list_recently_created(call: Call) -> Answer:
    """GET: a page of the contacts that were made last, newest first."""
    return _recent(call, lambda contact: milliseconds(contact.created_at))


def search_contacts(call: Call) -> Answer:
    """GET: a page of the contacts in whose name, e-mail address, phone or company a text stands."""
    size, start = _size(call), whole(call.request.args.get("offset"), "offset", default=0)
    text = call.request.args.get("q", "").lower()
    contacts = call.portal.store.all(CONTACTS)
    found = [
        contact
        for contact in contacts
        if any(text in contact.properties.get(name, "").lower() for name in CONTACTS.searched)
    ]
    end = min(start + size, len(found))
    more = {"query": text, "offset": end, "has-more": end < len(found), "total": len(found)}
    return 200, listed_contacts(call, found[start:end]) | more


def _recent(call: Call, when: Callable[[CrmObject], int]) -> Answer:
    return newest_first(call, {(when(each), each.number): each for each in call.portal.store.all(CONTACTS)})


def newest_first(call: Call, keyed: Mapping[tuple[int, int], CrmObject]) -> Answer:
    """A page of contacts by time and id, the newest first; `time-offset` and `vid-offset` name the last of
    the page, after which the next starts."""
    size, arguments = _size(call), call.request.args
    most = 2**62
    bound = (
        whole(arguments.get("timeOffset"), "timeOffset", default=most),
        whole(arguments.get("vidOffset"), "vidOffset", default=most),
    )
    keys = sorted((key for key in keyed if key < bound), reverse=True)
    page = keys[:size]
    time, vid = page[-1] if page else (0, 0)
    more = {"has-more": len(keys) > size, "time-offset": time, "vid-offset": vid}
    return 200, listed_contacts(call, [keyed[key] for key in page]) | more


def _size(call: Call) -> int:
    return min(whole(call.request.args.get("count"), "count", default=_PAGE, least=1), _LARGEST_PAGE)


def _by_id(call: Call, vid: str) -> CrmObject:
    found = call.portal.store.find(CONTACTS, vid)
    if found is None:
        raise NoContactError(vid)
    return found


def _by_email(call: Call, email: str) -> CrmObject:
    found = call.portal.store.find_by(CONTACTS, "email", email)
    if found is None:
        raise NoContactError
    return found


def _asked(call: Call) -> frozenset[str] | None:
    named = call.listed("property")
    return _ALWAYS | frozenset(named) if named else None


def _whole(call: Call, contact: CrmObject) -> dict[str, Any]:
    history = call.request.args.get("propertyMode", "value_and_history") == "value_and_history"
    return contact_shape(call.portal, contact, _asked(call), history=history)


def listed_contacts(call: Call, contacts: Iterable[CrmObject]) -> dict[str, Any]:
    """The rows of a page of contacts, with the few values that lists show or those that are asked for."""
    history = call.request.args.get("propertyMode") == "value_and_history"
    names = _asked(call) or _LISTED
    rows = [
        contact_shape(call.portal, contact, names, history=history)
        | {"addedAt": milliseconds(contact.created_at)}
        for contact in contacts
    ]
    return {"contacts": rows}


def _batch(call: Call, name: str, find: Callable[[str], CrmObject | None]) -> dict[str, Any]:
    wanted = call.request.args.getlist(name)
    if len(wanted) > _LARGEST_BATCH:
        raise HubSpotError(f"At most {_LARGEST_BATCH} contacts can be asked for at once", category=None)
    found = [contact for each in wanted if (contact := find(each)) is not None]
    history = call.request.args.get("propertyMode") == "value_and_history"
    names = _asked(call)
    return {each.id: contact_shape(call.portal, each, names, history=history) for each in found}


def _change(call: Call, row: Mapping[str, Any]) -> None:
    values = written(row)
    if row.get("vid") is not None:
        _update(call, _by_id(call, str(row["vid"])), values)
        return
    email = str(row.get("email") or values.get("email") or "")
    found = call.portal.store.find_by(CONTACTS, "email", email)
    if found is None:
        _create(call, {"email": email} | values)
    else:
        _update(call, found, values)


def _create(call: Call, values: Mapping[str, Any]) -> CrmObject:
    holder = call.portal.store.find_by(CONTACTS, "email", str(values.get("email") or ""))
    if holder is not None:
        raise ContactExistsError(holder)
    with _first_words():
        return call.portal.writer.create(CONTACTS, values, [], call.at, call.origin)


def _update(call: Call, contact: CrmObject, values: Mapping[str, Any]) -> None:
    holder = call.portal.store.find_by(CONTACTS, "email", str(values.get("email") or ""))
    if holder is not None and holder is not contact:
        raise ContactExistsError(holder)
    with _first_words():
        call.portal.writer.update(contact, values, call.at, call.origin)


@contextmanager
def _first_words() -> Iterator[None]:
    """Refusals of values speak as the first API does."""
    try:
        yield
    except HubSpotError as problem:
        if problem.invalid:
            raise InvalidValuesError(problem) from None
        raise


ROUTES: Routes = (
    ("POST", "first contacts", "/contact", create_contact),
    ("POST", "first contacts", "/contact/batch", change_batch),
    ("GET", "first contacts", "/contact/vid/<id>/profile", get_contact),
    ("POST", "first contacts", "/contact/vid/<id>/profile", update_contact),
    ("DELETE", "first contacts", "/contact/vid/<id>", delete_contact),
    ("GET", "first contacts", "/contact/vids/batch", get_by_ids),
    ("GET", "first contacts", "/contact/email/<email>/profile", get_by_email),
    ("POST", "first contacts", "/contact/email/<email>/profile", update_by_email),
    ("GET", "first contacts", "/contact/emails/batch", get_by_emails),
    ("GET", "first contacts", "/contact/utk/<token>/profile", get_by_cookie),
    ("POST", "first contacts", "/contact/createOrUpdate/email/<email>", create_or_update),
    ("POST", "first contacts", "/contact/merge-vids/<id>", merge_contacts),
    ("GET", "first contacts", "/lists/all/contacts/all", list_all),
    ("GET", "first contacts", "/lists/all/contacts/recent", list_recently_created),
    ("GET", "first contacts", "/lists/recently_updated/contacts/recent", list_recently_updated),
    ("GET", "first contacts", "/search/query", search_contacts),
)
