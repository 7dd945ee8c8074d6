"""What the resources of a connected org rest on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from closedloop.crm.base import Refusal
from closedloop.crm.results import ChangePage, Draft, ReadResult, Verb, WriteResult
from closedloop.crm.salesforce.changes import Changes
from closedloop.crm.salesforce.fetch import Fetch, checked_prefix
from closedloop.crm.salesforce.ids import full_id
from closedloop.crm.salesforce.save import Save
from closedloop.errors import BadValueError
from closedloop.mapping import CrmMapping
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import ObjectType


class SalesforcePort:
    """Reads and writes the objects of one org; see `crm.resource.Port`."""

    def __init__(self, mapping: CrmMapping, fetch: Fetch, changes: Changes, save: Save) -> None:
        self.mapping = mapping
        self._fetch = fetch
        self._changes = changes
        self._save = save

    def check_writable(self, of: ObjectType) -> None:
        """UnsupportedError when no record of the object can be written."""
        self._save.check_writable(of)

    def checked_id(self, of: ObjectType, id: str) -> str:  # noqa: A002 - the word of the schema
        """The id in its 18-character form; a stage's is its name, and stays as it is."""
        given: object = id
        if of is ObjectType.STAGE and isinstance(given, str) and given.strip():
            return given
        try:
            found = full_id(given)
        except ValueError as exc:
            raise BadValueError(f"{of}: {exc}", field="id", reason="bad_id") from exc
        if not checked_prefix(self.mapping.sources(of), found):
            raise BadValueError(
                f"the id begins with {found[:3]}: it is not one of a {of}", field="id", reason="bad_id"
            )
        return found

    def read(
        self, of: ObjectType, ids: Sequence[str], fields: frozenset[str] | None = None
    ) -> Sequence[ReadResult[Record]]:
        """One result per id, in order."""
        return self._fetch.read(of, ids, fields)

    def scan(self, of: ObjectType) -> Iterator[Sequence[Record | Refusal]]:
        """All of an object, page by page."""
        return self._fetch.scan(of)

    def changed(self, of: ObjectType, since: str | datetime | None) -> Iterator[ChangePage[Record]]:
        """Everything that changed since."""
        return self._changes.changed(of, since)

    def write(
        self, of: ObjectType, verb: Verb, drafts: Sequence[Draft], by: str | None = None
    ) -> Sequence[WriteResult]:
        """One result per draft, in order."""
        return self._save.write(of, verb, drafts, by)
