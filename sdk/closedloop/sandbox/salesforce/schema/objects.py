"""Every object of the sandbox org: Salesforce's own, and what the customer and Closed Loop added."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import MappingProxyType

from closedloop.sandbox.salesforce.schema import (
    fields_activities,
    fields_campaigns,
    fields_catalogue,
    fields_history,
    fields_influence,
    fields_people,
    fields_sales,
    fields_setup,
    fields_users,
)
from closedloop.sandbox.salesforce.schema.field_tables import read_fields
from closedloop.sandbox.salesforce.schema.sobject import Field, SObject

_ALL = (
    fields_people.ACCOUNT,
    fields_people.DANDB_COMPANY,
    fields_people.INDIVIDUAL,
    fields_people.OPERATING_HOURS,
    fields_campaigns.CAMPAIGN,
    fields_campaigns.CAMPAIGN_MEMBER,
    fields_campaigns.CAMPAIGN_MEMBER_STATUS,
    fields_campaigns.CAMPAIGN_REASON,
    fields_people.CONTACT,
    fields_activities.EVENT,
    fields_people.LEAD,
    fields_sales.LEAD_STATUS,
    fields_sales.OPPORTUNITY,
    fields_sales.CONTACT_ROLE,
    fields_sales.OPPORTUNITY_STAGE,
    fields_users.ORGANIZATION,
    fields_activities.TASK,
    fields_users.USER,
    fields_activities.TASK_PRIORITY,
    fields_activities.TASK_STATUS,
    fields_influence.INFLUENCE,
    fields_influence.MODEL,
    *fields_catalogue.ALL,
    *fields_history.ALL,
    *fields_setup.ALL,
)
# In an org with several currencies these two say their default, every other one the record's own.
_DEFAULT_CURRENCY = frozenset({"Organization", "User"})
_WITHOUT_CURRENCY = frozenset(
    {"Attachment", "Case", "CurrencyType", "DandBCompany", "Event", "Individual", "LeadStatus", "Note"}
    | {"OperatingHours", "OpportunityStage", "Task", "TaskPriority", "TaskStatus", "CampaignInfluenceModel"}
    | {kind.name for kind in fields_history.ALL}
    | {kind.name for kind in fields_setup.ALL}
)


class Objects:
    """The objects of one org. `without` leaves out custom ones and custom fields (as `Lead.Reason__c`), as in
    an org that lacks them or hides them from the user; `currencies` makes it an org with several of them."""

    def __init__(self, *, without: Collection[str] = (), currencies: Sequence[str] = ()) -> None:
        known = {s.name for s in _ALL} | {f"{s.name}.{name}" for s in _ALL for name in s.fields}
        wrong = [name for name in without if name not in known or not name.endswith("__c")]
        if wrong:
            raise ValueError(
                f"only custom objects and fields can be missing, as Lead.Reason__c: not {wrong[0]}"
            )
        self.currencies = tuple(currencies)
        kinds = (*_ALL, fields_users.CURRENCY_TYPE) if currencies else _ALL
        chosen = (_chosen(kind, without, currencies) for kind in kinds if kind.name not in without)
        self._set({kind.name: kind for kind in chosen})

    def _set(self, kinds: Mapping[str, SObject]) -> None:
        self.by_name: Mapping[str, SObject] = MappingProxyType(dict(kinds))
        self._lower = {name.lower(): kind for name, kind in self.by_name.items()}
        self._referring: dict[str, tuple[tuple[SObject, Field], ...]] = {}
        self._prefixes = {kind.prefix: kind for kind in reversed(tuple(self.by_name.values()))}

    def copy(self) -> Objects:
        """The same objects, which can be changed without changing these."""
        return self._with(self.by_name)

    def put(self, kind: SObject) -> None:
        """Adds the object, or replaces the one of the same name."""
        self._set({**self.by_name, kind.name: kind})

    def drop(self, name: str) -> None:
        """Takes an object out."""
        self._set({known: kind for known, kind in self.by_name.items() if known != name})

    def seen(self, hidden: Collection[str], *, shut: Collection[str] = ()) -> Objects:
        """These as somebody sees them from whom the objects and fields (as `Lead.Reason__c`) are hidden, and
        who may only read those that are `shut`."""
        kinds = (_read_only(_chosen(kind, hidden, ()), shut) for kind in self if kind.name not in hidden)
        return self._with({kind.name: _without_paths(kind, hidden) for kind in kinds})

    def _with(self, kinds: Mapping[str, SObject]) -> Objects:
        other = object.__new__(Objects)
        other.currencies = self.currencies
        other._set(kinds)
        return other

    def __getitem__(self, name: str) -> SObject:
        return self.by_name[name]

    def __iter__(self) -> Iterator[SObject]:
        return iter(self.by_name.values())

    def find(self, name: str) -> SObject | None:
        """The object of that name, in whatever case it is written."""
        return self._lower.get(name.lower())

    def of_id(self, record_id: str) -> SObject | None:
        """The object whose records have ids that begin like this one."""
        return self._prefixes.get(record_id[:3])

    def referring(self, parent: SObject) -> tuple[tuple[SObject, Field], ...]:
        """The fields that refer to the object, each with the object it belongs to."""
        found = self._referring.get(parent.name)
        if found is None:
            found = self._referring[parent.name] = tuple(self._find_referring(parent.name))
        return found

    def children(self, parent: SObject) -> dict[str, tuple[SObject, Field]]:
        """The parent's child relationships by lower-case name: whose rows, and by which of their fields."""
        return {
            f.child_relationship.lower(): (s, f) for s, f in self.referring(parent) if f.child_relationship
        }

    def _find_referring(self, parent: str) -> Iterator[tuple[SObject, Field]]:
        return ((s, f) for s in self for f in s.fields.values() if parent in f.refers_to)


def objects_of(without: frozenset[str], currencies: tuple[str, ...]) -> Objects:
    """The objects of such an org, which may change them: orgs that are alike share what they begin with."""
    return _beginning(without, currencies).copy()


@cache
def _beginning(without: frozenset[str], currencies: tuple[str, ...]) -> Objects:
    return Objects(without=without, currencies=currencies)


def _chosen(kind: SObject, without: Collection[str], currencies: Sequence[str]) -> SObject:
    fields = {name: f for name, f in kind.fields.items() if f"{kind.name}.{name}" not in without}
    if currencies:
        fields |= {f.name: f for f in _currency_fields(kind, currencies)}
    if fields == kind.fields:
        return kind
    return replace(kind, fields=MappingProxyType(fields))


def _read_only(kind: SObject, shut: Collection[str]) -> SObject:
    closed = {name: _closed(f) for name, f in kind.fields.items() if f"{kind.name}.{name}" in shut}
    can = "" if kind.name in shut else kind.can
    if not closed and can == kind.can:
        return kind
    return replace(kind, can=can, fields=MappingProxyType({**kind.fields, **closed}))


def _without_paths(kind: SObject, hidden: Collection[str]) -> SObject:
    """The object without ways to objects that are hidden."""
    blind = {
        name: replace(f, relationship=None)
        for name, f in kind.fields.items()
        if f.relationship and set(f.refers_to) <= set(hidden)
    }
    return replace(kind, fields=MappingProxyType({**kind.fields, **blind})) if blind else kind


def _closed(field: Field) -> Field:
    return replace(field, flags=field.flags.replace("C", "").replace("U", ""))


def _currency_fields(kind: SObject, currencies: Sequence[str]) -> Iterator[Field]:
    if kind.name in _WITHOUT_CURRENCY:
        return
    codes = "|".join(currencies)
    if kind.name in _DEFAULT_CURRENCY:
        yield from read_fields(f"DefaultCurrencyIsoCode  picklist(3)  !DR  {codes}")
    if kind.name != "Organization":
        yield from read_fields(f"CurrencyIsoCode  picklist(3)  CUDR  {codes}")
