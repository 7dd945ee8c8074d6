"""Writes feedback to contacts and campaigns: what is shown already is not written again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from closedloop.crm.hubspot.answers import Json, errors_of, item_error, results_of
from closedloop.crm.hubspot.campaigns import CHUNK
from closedloop.crm.hubspot.compare import differences, form, same
from closedloop.crm.hubspot.ids import is_guid, is_record_id
from closedloop.crm.hubspot.notes import removed, replaced
from closedloop.crm.hubspot.outbox import Item, Outbox, chunks
from closedloop.crm.hubspot.payloads import properties_of
from closedloop.crm.hubspot.properties import CAMPAIGNS, Definition, Definitions
from closedloop.crm.hubspot.showing import campaign_lines, campaign_values, person_values
from closedloop.errors import CrmError, GoneError, RefusedError
from closedloop.loop.feedback import (
    CampaignFeedback,
    DeliveryResult,
    Feedback,
    FeedbackKind,
    PersonFeedback,
    ReasonFeedback,
)
from closedloop.mapping import CrmMapping
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import ObjectType

if TYPE_CHECKING:
    from closedloop.crm.hubspot.client import HubSpotClient

log = logging.getLogger(__name__)

NOTES = "hs_notes"
_CONTACTS_AT_ONCE = 100


class Writer:
    """Delivers feedback. `currency` gives the portal's own."""

    def __init__(
        self,
        client: HubSpotClient,
        mapping: CrmMapping,
        definitions: Definitions,
        currency: Callable[[], str | None],
    ) -> None:
        self._client, self._mapping, self._definitions = client, mapping, definitions
        self._currency = currency
        self._only_notes = False

    def deliver(self, feedback: Sequence[Feedback]) -> list[DeliveryResult]:
        """Writes the feedback; one result each, in order."""
        outbox = Outbox(feedback)
        people: list[tuple[int, PersonFeedback]] = []
        campaigns: list[tuple[int, CampaignFeedback]] = []
        for place, given in enumerate(feedback):
            error = _misaddressed(given)
            if error is not None:
                outbox.settle(place, error=error)
            elif isinstance(given, PersonFeedback):
                people.append((place, given))
            elif isinstance(given, CampaignFeedback):
                campaigns.append((place, given))
        try:
            self._people(people, outbox)
            self._campaigns(campaigns, outbox)
        except CrmError as error:
            outbox.stop(error)
        return outbox.results()

    def differences(self, feedback: Feedback, record: Record) -> Mapping[str, str] | None:
        """In which of our fields the record, as it was read, shows something else than this feedback; None
        where it cannot be told, as where a campaign's notes stand in for properties."""
        fields = self._known(feedback.kind, self._definitions.of(_object_of(feedback.kind, self._mapping)))
        return differences(feedback, properties_of(record.raw), fields, currency=self._currency())

    def form(self) -> str:
        """Changes whenever the portal changes something about the properties that feedback is written to."""
        kinds = (FeedbackKind.PERSON, FeedbackKind.CAMPAIGN)
        known = {kind: self._definitions.of(_object_of(kind, self._mapping)) for kind in kinds}
        return form((self._known(kind, known[kind]), known[kind]) for kind in kinds)

    # -- Contacts

    def _people(
        self, given: Sequence[tuple[int, PersonFeedback]], outbox: Outbox, *, again: bool = True
    ) -> None:
        if not given:
            return
        source = self._mapping.source(ObjectType.CONTACT)
        fields = self._existing(FeedbackKind.PERSON, source)
        if "outcome" not in fields:
            for place, _ in given:
                outbox.settle(place, error=_not_installed("contact"))
            return
        items = [
            Item(place=place, id=each.target.id, changes=_named(person_values(each), fields))
            for place, each in given
        ]
        try:
            outbox.send(
                items,
                size=_CONTACTS_AT_ONCE,
                update=lambda inputs: self._update_contacts(source, inputs, again=again),
            )
        except _PropertiesRefusedError:
            self._definitions.forget()
            self._people(given, outbox, again=False)

    def _update_contacts(self, source: str, inputs: Sequence[Json], *, again: bool) -> object:
        try:
            return self._client.update(source, inputs)
        except RefusedError as error:
            if again and _is_unknown(error):  # a property was deleted since it was looked up
                raise _PropertiesRefusedError from None
            raise

    # -- Campaigns

    def _campaigns(self, given: Sequence[tuple[int, CampaignFeedback]], outbox: Outbox) -> None:
        by_place = dict(given)
        items = [Item(place=place, id=each.campaign_id.lower(), changes={}) for place, each in given]
        for chunk in chunks(items, CHUNK):
            if outbox.stopped:
                return
            self._campaign_chunk(chunk, by_place, outbox)

    def _campaign_chunk(
        self, chunk: Sequence[Item], given: Mapping[int, CampaignFeedback], outbox: Outbox
    ) -> None:
        """Writes the differences between what these campaigns show and what they should show."""
        fields = self._campaign_fields()
        try:
            shown = self._shown([item.id for item in chunk], [*fields.values(), NOTES])
            changed: list[Item] = []
            for item in chunk:
                current = shown.get(item.id)
                if current is None:
                    outbox.settle(item.place, error=_gone())
                    continue
                changes = self._changes(given[item.place], fields, current)
                if changes:
                    changed.append(Item(place=item.place, id=item.id, changes=changes))
                else:
                    outbox.settle(item.place)
            outbox.send(changed, size=CHUNK, update=lambda inputs: self._update_campaigns(inputs, fields))
        except _PropertiesRefusedError:
            self._campaign_chunk(chunk, given, outbox)

    def _campaign_fields(self) -> Mapping[str, str]:
        """Our campaign fields that the portal has; none: the notes stand in for them."""
        return {} if self._only_notes else self._existing(FeedbackKind.CAMPAIGN, CAMPAIGNS)

    def _shown(self, guids: Sequence[str], wanted: Sequence[str]) -> dict[str, Mapping[str, object]]:
        """What the campaigns show by GUID; those that are gone are left out."""
        answer = self._guarded(
            lambda: self._client.read_campaigns(guids, wanted=wanted), custom=len(wanted) > 1
        )
        for told in errors_of(answer):
            error = item_error(told)
            if not isinstance(error, RefusedError):
                raise error
        return {str(each.get("id")).lower(): each.get("properties") or {} for each in results_of(answer)}

    def _update_campaigns(self, inputs: Sequence[Json], fields: Mapping[str, str]) -> object:
        return self._guarded(lambda: self._client.update_campaigns(inputs), custom=bool(fields))

    def _guarded(self, call: Callable[[], object], *, custom: bool) -> object:
        """The call's answer. The definitions may list properties that the campaigns API does not take:
        then the notes it is, for as long as this process lives."""
        try:
            answer = call()
            refusal = next((e for e in map(item_error, errors_of(answer)) if _is_unknown(e)), None)
        except RefusedError as error:
            if not (custom and _is_unknown(error)):
                raise
            refusal = error
        if not custom or refusal is None:
            return answer
        log.warning(
            "HubSpot's campaigns take no custom properties; their notes are used: %s", refusal.message
        )
        self._only_notes = True
        raise _PropertiesRefusedError

    def _changes(
        self, given: CampaignFeedback, fields: Mapping[str, str], current: Mapping[str, object]
    ) -> dict[str, str]:
        """What to set. With properties of its own a campaign needs no block in its notes: one from before
        they were made would show old numbers for ever."""
        notes = str(current.get(NOTES) or "")
        wanted = _named(campaign_values(given, self._currency()), fields) if fields else {}
        wanted[NOTES] = removed(notes) if fields else replaced(notes, campaign_lines(given))
        return {name: text for name, text in wanted.items() if not same(text, _shown(current.get(name)))}

    def _existing(self, kind: FeedbackKind, object_type: str) -> Mapping[str, str]:
        """Our fields of this kind and the portal's properties for them, those that it has."""
        target = self._mapping.feedback(kind)
        known = self._definitions.of(object_type)
        if target and len(self._known(kind, known)) < len(target.fields):
            known = self._definitions.newest(object_type)  # somebody may have installed them just now
        return self._known(kind, known)

    def _known(self, kind: FeedbackKind, known: Mapping[str, Definition]) -> Mapping[str, str]:
        target = self._mapping.feedback(kind)
        wanted = target.fields if target else {}
        return {ours: theirs for ours, theirs in wanted.items() if theirs in known}


def _object_of(kind: FeedbackKind, mapping: CrmMapping) -> str:
    return CAMPAIGNS if kind is FeedbackKind.CAMPAIGN else mapping.source(ObjectType.CONTACT)


def _is_unknown(error: CrmError) -> bool:
    return error.reason == "unknown_property"


class _PropertiesRefusedError(Exception):
    """HubSpot does not take one of our properties. Never leaves this module."""


def _misaddressed(given: Feedback) -> CrmError | None:
    """Why this feedback can go nowhere, if so."""
    match given:
        case ReasonFeedback():
            text = "HubSpot has no place for rows by reason: they are part of the campaign's feedback"
            return RefusedError(text, reason="unsupported")
        case PersonFeedback() if given.target.object is not ObjectType.CONTACT:
            return RefusedError("HubSpot shows people's feedback on contacts only", reason="unsupported")
        case PersonFeedback() if not is_record_id(given.target.id):
            return RefusedError("a HubSpot contact id is made of digits", reason="bad_id")
        case CampaignFeedback() if not is_guid(given.campaign_id):
            return RefusedError("a HubSpot campaign is named by its GUID", reason="bad_id")
        case _:
            return None


def _named(values: Mapping[str, str], fields: Mapping[str, str]) -> dict[str, str]:
    return {theirs: values[ours] for ours, theirs in fields.items() if ours in values}


def _shown(current: object) -> str:
    """What a property shows; HubSpot leaves empty ones out."""
    return "" if current is None else str(current)


def _gone() -> CrmError:
    return GoneError(
        "the campaign was deleted in HubSpot", reason="gone", status=404, code="OBJECT_NOT_FOUND"
    )


def _not_installed(kind: str) -> CrmError:
    return RefusedError(
        f"the {kind} properties of Closed Loop do not exist in this portal: install them first",
        reason="not_installed",
        code="PROPERTY_DOESNT_EXIST",
    )
