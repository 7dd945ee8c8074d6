"""Drafts as the org takes them: which object and fields, checked against describe before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from closedloop.crm.results import Draft, Verb
from closedloop.crm.salesforce.describes import Described, Describes, Field
from closedloop.crm.salesforce.fetch import Fetch
from closedloop.errors import BadValueError, ClosedLoopError, UnsupportedError
from closedloop.mapping import CrmMapping
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import ObjectType

_CURRENCY = "CurrencyIsoCode"
"""What says a record's currency in an org with several; an org with one has no such field."""

_PARENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "CampaignMember": ("CampaignId",),
        "Contact": ("AccountId",),
        "Event": ("WhatId", "WhoId"),
        "Opportunity": ("AccountId", "CampaignId"),
        "OpportunityContactRole": ("OpportunityId",),
        "Task": ("WhatId", "WhoId"),
    }
)
"""The records that are locked with a record that is written (Record Locking Cheat Sheet)."""

_LENGTHS = frozenset({"DurationInMinutes", "EndDateTime", "IsAllDayEvent"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One record on its way: its place among the drafts, the org's object, its id if it has one, and the
    org's names and values. `key` is the value it is upserted by."""

    place: int
    source: str
    fields: Mapping[str, Any]
    id: str | None = None
    key: str = ""

    def with_fields(self, fields: Mapping[str, Any]) -> Parcel:
        """The parcel with these fields besides, or instead of its own."""
        return replace(self, fields={**self.fields, **fields})

    @property
    def order(self) -> tuple[str, str, str, int]:
        """Those with the same parent are sent together, so that no two requests wait for its lock."""
        parents = (self.fields.get(name) for name in _PARENTS.get(self.source, ()))
        return self.source, str(next(filter(None, parents), "")), self.id or self.key, self.place


class Packer:
    """Makes parcels of drafts, for one org."""

    def __init__(
        self,
        mapping: CrmMapping,
        describes: Describes,
        fetch: Fetch,
        *,
        currency: Callable[[], str | None],
    ) -> None:
        self._mapping = mapping
        self._describes = describes
        self._fetch = fetch
        self._currency = currency

    def pack(
        self, of: ObjectType, verb: Verb, drafts: Sequence[Draft], by: str | None
    ) -> list[Parcel | ClosedLoopError]:
        """The parcel of each draft, or why there can be none; a CrmError, which is no draft's, is raised."""
        there = self._fetch.by_source(of, [draft.id for draft in drafts if draft.id is not None])
        return [self._packed(of, verb, draft, place, by, there) for place, draft in enumerate(drafts)]

    def forget(self) -> None:
        """Describes the org's objects anew from here on."""
        self._describes.forget()

    def key_field(self, of: ObjectType, by: str) -> Field:
        """The org's field behind ours that finds the record to upsert; UnsupportedError when it cannot."""
        source = self._fetch.sources(of)[0]
        path = self._mapping.writable(of, source).get(by)
        field = self._field(source, path) if path else None
        if field is None or not field.finds:
            finding = ", ".join(self._finding(of, source)) or "none of those mapped"
            raise UnsupportedError(
                f"{of} records cannot be upserted by `{by}`: that takes an external id field of the org, or "
                f"one with describe's idLookup; here these would do: {finding}",
                field=by,
                reason="not_a_key",
            )
        return field

    def _finding(self, of: ObjectType, source: str) -> Iterator[str]:
        for name, path in self._mapping.writable(of, source).items():
            field = self._field(source, path)
            if field is not None and field.finds:
                yield name

    def _packed(  # noqa: PLR0917 - private, and every one differs in type
        self,
        of: ObjectType,
        verb: Verb,
        draft: Draft,
        place: int,
        by: str | None,
        there: Mapping[str, str],
    ) -> Parcel | ClosedLoopError:
        try:
            source = there[draft.id] if draft.id else self._mapping.source_for(of, draft.values)
            if verb is Verb.DELETE:
                return Parcel(place=place, source=source, fields={}, id=draft.id)
            fields = self._fields(of, verb, draft.values, source)
            if by is None:
                return Parcel(place=place, source=source, fields=fields, id=draft.id)
            return self._keyed(Parcel(place=place, source=source, fields=fields), self.key_field(of, by), by)
        except (BadValueError, UnsupportedError) as error:
            return error

    def _keyed(self, parcel: Parcel, field: Field, by: str) -> Parcel:
        value = parcel.fields.get(field.name)
        if value is None or value == "":
            raise BadValueError(
                f"`{by}` is empty: it has to say which record is meant", field=by, reason="no_key"
            )
        # Text external ids are compared without regard to case unless the field says otherwise.
        key = str(value) if field.case_sensitive else str(value).casefold()
        return replace(parcel, key=key)

    def _fields(self, of: ObjectType, verb: Verb, values: Mapping[str, Any], source: str) -> dict[str, Any]:
        described = self._describes.get(source)
        if described is None:
            raise UnsupportedError(f"the org has no {source}, or hides it", reason="no_such_object")
        payload = {
            str(path[0]): value for path, value in self._mapping.denormalise(of, values, source).items()
        }
        if verb is Verb.CREATE and source == "Event":
            payload = _timed(payload)
        ours = {str(path[0]): name for name, path in self._mapping.writable(of, source).items()}
        return {
            _checked(described, verb, theirs, ours.get(theirs, theirs)).name: value
            for theirs, value in self._priced(described, values, payload).items()
        }

    def _priced(
        self, described: Described, values: Mapping[str, Any], payload: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The payload without its currency in an org that has no other than this one."""
        given = payload.get(_CURRENCY)
        if given is None or described.field(_CURRENCY):
            return payload
        monies = (name for name, value in values.items() if isinstance(value, Money) and value.currency)
        self._check_currency(next(monies, _CURRENCY), given)
        return {theirs: value for theirs, value in payload.items() if theirs != _CURRENCY}

    def _check_currency(self, name: str, given: str) -> None:
        own = self._currency()
        if own is None:
            raise UnsupportedError(
                f"`{name}` names {given}, and the org has a single currency that it tells nobody: give "
                f"`currency` to the credentials, or money without one",
                field=name,
                reason="currency_unknown",
            )
        if given != own:
            raise UnsupportedError(
                f"`{name}` is in {given}: the org's only currency is {own}",
                field=name,
                reason="other_currency",
            )

    def _field(self, source: str, path: Sequence[str | int]) -> Field | None:
        described = self._describes.get(source)
        return described.field(str(path[0])) if described and len(path) == 1 else None


def _timed(event: dict[str, Any]) -> dict[str, Any]:
    """The event with a length. One that is not of a whole day needs a duration or an end (Object Reference,
    "Event", EndDateTime), and our schema holds neither: it takes no time unless a custom field says more.
    Salesforce refuses others with "Duration must be between 0 and 1440 minutes": 0 is allowed."""
    return event if event.keys() & _LENGTHS else {**event, "DurationInMinutes": 0}


def _checked(described: Described, verb: Verb, theirs: str, ours: str) -> Field:
    """The org's field, if the verb may write it."""
    field = described.field(theirs)
    if field is None:
        raise UnsupportedError(
            f"`{ours}` cannot be written: {described.name} has no {theirs}, or hides it from the integration "
            f"user",
            field=ours,
            reason="no_such_field",
        )
    allowed = {
        Verb.CREATE: field.createable,
        Verb.UPDATE: field.updateable,
        Verb.UPSERT: field.createable or field.updateable,
    }
    if not allowed[verb]:
        raise UnsupportedError(
            f"`{ours}` cannot be written: the integration user may not {verb} {theirs} of {described.name}",
            field=ours,
            reason="not_writable",
        )
    return field
