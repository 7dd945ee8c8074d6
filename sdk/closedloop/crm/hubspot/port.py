"""What the resources ask of HubSpot, and who does it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from closedloop.crm.base import Refusal
from closedloop.crm.hubspot.changes import Changes
from closedloop.crm.hubspot.fetch import Fetch
from closedloop.crm.hubspot.ids import is_guid, is_record_id, pair_of
from closedloop.crm.hubspot.save import Save
from closedloop.crm.results import ChangePage, Draft, ReadResult, Verb, WriteResult
from closedloop.errors import BadValueError
from closedloop.mapping import CrmMapping
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import ObjectType

_O = ObjectType
_STAGE = re.compile(r"[^/\s]{1,100}/[^/\s]{1,100}")

_FORMS = {
    _O.CAMPAIGN: "a GUID, as 430318c4-abb7-4bf7-a75e-9c5fa8f475a6; the number in `other_id` is another",
    _O.CAMPAIGN_MEMBER: "<campaign GUID>/<contact id>",
    _O.CONTACT_ROLE: "<deal id>/<contact id>",
    _O.STAGE: "<pipeline id>/<stage id>",
}


class HubSpotPort:
    """Hands each of the resources' calls on."""

    def __init__(self, mapping: CrmMapping, fetch: Fetch, changes: Changes, save: Save) -> None:
        self.mapping = mapping
        self._fetch, self._changes, self._save = fetch, changes, save

    def check_writable(self, of: ObjectType) -> None:
        """UnsupportedError when no record of the object can be written."""
        self._save.check_writable(of)

    def checked_id(self, of: ObjectType, id: str) -> str:  # noqa: A002 - the word of the schema
        """The id as records have it; BadValueError for what cannot be one of HubSpot's ids."""
        found = _checked(of, id)
        if found is None:
            raise BadValueError(
                f"this is no id of a HubSpot {of}: expected {_FORMS.get(of, 'digits')}",
                field="id",
                reason="bad_id",
            )
        return found

    def read(
        self, of: ObjectType, ids: Sequence[str], fields: frozenset[str] | None = None
    ) -> list[ReadResult[Record]]:
        """One result per id, in order."""
        return self._fetch.read(of, ids, fields)

    def scan(self, of: ObjectType) -> Iterator[Sequence[Record | Refusal]]:
        """All of an object, page by page."""
        return self._fetch.scan(of)

    def changed(self, of: ObjectType, since: str | datetime | None) -> Iterator[ChangePage[Record]]:
        """Everything that changed since, page by page."""
        return self._changes.pages(of, since)

    def write(
        self, of: ObjectType, verb: Verb, drafts: Sequence[Draft], by: str | None = None
    ) -> list[WriteResult]:
        """One result per draft, in order."""
        return self._save.write(of, verb, drafts, by)


def _checked(of: ObjectType, id_: object) -> str | None:
    if not isinstance(id_, str):
        return None
    match of:
        case _O.CAMPAIGN:
            return id_.lower() if is_guid(id_) else None
        case _O.CAMPAIGN_MEMBER | _O.CONTACT_ROLE:
            return _pair(of, id_)
        case _O.STAGE:
            return id_ if _STAGE.fullmatch(id_) else None
        case _:
            return _number(id_) if is_record_id(id_) else None


def _pair(of: ObjectType, id_: str) -> str | None:
    pair = pair_of(id_.lower())
    if pair is None or is_guid(pair[0]) is not (of is _O.CAMPAIGN_MEMBER):
        return None
    left = pair[0] if is_guid(pair[0]) else _number(pair[0])
    return f"{left}/{_number(pair[1])}"


def _number(digits: str) -> str:
    """Without leading zeros: HubSpot answers without them."""
    return digits.lstrip("0") or "0"
