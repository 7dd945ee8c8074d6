"""Reads records by their ids, and all there are of an object, for the resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from closedloop.crm.base import Refusal
from closedloop.crm.hubspot import looking
from closedloop.crm.hubspot.answers import Json
from closedloop.crm.hubspot.looking import Looked
from closedloop.crm.hubspot.payloads import MERGED_IDS, properties_of, rank_associations, stages
from closedloop.crm.hubspot.read import CHUNK, CHUNK_WITH_HISTORY, Reader
from closedloop.crm.hubspot.rows import Rows
from closedloop.crm.results import ReadResult
from closedloop.errors import CrmError, GoneError, MergedError
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import ObjectType

_O = ObjectType

_LONGEST_QUERY = 14_000
"""Characters of property names in a URL: HubSpot's servers take about 15,000 in all (by others' accounts)."""

IDENTITY = ("hs_object_id", *MERGED_IDS)
"""The properties that tell which record it is, and which it took in."""

_REMEMBERED = 10_000
"""Activities of which it is remembered what kind they are."""

Found = Record | Refusal


class Fetch:
    """Reads a portal's objects. Threads may share it."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.rows = Rows(reader)
        self._located: dict[str, str] = {}

    def sources(self, of: ObjectType) -> tuple[str, ...]:
        """HubSpot's names of all that becomes this object."""
        return self.reader.mapping.sources(of)

    # -- By id

    def read(
        self, of: ObjectType, ids: Sequence[str], fields: frozenset[str] | None = None
    ) -> list[ReadResult[Record]]:
        """One result per id, in order."""
        match of:
            case _O.CAMPAIGN:
                found = self.rows.campaigns(ids)
            case _O.USER | _O.STAGE:
                found = self._picked(of, ids)
            case _O.CONTACT_ROLE:
                found = self.rows.roles(ids)
            case _O.CAMPAIGN_MEMBER:
                found = self.rows.members(ids)
            case _:
                return self._objects(of, ids, fields)
        return [_result(each, found.get(each), of) for each in ids]

    def _objects(
        self, of: ObjectType, ids: Sequence[str], fields: frozenset[str] | None
    ) -> list[ReadResult[Record]]:
        """An id alone does not tell what kind of activity it is, so each kind is asked for what is left.
        They share their ids: the engagements API of old, version 1, finds all of them by the id alone."""
        results: dict[str, ReadResult[Record]] = {}
        for source in self.sources(of):
            left = [each for each in ids if not _is_settled(results.get(each))]
            for each in self.of_source(of, source, left, fields):
                results[each.id] = each
                if each.record is not None and of is _O.ACTIVITY:
                    self._remember(each.id, source)
        return [results[each] for each in ids]

    def located(self, of: ObjectType, ids: Sequence[str]) -> dict[str, str]:
        """Which of the object's sources each record is in; those that are in none are left out."""
        sources = self.sources(of)
        if len(sources) == 1:
            return dict.fromkeys(ids, sources[0])
        known = ((each, self._located.get(each)) for each in ids)  # another thread may be forgetting them
        found = {each: source for each, source in known if source is not None}
        for source in sources:
            left = [each for each in ids if each not in found]
            for start in range(0, len(left), CHUNK):
                found |= dict.fromkeys(
                    self.look(of, source, left[start : start + CHUNK], wanted=IDENTITY).payloads, source
                )
        return found

    def of_source(
        self, of: ObjectType, source: str, ids: Sequence[str], fields: frozenset[str] | None = None
    ) -> list[ReadResult[Record]]:
        """One result per id, of one of the object's sources."""
        history = self.reader.history(of) if _needs_history(fields) else ()
        size = CHUNK_WITH_HISTORY if history else CHUNK
        results: list[ReadResult[Record]] = []
        for start in range(0, len(ids), size):
            chunk = ids[start : start + size]
            looked = self.look(of, source, chunk, history=history)
            records = self._completed(of, source, looked.payloads, linked=_needs_links(fields))
            results += [_result(each, records.get(each), of, looked.errors.get(each)) for each in chunk]
        return results

    def _remember(self, id_: str, source: str) -> None:
        if len(self._located) >= _REMEMBERED:
            self._located.clear()
        self._located[id_] = source

    def look(
        self,
        of: ObjectType,
        source: str,
        ids: Sequence[str],
        *,
        wanted: Sequence[str] | None = None,
        history: Sequence[str] = (),
    ) -> Looked:
        """The payloads of at most 100 records, 50 with history; `wanted` are properties, else all."""
        names = self._wanted(of, source) if wanted is None else wanted
        answer = self.reader.answer(source, ids, wanted=names, history=history)
        looked, silent = looking.read(ids, answer)
        for each in silent:  # merged, or an error that names nobody: by itself the answer is about it alone
            about = answer if len(ids) == 1 else self.reader.answer(source, [each], wanted=IDENTITY)
            looked.errors[each] = looking.alone(of, each, about)
        return looked

    def _completed(
        self, of: ObjectType, source: str, payloads: Mapping[str, Json], *, linked: bool
    ) -> dict[str, Found]:
        for link in self.reader.links(of) if linked else ():
            self.reader.link(source, link, list(payloads.values()))
        return {each: self._record(of, source, payload) for each, payload in payloads.items()}

    def _record(self, of: ObjectType, source: str, payload: Json) -> Found:
        self.reader.label(source, payload)
        return self.reader.record(of, str(payload["id"]), payload, source)

    def _wanted(self, of: ObjectType, source: str) -> tuple[str, ...]:
        """The properties to ask for; where the portal does not show what it has, all of the mapping's:
        HubSpot passes over those that it does not know."""
        return self.reader.wanted(of, source) or self.reader.mapping.fields(of, source)

    def _picked(self, of: ObjectType, ids: Sequence[str]) -> dict[str, Found]:
        """Of what HubSpot lists only as a whole, those that were asked for."""
        asked = frozenset(ids)
        every = (found for page in self.scan(of) for found in page)
        return {found.ref.id: found for found in every if found.ref.id in asked}

    # -- All there are

    def scan(self, of: ObjectType) -> Iterator[list[Found]]:
        """All of an object, page by page."""
        match of:
            case _O.CAMPAIGN:
                return self.rows.all_campaigns()
            case _O.USER:
                return self._users()
            case _O.STAGE:
                return iter([self._stages()])
            case _O.CONTACT_ROLE:
                return self.rows.all_roles()
            case _O.CAMPAIGN_MEMBER:
                return self.rows.all_members()
            case _:
                return (page for source in self.sources(of) for page in self._all(of, source))

    def _all(self, of: ObjectType, source: str) -> Iterator[list[Found]]:
        after: str | None = None
        while True:
            found, after = self.page(of, source, after)
            yield found
            if after is None:
                return

    def page(self, of: ObjectType, source: str, after: str | None) -> tuple[list[Found], str | None]:
        """The records of a page of the list, and where the next one begins."""
        payloads, after = self.listed(of, source, after)
        return [self._record(of, source, payload) for payload in payloads], after

    def listed(self, of: ObjectType, source: str, after: str | None) -> tuple[list[Json], str | None]:
        """A page of the list, with its associations: those that the list itself brings cost no call."""
        links = self.reader.links(of)
        inline = [link for link in links if link.inline]
        history, wanted = self.reader.history(of), self._wanted(of, source)
        fits = len(",".join((*wanted, *history))) <= _LONGEST_QUERY
        payloads, after = self.reader.client.page(
            source,
            wanted=wanted if fits else ("hs_object_id",),
            history=history if fits else (),
            after=after,
            associations=[link.target for link in inline],
        )
        if not fits:
            payloads = self._filled(of, source, payloads)
        for payload in payloads:
            for link in inline:
                first = properties_of(payload).get(link.primary)
                rank_associations(payload, link.name, link=link.type, first=first)
        for link in links:
            if not link.inline:
                self.reader.link(source, link, payloads)
        return payloads, after

    def _filled(self, of: ObjectType, source: str, listed: Sequence[Json]) -> list[Json]:
        """The same records with all properties, where the names of those are too many for a URL."""
        history, links = self.reader.history(of), {str(each["id"]): each for each in listed}
        size = CHUNK_WITH_HISTORY if history else CHUNK
        filled: list[Json] = []
        for start in range(0, len(listed), size):
            chunk = [str(each["id"]) for each in listed[start : start + size]]
            found = self.look(of, source, chunk, history=history).payloads
            filled += [{**links[each], **payload} for each, payload in found.items()]
        return filled

    def _users(self) -> Iterator[list[Found]]:
        """Owners who left come in a list of their own, and nobody twice."""
        seen: set[str] = set()
        for page in self.reader.client.owners():
            new = {str(owner["id"]): owner for owner in page if str(owner["id"]) not in seen}
            seen.update(new)
            yield [self.reader.record(_O.USER, each, owner) for each, owner in new.items()]

    def _stages(self) -> list[Found]:
        found: list[Found] = []
        for kind in (_O.OPPORTUNITY, _O.LEAD):
            source = self.reader.mapping.source(kind)
            if not self.reader.wanted(kind):  # the portal has no leads
                continue
            for stage in stages(self.reader.client.pipelines(source), source):
                id_ = f"{stage['pipelineId']}/{stage.get('id')}"
                found.append(self.reader.record(_O.STAGE, id_, stage))
        return found


def _needs_history(fields: frozenset[str] | None) -> bool:
    return fields is None or any(name.startswith("stage_changed") for name in fields)


def _needs_links(fields: frozenset[str] | None) -> bool:
    """Whether one of the fields may come from an association; an owner is a property."""
    return fields is None or any(name.endswith("_id") and name != "owner_id" for name in fields)


def _is_settled(result: ReadResult[Record] | None) -> bool:
    return result is not None and (
        not isinstance(result.error, GoneError) or isinstance(result.error, MergedError)
    )


def _result(
    id_: str, found: Found | None, of: ObjectType, error: CrmError | None = None
) -> ReadResult[Record]:
    if isinstance(found, Refusal):
        return ReadResult(id=id_, error=found.error)
    return ReadResult(id=id_, record=found, error=None if found else error or looking.gone(of))
