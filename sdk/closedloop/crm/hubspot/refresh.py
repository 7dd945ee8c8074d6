"""Reads the present state of the objects that a hint named, and of the people and campaigns around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from closedloop.crm.base import Batch
from closedloop.crm.hubspot.answers import Json
from closedloop.crm.hubspot.ids import is_guid, pair_of
from closedloop.crm.hubspot.payloads import stages
from closedloop.crm.hubspot.read import Gathered, Reader
from closedloop.schema.records import CampaignMember, ContactRole, Lead, Ref
from closedloop.schema.vocabulary import ObjectType

_O = ObjectType


def refresh(reader: Reader, refs: Iterable[Ref]) -> Batch:
    """The batch of these refs: leads and deals with their people, contacts with the campaigns they name."""
    asked: dict[ObjectType, dict[str, None]] = {kind: {} for kind in ObjectType}
    for ref in refs:
        asked[ref.object][ref.id] = None
    return _Refresh(reader, asked).batch()


class _Refresh:
    """One refresh: what was asked for, and what has come in."""

    def __init__(self, reader: Reader, asked: Mapping[ObjectType, Mapping[str, None]]) -> None:
        self.reader, self.asked, self.into = reader, asked, Gathered()

    def batch(self) -> Batch:
        """Reads everything, those first that name others."""
        self._read(_O.LEAD, self.asked[_O.LEAD])
        self._read(_O.OPPORTUNITY, [*self.asked[_O.OPPORTUNITY], *self._halves(_O.CONTACT_ROLE, 0)])
        people = [*self.asked[_O.CONTACT], *self._halves(_O.CAMPAIGN_MEMBER, 1), *self._people()]
        self._read(_O.CONTACT, people)
        self._read(_O.ACCOUNT, self.asked[_O.ACCOUNT])
        self._read_members()
        self._read_campaigns()
        self._pick(_O.USER, self._owners)
        self._pick(_O.STAGE, self._stages)
        for id_ in self.asked[_O.ACTIVITY]:
            self.into.refuse(Ref(_O.ACTIVITY, id_), "activities are not read from HubSpot", "unsupported")
        self._note_missing(_O.CONTACT_ROLE)
        return self.into.batch()

    def _read(self, kind: ObjectType, ids: Iterable[str]) -> None:
        payloads = self.reader.read(kind, ids, self.into)
        if payloads:
            self.reader.add(kind, payloads, self.into)

    def _halves(self, kind: ObjectType, place: int) -> list[str]:
        pairs = (pair_of(id_) for id_ in self.asked[kind])
        return [pair[place] for pair in pairs if pair is not None]

    def _people(self) -> list[str]:
        """The contacts of the leads and deals read so far."""
        found: list[str] = []
        for record in self.into.records.values():
            if isinstance(record, ContactRole):
                found.append(record.contact_id)
            elif isinstance(record, Lead):
                found += [
                    *_associated(record.raw, "contacts"),
                    *([record.contact_id] if record.contact_id else []),
                ]
        return found

    def _read_members(self) -> None:
        """Members that somebody asked for by name and that their contact does not tell of: influenced
        only. Just their campaigns' reports are read again."""
        open_ = [
            pair
            for id_ in self.asked[_O.CAMPAIGN_MEMBER]
            if (pair := pair_of(id_)) and Ref(_O.CAMPAIGN_MEMBER, id_) not in self.into.records
        ]
        for guid in dict.fromkeys(pair[0] for pair in open_ if is_guid(pair[0])):
            inside, _ = self.reader.campaigns.contacts(guid)
            for contact_id in [pair[1] for pair in open_ if pair[0] == guid]:
                if contact_id in inside:
                    self.reader.add_member(guid, contact_id, inside[contact_id], {}, self.into)
        self._note_missing(_O.CAMPAIGN_MEMBER)

    def _read_campaigns(self) -> None:
        """The campaigns asked for, by either id, and those that the records name."""
        resolve = self.reader.campaigns.resolve
        named: dict[str, None] = {}
        for id_ in self.asked[_O.CAMPAIGN]:
            guid = resolve(id_)
            if guid is None:
                self.into.gone[Ref(_O.CAMPAIGN, id_)] = None
            else:
                named[guid] = None
        for record in tuple(self.into.records.values()):
            ids = [record.campaign_id] if isinstance(record, CampaignMember) else []
            ids += _associated(record.raw, "campaigns") if isinstance(record, Lead) else []
            named.update({guid: None for each in ids if (guid := resolve(each))})
        found, missing = self.reader.campaigns.read(named)
        self.reader.add_campaigns(found, self.into)
        for guid in missing:
            self.into.gone[Ref(_O.CAMPAIGN, guid)] = None

    def _owners(self) -> Iterable[tuple[str, Json]]:
        return ((str(owner["id"]), owner) for page in self.reader.client.owners() for owner in page)

    def _stages(self) -> Iterable[tuple[str, Json]]:
        for kind in (_O.OPPORTUNITY, _O.LEAD):
            source = self.reader.mapping.source(kind)
            for stage in stages(self.reader.client.pipelines(source), source):
                yield f"{stage['pipelineId']}/{stage.get('id')}", stage

    def _pick(self, kind: ObjectType, everything: Callable[[], Iterable[tuple[str, Json]]]) -> None:
        """Of a kind that HubSpot lists only as a whole, those that were asked for."""
        if not self.asked[kind]:
            return
        for id_, payload in everything():
            if id_ in self.asked[kind]:
                self.reader.normalise(kind, id_, payload, self.into)
        self._note_missing(kind)

    def _note_missing(self, kind: ObjectType) -> None:
        for id_ in self.asked[kind]:
            ref = Ref(kind, id_)
            if ref not in self.into.records and ref not in self.into.refused:
                self.into.gone[ref] = None


def _associated(payload: Mapping[str, Any], kind: str) -> list[str]:
    """The ids of a payload's associations, which this adapter itself has put there."""
    listed = payload.get("associations", {}).get(kind, {}).get("results", [])
    return [str(each["id"]) for each in listed]
