"""Reads everything that changed since a cursor, phase by phase and page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from closedloop.crm.base import Page
from closedloop.crm.hubspot.answers import Json
from closedloop.crm.hubspot.cursor import ARCHIVED, OVERLAP, Cursor
from closedloop.crm.hubspot.fetch import IDENTITY
from closedloop.crm.hubspot.ids import is_guid
from closedloop.crm.hubspot.payloads import instant, merged_into, stages
from closedloop.crm.hubspot.read import CHUNK, LINKED, Gathered, Reader
from closedloop.crm.hubspot.search import changed_ids
from closedloop.schema.records import Ref
from closedloop.schema.vocabulary import ObjectType

_O = ObjectType

_SEARCHED = (_O.ACCOUNT, _O.CONTACT, _O.LEAD, _O.OPPORTUNITY)
"""What has a search and a list of archived records."""

ARCHIVED_EVERY = timedelta(hours=1)
"""How often the lists of archived records are read. They are in the order of their ids and so have to be read
whole: a call for each hundred records that were deleted in the 90 days for which HubSpot keeps them."""

Step = tuple[Gathered, Cursor]


class Poll:
    """Reads a portal's changes. Remembers between polls, while the process lives, who was in which
    campaign, so that only new members are read and those who left are reported gone."""

    def __init__(
        self, reader: Reader, *, report_calls: int, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._reader, self._report_calls, self._clock = reader, report_calls, clock
        self._inside: dict[str, Mapping[str, tuple[str, ...]]] = {}

    def pages(self, at: Cursor) -> Iterator[Page]:
        """The pages from the cursor to the end of the poll."""
        while True:
            for gathered, cursor in self._steps(at):
                yield Page(batch=gathered.batch(), cursor=cursor.text())
                at = cursor
            if at.started is None:
                return

    def sizes(self) -> dict[ObjectType, int]:
        """How many records there are of what can be searched."""
        counts = {
            kind: self._reader.client.total(self._reader.mapping.source(kind))
            for kind in _SEARCHED
            if self._reader.wanted(kind)
        }
        return {kind: count for kind, count in counts.items() if count is not None}

    def _steps(self, at: Cursor) -> Iterator[Step]:
        match at.phase:
            case "stages":
                return self._stages(at)
            case "users":
                return self._users(at)
            case "campaigns":
                return self._campaigns(at)
            case "members":
                return self._members(at)
            case "archived":
                return self._archived(at)
            case _:
                return self._changed(_O(at.phase), at)

    def _stages(self, at: Cursor) -> Iterator[Step]:
        into, client = Gathered(), self._reader.client
        for kind in (_O.OPPORTUNITY, _O.LEAD):
            source = self._reader.mapping.source(kind)
            if not self._reader.wanted(kind):
                continue
            for payload in stages(client.pipelines(source), source):
                self._reader.normalise(
                    _O.STAGE, f"{payload['pipelineId']}/{payload.get('id')}", payload, into
                )
        # HubSpot's own time: ours may be wrong by more than the overlap makes good.
        yield into, replace(at, started=client.server_time or self._clock()).next_phase()

    def _users(self, at: Cursor) -> Iterator[Step]:
        into = Gathered()
        for page in self._reader.client.owners():
            for owner in page:
                self._reader.normalise(_O.USER, str(owner["id"]), owner, into)
        yield into, at.next_phase()

    def _campaigns(self, at: Cursor) -> Iterator[Step]:
        """All campaigns every time: they are few, and HubSpot does not say what moves `updatedAt`."""
        listed: dict[str, None] = {}
        for found in self._campaign_pages():
            into = Gathered()
            listed.update({guid: None for each in found if is_guid(guid := str(each["id"]).lower())})
            self._reader.add_campaigns(found, into)
            yield into, at
        into = Gathered()
        # One that moved to the end while the pages were read is missing too, but still there.
        found, gone = self._reader.campaigns.read(guid for guid in at.campaigns if guid not in listed)
        self._reader.add_campaigns(found, into)
        listed.update({str(each["id"]).lower(): None for each in found})
        into.gone.update({Ref(_O.CAMPAIGN, guid): None for guid in gone})
        yield into, replace(at, campaigns=tuple(sorted(listed))).next_phase()

    def _campaign_pages(self) -> Iterator[list[Json]]:
        after: str | None = None
        while True:
            found, after = self._reader.campaigns.page(after)
            yield found
            if after is None:
                return

    # -- Companies, contacts, leads and deals

    def _changed(self, kind: ObjectType, at: Cursor) -> Iterator[Step]:
        mark = at.marks.get(at.phase)
        if not self._reader.wanted(kind):
            yield Gathered(), at.next_phase()
            return
        while at.phase == kind.value:
            into = Gathered()
            found, after = self._several(kind, mark, at.after, into)
            self._reader.add(kind, found, into)
            _note_merged(kind, found, into)
            at = at.further(after, _newest(found))
            yield into, at

    def _several(
        self, kind: ObjectType, mark: datetime | None, after: str | None, into: Gathered
    ) -> tuple[list[Json], str | None]:
        """As many records as one read of associations can take, page by page, and where to go on."""
        found: list[Json] = []
        while len(found) < LINKED:
            if mark is None:
                more, after = self._listed(kind, after)
            else:
                more, after = self._searched(kind, mark, after, into)
            found += more
            if after is None:
                break
        return found, after

    def _listed(self, kind: ObjectType, after: str | None) -> tuple[list[Json], str | None]:
        return self._reader.client.page(
            self._reader.mapping.source(kind),
            wanted=self._reader.wanted(kind),
            history=self._reader.history(kind),
            after=after,
        )

    def _searched(
        self, kind: ObjectType, mark: datetime, after: str | None, into: Gathered
    ) -> tuple[list[Json], str | None]:
        """A page of what changed since the mark, by id. The index may lag, so the records are read for
        themselves."""
        source = self._reader.mapping.source(kind)
        ids, last = changed_ids(self._reader.client, source, kind, mark=mark, behind=after)
        return self._reader.read(kind, ids, into), last

    # -- What was archived

    def _archived(self, at: Cursor) -> Iterator[Step]:
        """What was archived since the lists were read last: no search shows it. What the lists name is
        looked for, because it may live again, or in another record."""
        mark = at.marks.get(ARCHIVED)
        if at.started is None or (mark is not None and at.started - mark < ARCHIVED_EVERY):
            yield Gathered(), at.next_phase()
            return
        done = replace(at, marks={**at.marks, ARCHIVED: at.started}).next_phase()
        kinds = [kind for kind in _SEARCHED if self._reader.wanted(kind)]
        resumed, _, behind = (at.after or "").partition("/")
        if resumed in kinds:
            kinds = kinds[kinds.index(_O(resumed)) :]
        for kind, following in zip(kinds, [*kinds[1:], None], strict=True):
            after: str | None = behind if kind == resumed else ""
            while after is not None:
                into, after = self._archived_page(kind, after, since=(mark or at.started) - OVERLAP)
                if after is not None:
                    yield into, replace(at, after=f"{kind}/{after}")
                else:
                    yield into, replace(at, after=f"{following}/") if following else done
        if not kinds:
            yield Gathered(), done

    def _archived_page(self, kind: ObjectType, after: str, *, since: datetime) -> tuple[Gathered, str | None]:
        """Those of a page that were archived since then, and where the next one begins."""
        source = self._reader.mapping.source(kind)
        listed, following = self._reader.client.page(
            source, wanted=IDENTITY, after=after or None, archived=True
        )
        recent = [each for each in listed if (instant(each.get("archivedAt")) or since) >= since]
        into = Gathered()
        found = self._reader.read(kind, [str(each["id"]) for each in recent], into)
        self._reader.add(kind, found, into)
        _note_merged(kind, [*recent, *found], into)
        return into, following

    # -- Campaign members

    def _members(self, at: Cursor) -> Iterator[Step]:
        """The members of every campaign the first time. Later of as many as the allowance of calls is
        enough for, in turn: a campaign's first and last touches come with their contacts anyway."""
        everything = at.members_after is None
        order = _in_turn(at.campaigns, at.members_after)
        spent = 0
        for guid in [guid for guid in order if not everything or at.after is None or guid > at.after]:
            done = replace(at, after=guid) if everything else replace(at, members_after=guid)
            now, calls = self._reader.campaigns.contacts(guid)
            parts = self._changes(guid, now)
            for number, part in enumerate(parts, start=1):
                yield part, done if number == len(parts) else at
            self._inside[guid] = now  # not before the pages have been taken: until then they may be lost
            at, spent = done, spent + calls + len(parts)
            if not everything and spent >= self._report_calls:
                break
        yield Gathered(), replace(at, members_after=at.members_after or at.after).next_phase()

    def _changes(self, guid: str, now: Mapping[str, tuple[str, ...]]) -> list[Gathered]:
        """The campaign's new, changed and lost members in portions."""
        before = self._inside.get(guid, {})
        changed = [contact for contact, reports in now.items() if before.get(contact) != reports]
        chunks = [changed[start : start + CHUNK] for start in range(0, len(changed), CHUNK)]
        parts = [self._reader.members(guid, chunk, now) for chunk in chunks]
        lost = {
            Ref(_O.CAMPAIGN_MEMBER, f"{guid}/{contact}"): None for contact in before if contact not in now
        }
        return [*parts, *([Gathered(gone=lost)] if lost else [])]


def _in_turn(guids: Sequence[str], after: str | None) -> list[str]:
    """The sorted GUIDs, beginning behind the one that came last."""
    return [*(g for g in guids if after is None or g > after), *(g for g in guids if after and g <= after)]


def _note_merged(kind: ObjectType, payloads: Iterable[Json], into: Gathered) -> None:
    """Notes as gone what was merged into these records: nothing else says so."""
    for payload in payloads:
        into.gone.update({Ref(kind, each): None for each in merged_into(payload)})


def _newest(payloads: Iterable[Json]) -> datetime | None:
    return max(
        (moment for p in payloads if (moment := instant(p.get("updatedAt"))) is not None), default=None
    )
