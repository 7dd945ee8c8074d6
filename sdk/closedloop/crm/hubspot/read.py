"""Reads records as they are now, with everything that the loop needs to judge them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from closedloop.crm.base import Batch, Refusal
from closedloop.crm.currency import priced
from closedloop.crm.hubspot.answers import (
    Json,
    errors_of,
    identified,
    item_error,
    names_of,
    next_of,
    results_of,
)
from closedloop.crm.hubspot.campaigns import Campaigns
from closedloop.crm.hubspot.ids import is_record_id
from closedloop.crm.hubspot.payloads import (
    FIRST_TOUCH,
    LAST_TOUCH,
    MERGED_IDS,
    TOUCH_PROPERTIES,
    associate,
    member,
    properties_of,
    reports_of,
    roles,
    targets_of,
)
from closedloop.crm.hubspot.properties import CAMPAIGNS, Definitions, wanted_of
from closedloop.errors import AuthenticationError, GoneError, NormaliseError, RefusedError
from closedloop.mapping import CrmMapping
from closedloop.schema.records import Record, Ref
from closedloop.schema.vocabulary import ObjectType

if TYPE_CHECKING:
    from closedloop.crm.hubspot.client import HubSpotClient

log = logging.getLogger(__name__)

CHUNK, CHUNK_WITH_HISTORY = 100, 50
"""Records in one batch read, at most."""

LINKED = 1_000
"""Ids in one read of associations, at most: developers.hubspot.com/changelog/
bug-fix-batch-read-limit-for-hubspot-associations-api, in force since 10 February 2025."""


@dataclass(frozen=True, slots=True)
class Link:
    """One kind of association: its name in the payload and in the v3 API, the type to ask for, the
    property that names the primary one, and whether lists of the records can bring it along."""

    name: str
    type: str
    target: str
    primary: str = ""
    inline: bool = True


LINKS: Mapping[ObjectType, Sequence[Link]] = {
    ObjectType.CONTACT: (Link("companies", "contact_to_company", "companies", "associatedcompanyid"),),
    ObjectType.LEAD: (
        Link("contacts", "lead_to_contact", "contacts", "hs_primary_contact_id"),
        Link("companies", "lead_to_company", "companies", "hs_primary_company_id"),
        # Type 2741, known from others' code only: a portal that refuses to read it is taken to have none.
        Link("campaigns", "lead_to_campaign", CAMPAIGNS, inline=False),
    ),
    ObjectType.OPPORTUNITY: (
        Link("contacts", "deal_to_contact", "contacts"),
        Link("companies", "deal_to_company", "companies"),
    ),
    ObjectType.ACTIVITY: (
        Link("leads", "activity_to_lead", "leads"),
        Link("contacts", "activity_to_contact", "contacts"),
        Link("companies", "activity_to_company", "companies"),
        Link("deals", "activity_to_deal", "deals"),
    ),
}
"""The associations that a record's payload gets."""


@dataclass(slots=True)
class Gathered:
    """What a read brings, while it is being read; one record a ref, the last one read."""

    records: dict[Ref, Record] = field(default_factory=dict)
    gone: dict[Ref, None] = field(default_factory=dict)
    refused: dict[Ref, Refusal] = field(default_factory=dict)

    def batch(self) -> Batch:
        """The finished batch."""
        return Batch(
            records=tuple(self.records.values()),
            gone=tuple(ref for ref in self.gone if ref not in self.records),
            refused=tuple(self.refused.values()),
        )

    def refuse(self, ref: Ref, message: str, reason: str) -> None:
        """Notes a ref that cannot be read."""
        self.refused[ref] = Refusal(ref=ref, error=NormaliseError(message, reason=reason))


class Reader:
    """Reads CRM records in batches and turns them into ours."""

    def __init__(
        self,
        client: HubSpotClient,
        mapping: CrmMapping,
        definitions: Definitions,
        campaigns: Campaigns,
        currency: Callable[[], str | None],
    ) -> None:
        self.client, self.mapping, self.definitions, self.campaigns = client, mapping, definitions, campaigns
        self.currency = currency
        self._unlinked: set[tuple[str, str]] = set()

    def wanted(self, kind: ObjectType, source: str | None = None) -> tuple[str, ...]:
        """The properties to ask for: those of the mapping and those that show feedback, which the portal
        has."""
        touches = TOUCH_PROPERTIES if kind is ObjectType.CONTACT else ()
        primary = (link.primary for link in LINKS.get(kind, ()))
        shown = self.mapping.shown(source or self.mapping.source(kind))
        names = (*self.mapping.fields(kind, source), *touches, *primary, *MERGED_IDS, *shown)
        return wanted_of(self.definitions.of(source or self.mapping.source(kind)), names)

    def history(self, kind: ObjectType) -> tuple[str, ...]:
        """The properties to ask for with who changed them and when."""
        return wanted_of(self.definitions.of(self.mapping.source(kind)), self.mapping.history(kind))

    def links(self, kind: ObjectType) -> list[Link]:
        """The associations that a record's payload gets; to leads only where the portal has any."""
        leads = self.mapping.source(ObjectType.LEAD)
        return [link for link in LINKS.get(kind, ()) if link.target != leads or self.definitions.of(leads)]

    def read(self, kind: ObjectType, ids: Iterable[str], into: Gathered) -> list[Json]:
        """The payloads of these records. The missing are noted as gone: deleted, or merged away, in which
        case the answer holds the surviving record under its own id."""
        asked = list(dict.fromkeys(ids))
        for each in [each for each in asked if not is_record_id(each)]:
            into.refuse(Ref(kind, each), "a HubSpot record id is made of digits", "bad_id")
            asked.remove(each)
        size = CHUNK_WITH_HISTORY if self.history(kind) else CHUNK
        chunks = (asked[start : start + size] for start in range(0, len(asked), size))
        return [payload for chunk in chunks for payload in self._read_chunk(kind, chunk, into)]

    def add(self, kind: ObjectType, payloads: Sequence[Json], into: Gathered) -> None:
        """Completes CRM payloads and adds their records: of deals the contact roles too, of contacts the
        campaign members that the contact itself names."""
        source = self.mapping.source(kind)
        for link in self.links(kind):
            for deal_id, targets in self.link(source, link, payloads).items():
                if link.type == "deal_to_contact":
                    self._add_roles(deal_id, targets, into)
        for payload in payloads:
            self.label(source, payload)
            self.normalise(kind, str(payload["id"]), payload, into)
            if kind is ObjectType.CONTACT:
                self._add_members(payload, into)

    def add_member(
        self, guid: str, contact_id: str, reports: Iterable[str], contact: Mapping[str, Any], into: Gathered
    ) -> None:
        """Adds one contact's membership of one campaign; `contact` holds its properties, if it was read."""
        own = reports_of(contact, self.campaigns.resolve).get(guid, ())
        payload = member(guid, contact_id, reports, contact, own)
        self.normalise(ObjectType.CAMPAIGN_MEMBER, f"{guid}/{contact_id}", payload, into)

    def touches(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """What at most 100 contacts say about their first and last touch."""
        source = self.mapping.source(ObjectType.CONTACT)
        wanted = wanted_of(self.definitions.of(source), TOUCH_PROPERTIES)
        found = identified(results_of(self.client.read(source, ids, wanted=wanted, history=())))
        return {str(contact["id"]): properties_of(contact) for contact in found}

    def add_campaigns(self, payloads: Iterable[Json], into: Gathered) -> None:
        """Adds campaigns as the marketing API gives them."""
        for payload in payloads:
            self.normalise(ObjectType.CAMPAIGN, str(payload["id"]), payload, into)

    def normalise(self, kind: ObjectType, id_: str, payload: Json, into: Gathered) -> None:
        """Adds the record of one payload, or why it cannot be one."""
        found = self.record(kind, id_, payload)
        if isinstance(found, Refusal):
            into.refused[found.ref] = found
        else:
            into.records[found.ref] = found

    def record(
        self, kind: ObjectType, id_: str, payload: Json, source: str | None = None
    ) -> Record | Refusal:
        """The record of one complete payload, or why it cannot be one."""
        try:
            return priced(self.mapping.normalise(kind, payload, source), self.currency)
        except NormaliseError as error:
            return Refusal(ref=Ref(kind, id_), error=error)

    def members(self, guid: str, contacts: Sequence[str], reports: Mapping[str, tuple[str, ...]]) -> Gathered:
        """The members of a campaign that these contacts are, at most 100, by the reports that name them."""
        into = Gathered()
        dated = [each for each in contacts if {FIRST_TOUCH, LAST_TOUCH} & set(reports[each])]
        known = self.touches(dated) if dated else {}
        for contact in contacts:
            self.add_member(guid, contact, reports[contact], known.get(contact, {}), into)
        return into

    def label(self, source: str, payload: Json) -> None:
        """Adds the labels of the options that the payload's properties hold."""
        payload["labels"] = self.definitions.labels(source, properties_of(payload))

    def link(self, source: str, link: Link, payloads: Sequence[Json]) -> dict[str, list[Json]]:
        """Adds one kind of association to the payloads, and gives its targets by record."""
        found = self.associated(source, link.target, [str(payload["id"]) for payload in payloads])
        for payload in payloads:
            first = properties_of(payload).get(link.primary)
            associate(payload, link.name, found.get(str(payload["id"]), []), link=link.type, first=first)
        return found

    def _add_members(self, contact: Json, into: Gathered) -> None:
        properties = properties_of(contact)
        for guid in reports_of(properties, self.campaigns.resolve):
            self.add_member(guid, str(contact["id"]), (), properties, into)

    def _read_chunk(self, kind: ObjectType, ids: Sequence[str], into: Gathered) -> list[Json]:
        source = self.mapping.source(kind)
        answer = self.answer(source, ids, wanted=self.wanted(kind), history=self.history(kind))
        found = identified(results_of(answer))
        present = {str(payload["id"]) for payload in found}
        missing = [each for each in ids if each not in present]
        unreadable = self._unreadable(errors_of(answer), missing)
        for each in missing:
            if each in unreadable:
                into.refuse(Ref(kind, each), f"HubSpot refuses to show it: {unreadable[each]}", "unreadable")
            else:
                into.gone[Ref(kind, each)] = None
        return found

    def answer(
        self, source: str, ids: Sequence[str], *, wanted: Sequence[str], history: Sequence[str] = ()
    ) -> Any:
        """The answer of a batch read."""
        try:
            return self.client.read(source, ids, wanted=wanted, history=history)
        except GoneError:  # the type itself is unknown here, so none of them can exist
            return {"results": []}

    def _unreadable(self, errors: Sequence[Json], missing: Sequence[str]) -> dict[str, str]:
        """The missing ids that failed otherwise than by not being there. An error that names none of its
        inputs may be about any of them, and a record is not called gone on a guess."""
        unreadable: dict[str, str] = {}
        for told in errors:
            error = item_error(told)
            if isinstance(error, GoneError):
                continue
            if not isinstance(error, RefusedError):
                raise error
            for each in names_of(told) or missing:
                unreadable[each] = error.message
        return unreadable

    def _add_roles(self, deal_id: str, targets: Sequence[Json], into: Gathered) -> None:
        for role in roles(deal_id, targets):
            id_ = f"{role['dealId']}/{role['contactId']}"
            self.normalise(ObjectType.CONTACT_ROLE, id_, role, into)

    def associated(self, source: str, target: str, ids: Sequence[str]) -> dict[str, list[Json]]:
        """The targets by id; ids without any are left out, as HubSpot does (as errors of a 207)."""
        found: dict[str, list[Json]] = {}
        if (source, target) in self._unlinked:
            return found
        waiting = [{"id": each} for each in ids]
        while waiting:
            chunk, waiting = waiting[:LINKED], waiting[LINKED:]
            for result in results_of(self._read_links(source, target, chunk)):
                each = str((result.get("from") or {}).get("id"))
                found.setdefault(each, []).extend(targets_of(result))
                after = next_of(result)  # each id is paged by itself
                if after:
                    waiting.append({"id": each, "after": after})
        return found

    def _read_links(self, source: str, target: str, inputs: Sequence[Json]) -> Any:
        try:
            answer = self.client.associated(source, target, inputs)
        except (AuthenticationError, RefusedError) as error:
            if target != CAMPAIGNS or error.status not in (400, 403, 404):
                raise
            log.warning("HubSpot shows no campaigns of %s: %s", source, error.message)
            self._unlinked.add((source, target))
            return {"results": []}
        self._unreadable(errors_of(answer), ())
        return answer
