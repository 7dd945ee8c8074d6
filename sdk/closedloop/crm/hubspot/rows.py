"""Reads what HubSpot has no records of its own for, or an API of its own: campaigns, who is in them, and
the contacts of deals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from closedloop.crm.base import Refusal
from closedloop.crm.hubspot.ids import pair_of
from closedloop.crm.hubspot.payloads import roles
from closedloop.crm.hubspot.read import CHUNK, Gathered, Reader
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import ObjectType

_O = ObjectType

Found = Record | Refusal


class Rows:
    """Campaigns, campaign members and contact roles."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    # -- Campaigns

    def campaigns(self, guids: Sequence[str]) -> dict[str, Found]:
        """These campaigns by GUID; those that are gone are left out."""
        payloads, _ = self._reader.campaigns.read(guids)
        self._refuse_closed()
        return {str(each["id"]).lower(): self._campaign(each) for each in payloads}

    def all_campaigns(self) -> Iterator[list[Found]]:
        """All campaigns, page by page."""
        after: str | None = None
        while True:
            payloads, after = self._reader.campaigns.page(after, sort="createdAt")
            self._refuse_closed()
            yield [self._campaign(each) for each in payloads]
            if after is None:
                return

    def _campaign(self, payload: dict[str, object]) -> Found:
        return self._reader.record(_O.CAMPAIGN, str(payload["id"]).lower(), payload)

    def _refuse_closed(self) -> None:
        if self._reader.campaigns.refusal is not None:
            raise self._reader.campaigns.refusal

    # -- Who is in them

    def members(self, ids: Sequence[str]) -> dict[str, Found]:
        """These members; only the contact reports of their campaigns tell, so those are read whole."""
        found: dict[str, Found] = {}
        for guid, contacts in _grouped(ids).items():
            for page in self._members_of(guid, frozenset(contacts)):
                found |= {_id(each): each for each in page}
        return found

    def all_members(self) -> Iterator[list[Found]]:
        """The members of one campaign after the other."""
        for page in self.all_campaigns():
            for campaign in page:
                yield from self._members_of(_id(campaign))

    def _members_of(self, guid: str, only: frozenset[str] | None = None) -> Iterator[list[Found]]:
        reports, _ = self._reader.campaigns.contacts(guid)
        self._refuse_closed()
        asked = [each for each in reports if only is None or each in only]
        for start in range(0, len(asked), CHUNK):
            yield _all(self._reader.members(guid, asked[start : start + CHUNK], reports))

    # -- The contacts of deals

    def roles(self, ids: Sequence[str]) -> dict[str, Found]:
        """These contact roles."""
        deals = _grouped(ids)
        found = (each for page in self._roles_of(list(deals)) for each in page)
        asked = frozenset(ids)
        return {_id(each): each for each in found if _id(each) in asked}

    def all_roles(self) -> Iterator[list[Found]]:
        """The contact roles of a page of deals after the other: two calls per hundred deals."""
        source = self._reader.mapping.source(_O.OPPORTUNITY)
        after: str | None = None
        while True:
            deals, after = self._reader.client.page(source, wanted=("hs_object_id",), after=after)
            yield from self._roles_of([str(deal["id"]) for deal in deals])
            if after is None:
                return

    def _roles_of(self, deals: Sequence[str]) -> Iterator[list[Found]]:
        source, target = (self._reader.mapping.source(kind) for kind in (_O.OPPORTUNITY, _O.CONTACT))
        for start in range(0, len(deals), CHUNK):
            found = self._reader.associated(source, target, deals[start : start + CHUNK])
            yield [
                self._reader.record(_O.CONTACT_ROLE, f"{deal}/{role['contactId']}", role)
                for deal, targets in found.items()
                for role in roles(deal, targets)
            ]


def _all(gathered: Gathered) -> list[Found]:
    return [*gathered.records.values(), *gathered.refused.values()]


def _id(found: Found) -> str:
    return found.ref.id


def _grouped(ids: Iterable[str]) -> dict[str, list[str]]:
    """The second halves of ids made of two, by the first."""
    found: dict[str, list[str]] = {}
    for pair in map(pair_of, ids):
        if pair is not None:
            found.setdefault(pair[0], []).append(pair[1])
    return found
