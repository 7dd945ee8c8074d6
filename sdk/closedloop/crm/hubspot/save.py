"""Writes records for the resources: a batch at a time, and one result for each record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from closedloop.crm.hubspot import writing
from closedloop.crm.hubspot.answers import Json
from closedloop.crm.hubspot.creating import Creating
from closedloop.crm.hubspot.fetch import Fetch
from closedloop.crm.hubspot.ids import is_guid
from closedloop.crm.hubspot.links import Change, Linked, Links
from closedloop.crm.hubspot.looking import gone
from closedloop.crm.hubspot.read import Link
from closedloop.crm.hubspot.roles import RoleWriter
from closedloop.crm.hubspot.values import Prepared, Values
from closedloop.crm.hubspot.writing import Ledger, Row, partly
from closedloop.crm.results import Draft, Verb, WriteOutcome, WriteResult
from closedloop.errors import (
    BadValueError,
    ClosedLoopError,
    GoneError,
    UnsupportedError,
)
from closedloop.schema.vocabulary import ObjectType

_O = ObjectType

_CLOSED: Mapping[ObjectType, str] = {
    _O.CAMPAIGN_MEMBER: "HubSpot itself works out whom a campaign reached",
    _O.USER: "users are invited and removed in HubSpot's settings",
    _O.STAGE: "stages are made in HubSpot's settings, for all users at once",
}
"""What cannot be written at all."""

_REQUIRED: Mapping[ObjectType, tuple[str, ...]] = {
    _O.LEAD: ("name", "contact_id"),
    _O.CAMPAIGN: ("name",),
    _O.ACTIVITY: ("happened_at",),
}
"""What HubSpot does not create a record without. A lead needs an existing contact, which is then its primary
one, and is deleted with the last of them: developers.hubspot.com/docs/guides/api/crm/objects/leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One call: `key` is the property to upsert by."""

    of: ObjectType
    verb: Verb
    ledger: Ledger
    key: str = ""


class Save:
    """Writes a portal's objects."""

    def __init__(self, fetch: Fetch, values: Values) -> None:
        self._fetch, self._values = fetch, values
        self._reader, self._mapping = fetch.reader, fetch.reader.mapping
        self._links = Links(fetch.reader)
        self._roles = RoleWriter(fetch.reader, self._links)

    def check_writable(self, of: ObjectType) -> None:
        """UnsupportedError when no record of the object can be written."""
        if of in _CLOSED:
            raise UnsupportedError(f"no {of} can be written: {_CLOSED[of]}", reason="not_written")

    def write(
        self, of: ObjectType, verb: Verb, drafts: Sequence[Draft], by: str | None = None
    ) -> list[WriteResult]:
        """One result per draft, in order."""
        self.check_writable(of)
        ledger = Ledger(drafts)
        if of is _O.CONTACT_ROLE:
            self._roles.write(verb, drafts, ledger)
        else:
            key = self._key(of, by or "") if verb is Verb.UPSERT else ""
            self._write(_Job(of=of, verb=verb, ledger=ledger, key=key), drafts)
        return ledger.results()

    def _write(self, job: _Job, drafts: Sequence[Draft]) -> None:
        by_source = self._rows(job, drafts)
        linked = job.verb in {Verb.UPDATE, Verb.UPSERT} and any(
            row.prepared.links for rows in by_source.values() for row in rows
        )
        links = self._reader.links(job.of) if linked else []  # may ask HubSpot: before anything is written
        for source, rows in by_source.items():
            self._send(job, source, rows)
            self._associate(job, source, rows, links)
            for row in rows:
                if job.ledger.result(row.place) is None and job.ledger.stopped is None:
                    job.ledger.done(row.place, WriteOutcome.UNCHANGED, row.id)  # there was nothing to send

    def _send(self, job: _Job, source: str, rows: Sequence[Row]) -> None:
        match job.verb:
            case Verb.CREATE:
                unique = tuple(self._values.unique(job.of, source))
                Creating(self._fetch, job.of, source, unique=unique, ledger=job.ledger).send(rows)
            case Verb.UPDATE:
                with_values = [row for row in rows if row.properties]
                writing.update(self._fetch, job.of, source, with_values, job.ledger)
            case Verb.UPSERT:
                writing.upsert(self._fetch, source, job.key, rows, job.ledger)
            case Verb.DELETE:
                writing.delete(self._fetch, job.of, source, rows, job.ledger)

    # -- From drafts to rows

    def _rows(self, job: _Job, drafts: Sequence[Draft]) -> dict[str, list[Row]]:
        """The drafts that can be sent, by source; those that cannot are settled."""
        ids = [draft.id for draft in drafts if draft.id is not None]
        located = self._fetch.located(job.of, ids) if ids else {}
        rows: dict[str, list[Row]] = {}
        for place, draft in enumerate(drafts):
            try:
                source = self._source(job.of, draft, located)
                rows.setdefault(source, []).append(self._row(job, source, place, draft))
            except ClosedLoopError as error:
                if not writing.concerns_one(error):
                    raise
                if isinstance(error, GoneError) and job.verb is Verb.DELETE:
                    job.ledger.done(place, WriteOutcome.DELETED, draft.id)
                else:
                    job.ledger.fail(place, error, draft.id)
        return rows

    def _source(self, of: ObjectType, draft: Draft, located: Mapping[str, str]) -> str:
        if draft.id is None:
            return self._mapping.source_for(of, draft.values)
        if draft.id not in located:
            raise gone(of)
        return located[draft.id]

    def _row(self, job: _Job, source: str, place: int, draft: Draft) -> Row:
        if job.verb is Verb.DELETE:
            return Row(place=place, id=draft.id, prepared=Prepared())
        self._check(job, draft)
        prepared = self._resolved(self._values.prepared(job.of, source, draft))
        key = prepared.properties.get(job.key, "")
        if job.key and not key:
            raise BadValueError(f"without `{job.key}` nothing tells which {job.of} is meant", reason="no_key")
        inline = tuple(self._inline(job.of, source, prepared)) if job.verb is Verb.CREATE else ()
        return Row(place=place, id=draft.id, prepared=prepared, key=key, associations=inline)

    def _check(self, job: _Job, draft: Draft) -> None:
        """Refuses what HubSpot would refuse, or worse: a lead without its last contact is deleted."""
        missing = [name for name in _REQUIRED.get(job.of, ()) if draft.values.get(name) is None]
        cleared = [name for name in missing if name in draft.values]
        if missing and job.verb is Verb.CREATE:
            message = f"HubSpot creates no {job.of} without {' and '.join(missing)}"
            raise BadValueError(message, field=missing[0], reason="required")
        if cleared:
            message = f"a {job.of} of HubSpot's cannot be without {cleared[0]}: give another, or delete it"
            raise BadValueError(message, field=cleared[0], reason="required")
        fixed = [name for name in draft.values if name in self._mapping.create_only(job.of)]
        if fixed and job.verb is Verb.UPDATE:
            message = f"{fixed[0]} of a {job.of} never changes"
            raise UnsupportedError(message, field=fixed[0], reason="create_only")

    def _resolved(self, prepared: Prepared) -> Prepared:
        """Campaigns are associated by their numeric id; a record of ours bears the GUID."""
        guid = prepared.links.get("campaigns")
        if guid is None or not is_guid(guid):
            return prepared
        found, _ = self._reader.campaigns.read([guid])
        number = next((each.get("properties", {}).get("hs_object_id") for each in found), None)
        if not number:
            raise gone(_O.CAMPAIGN)
        return replace(prepared, links={**prepared.links, "campaigns": str(number)})

    def _inline(self, of: ObjectType, source: str, prepared: Prepared) -> Iterator[Json]:
        for link in self._reader.links(of):
            target = prepared.links.get(link.name)
            if target is not None:
                yield self._links.inline(source, link, target)

    def _key(self, of: ObjectType, by: str) -> str:
        """The property to upsert by; UnsupportedError names those that would do."""
        source = self._mapping.source(of)
        unique = tuple(self._values.unique(of, source))
        if of in _REQUIRED or len(self._fetch.sources(of)) > 1 or not unique:
            raise UnsupportedError(
                f"HubSpot can upsert no {of} here: find the record, then update or create it",
                reason="no_upsert",
            )
        named = {str(path[-1]): name for name, path in self._mapping.writable(of, source).items()}
        found = next((name for name in unique if named[name] == by), None)
        if found is None:
            would = ", ".join(sorted(named[name] for name in unique))
            raise UnsupportedError(
                f"HubSpot does not keep `{by}` unique to one {of}: upsert by {would}, or by a property that "
                f"was made with unique values",
                field=by,
                reason="not_unique",
            )
        return found

    # -- Associations

    def _associate(self, job: _Job, source: str, rows: Sequence[Row], links: Sequence[Link]) -> None:
        for link in links:
            changes = [
                Change(
                    place=row.place,
                    id=_id(row, job.ledger),
                    field=row.prepared.fields[link.name],
                    target=row.prepared.links[link.name],
                )
                for row in rows
                if link.name in row.prepared.links and not _is_over(row, job.ledger)
            ]
            if job.ledger.stopped is None:
                linked = self._links.write(source, link, changes)
            else:
                linked = Linked().failed(changes, job.ledger.stopped)
            job.ledger.stopped = linked.stopped
            for change in changes:
                self._note(job.ledger, change, linked.errors.get(change.place))

    def _note(self, ledger: Ledger, change: Change, error: ClosedLoopError | None) -> None:
        was_written = ledger.result(change.place) is not None
        if error is not None:
            told = partly(error, change.field) if was_written else error
            ledger.fail(change.place, told, change.id)
        elif not was_written:
            ledger.done(change.place, WriteOutcome.UPDATED, change.id)


def _id(row: Row, ledger: Ledger) -> str:
    """The id of the row's record; an upsert has found it out by now."""
    result = ledger.result(row.place)
    return str(row.id if result is None or result.id is None else result.id)


def _is_over(row: Row, ledger: Ledger) -> bool:
    """Whether nothing more is to be done for the row: it failed, or was never sent."""
    result = ledger.result(row.place)
    if result is None:
        return ledger.stopped is not None
    return not result.ok
