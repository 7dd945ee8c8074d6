"""Reads what changed of one object since a cursor: what is new or different, deleted or merged.

HubSpot has no list of changes. Its search knows when a record was changed last, so a round of reading is a
search from the last mark on, and then the list of archived records, which is in the order of their ids and
has to be read whole: one call per hundred records deleted within the 90 days for which HubSpot keeps them
(knowledge.hubspot.com/records/restore-deleted-records). Contacts erased for their privacy stand in no list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from closedloop.crm.base import Refusal
from closedloop.crm.hubspot import place
from closedloop.crm.hubspot.cursor import OVERLAP
from closedloop.crm.hubspot.fetch import IDENTITY, Fetch, Found
from closedloop.crm.hubspot.payloads import instant, merged_into
from closedloop.crm.hubspot.place import Place, place_of
from closedloop.crm.hubspot.search import changed_ids
from closedloop.crm.results import ChangePage, Deletion, ReadResult
from closedloop.errors import GoneError, MergedError, NormaliseError, UnsupportedError
from closedloop.schema.records import Record, Ref
from closedloop.schema.vocabulary import ObjectType

_O = ObjectType

_WHOLE = frozenset({_O.CAMPAIGN, _O.USER, _O.STAGE})
"""Few, without a search of their own, and HubSpot does not say what moves their `updatedAt`."""

_SILENT: Mapping[ObjectType, str] = {
    _O.CONTACT_ROLE: (
        "HubSpot does not say when a deal's contacts change: compare what `list()` gives, or subscribe to "
        "the webhooks `object.associationChange`"
    ),
    _O.CAMPAIGN_MEMBER: (
        "HubSpot does not say when a campaign reaches somebody: compare what `list()` gives, or read the "
        "touches of contacts that changed"
    ),
}

Page = ChangePage[Record]


class Changes:
    """The changes of a portal's objects. `time` is HubSpot's own, `overlap` by how much its search index may
    be late: documented is "a few moments"."""

    def __init__(self, fetch: Fetch, *, time: Callable[[], datetime], overlap: timedelta = OVERLAP) -> None:
        self._fetch, self._time, self._overlap = fetch, time, overlap

    def pages(self, of: ObjectType, since: str | datetime | None) -> Iterator[Page]:
        """The pages from there to the end of a round."""
        if of in _SILENT:
            raise UnsupportedError(_SILENT[of], reason="no_changes")
        at = place_of(of, since, self._fetch.sources(of))
        return self._whole(at) if of in _WHOLE else self._round(at)

    # -- What can be searched

    def _round(self, at: Place) -> Iterator[Page]:
        sources = self._fetch.sources(at.object)
        if at.started is None:
            at = at.into(sources[0], self._time())
        while at.started is not None:
            page, at = self._step(at)
            if at.after is None and at.step == "":
                at = self._next(at, sources)
            yield replace(page, cursor=at.text())

    def _next(self, at: Place, sources: Sequence[str]) -> Place:
        """At the next source, or at the end of the round."""
        following = sources.index(at.source) + 1
        done = at.finished(self._overlap)
        if following < len(sources) and at.started is not None:
            return done.into(sources[following], at.started)
        return replace(done, source="", step=place.LIST, started=None, newest=None)

    def _step(self, at: Place) -> tuple[Page, Place]:
        """A page, and the place behind it; its step is "" behind the last one of a source."""
        match at.step:
            case place.LIST:
                return self._list(at)
            case place.SEARCH:
                return self._search(at)
            case _:
                return self._archived(at)

    def _list(self, at: Place) -> tuple[Page, Place]:
        found, after = self._fetch.page(at.object, at.source, at.after)
        page = _page(found)
        return page, _behind(at, after, _newest(page.records), then="")

    def _search(self, at: Place) -> tuple[Page, Place]:
        """The index may lag, so the records are read for themselves."""
        client = self._fetch.reader.client
        ids, last = changed_ids(client, at.source, at.object, mark=at.marks[at.source], behind=at.after)
        page = self._read(at, ids)
        return page, _behind(at, last, _newest(page.records), then=place.ARCHIVED)

    def _archived(self, at: Place) -> tuple[Page, Place]:
        """Those archived since the mark; they are looked for, because they may live again or in another. What
        had been merged into one of them is in no list any more."""
        payloads, after = self._fetch.reader.client.page(
            at.source, wanted=IDENTITY, after=at.after, archived=True
        )
        times = {str(each["id"]): instant(each.get("archivedAt")) for each in payloads}
        recent = [
            each
            for each in payloads
            if (moment := times[str(each["id"])]) is None or moment >= at.marks[at.source]
        ]
        page = self._read(at, [str(each["id"]) for each in recent])
        losers = [each for payload in recent for each in _losers(at.object, payload)]
        newest = max((moment for moment in times.values() if moment is not None), default=None)
        return replace(page, deleted=(*page.deleted, *losers)), _behind(at, after, newest, then="")

    def _read(self, at: Place, ids: Sequence[str]) -> Page:
        results = self._fetch.of_source(at.object, at.source, ids)
        deleted = {each.ref: each for result in results for each in _deletions(at.object, result)}
        return ChangePage(
            records=tuple(result.record for result in results if result.record is not None),
            deleted=tuple(deleted.values()),
            refused=tuple(
                Refusal(ref=Ref(at.object, result.id), error=_refusal(result))
                for result in results
                if result.error is not None and not isinstance(result.error, GoneError)
            ),
        )

    # -- What is read whole

    def _whole(self, at: Place) -> Iterator[Page]:
        """What is not as it was; the last page tells what is gone, and has the new cursor."""
        digests: dict[str, str] = {}
        for found in self._fetch.scan(at.object):
            new = {each.ref.id: _digest(each) for each in found}
            changed = [each for each in found if at.seen.get(each.ref.id) != new[each.ref.id]]
            digests |= new
            if changed:
                yield replace(_page(changed), cursor=at.text())
        page = self._missing(at, [each for each in at.seen if each not in digests])
        digests |= {each.id: _digest(each) for each in page.records}
        yield replace(page, cursor=Place(object=at.object, seen=digests).text())

    def _missing(self, at: Place, ids: Sequence[str]) -> Page:
        """Campaigns that moved to the end while the pages were read were passed over, but are there."""
        if at.object is not _O.CAMPAIGN or not ids:
            return ChangePage(deleted=tuple(Deletion(ref=Ref(at.object, each)) for each in ids))
        return self._read_whole(at, ids)

    def _read_whole(self, at: Place, ids: Sequence[str]) -> Page:
        results = self._fetch.read(at.object, ids)
        return ChangePage(
            records=tuple(result.record for result in results if result.record is not None),
            deleted=tuple(each for result in results for each in _deletions(at.object, result)),
        )


def _behind(at: Place, after: str | None, newest: datetime | None, *, then: str) -> Place:
    """Behind a page: at the next one of the step, or at the step that follows."""
    moved = at.further(after, newest)
    return moved if after is not None else replace(moved, step=then)


def _page(found: Iterable[Found]) -> Page:
    each = list(found)
    return ChangePage(
        records=tuple(one for one in each if not isinstance(one, Refusal)),
        refused=tuple(one for one in each if isinstance(one, Refusal)),
    )


def _deletions(of: ObjectType, result: ReadResult[Record]) -> Iterator[Deletion]:
    """What a read says is no more: the record itself, or those that were merged into it."""
    if isinstance(result.error, GoneError):
        survivor = result.error.merged_into if isinstance(result.error, MergedError) else None
        yield Deletion(ref=Ref(of, result.id), merged_into=survivor)
    elif result.record is not None:
        yield from _losers(of, result.record.raw)


def _losers(of: ObjectType, payload: Mapping[str, Any]) -> Iterator[Deletion]:
    """The records that were merged into this one."""
    for each in merged_into(payload):
        yield Deletion(ref=Ref(of, each), merged_into=str(payload["id"]))


def _refusal(result: ReadResult[Record]) -> NormaliseError:
    error = result.error
    if isinstance(error, NormaliseError):
        return error
    return NormaliseError(f"HubSpot refuses to show it: {error}", reason="unreadable")


def _newest(records: Iterable[Record]) -> datetime | None:
    return max((each.updated_at for each in records if each.updated_at is not None), default=None)


def _digest(found: Found) -> str:
    """A fingerprint of what a record holds, its payload aside: two records of the same are the same."""
    text = repr(found.error) if isinstance(found, Refusal) else repr(found)
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()
