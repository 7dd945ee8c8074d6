"""Every object of the sandbox org: Salesforce's own, and what the customer and Closed Loop added."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import MappingProxyType

from closedloop.sandbox.salesforce import fields_activities, fields_campaigns, fields_people, fields_sales
from closedloop.sandbox.salesforce.schema import Field, SObject, read_fields

_ALL = (
    fields_people.ACCOUNT,
    fields_campaigns.CAMPAIGN,
    fields_campaigns.CAMPAIGN_MEMBER,
    fields_campaigns.CAMPAIGN_MEMBER_STATUS,
    fields_campaigns.CAMPAIGN_REASON,
    fields_people.CONTACT,
    fields_activities.EVENT,
    fields_people.GROUP,
    fields_people.LEAD,
    fields_sales.LEAD_STATUS,
    fields_sales.OPPORTUNITY,
    fields_sales.CONTACT_ROLE,
    fields_sales.OPPORTUNITY_STAGE,
    fields_people.ORGANIZATION,
    fields_activities.TASK,
    fields_people.USER,
    fields_people.USER_ROLE,
)
# In an org with several currencies these two say their default, every other one the record's own.
_DEFAULT_CURRENCY = frozenset({"Organization", "User"})
_WITHOUT_CURRENCY = frozenset(
    {"Event", "Group", "LeadStatus", "OpportunityStage", "Task", "UserRole", "CurrencyType"}
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
        kinds = (*_ALL, fields_people.CURRENCY_TYPE) if currencies else _ALL
        chosen = (_chosen(kind, without, currencies) for kind in kinds if kind.name not in without)
        self.by_name: Mapping[str, SObject] = MappingProxyType({kind.name: kind for kind in chosen})
        self._lower = {name.lower(): kind for name, kind in self.by_name.items()}
        self._referring = {name: tuple(self._find_referring(name)) for name in self.by_name}

    def __getitem__(self, name: str) -> SObject:
        return self.by_name[name]

    def __iter__(self) -> Iterator[SObject]:
        return iter(self.by_name.values())

    def find(self, name: str) -> SObject | None:
        """The object of that name, in whatever case it is written."""
        return self._lower.get(name.lower())

    def referring(self, parent: SObject) -> tuple[tuple[SObject, Field], ...]:
        """The fields that refer to the object, each with the object it belongs to."""
        return self._referring[parent.name]

    def children(self, parent: SObject) -> dict[str, tuple[SObject, Field]]:
        """The parent's child relationships by lower-case name: whose rows, and by which of their fields."""
        return {
            f.child_relationship.lower(): (s, f) for s, f in self.referring(parent) if f.child_relationship
        }

    def _find_referring(self, parent: str) -> Iterator[tuple[SObject, Field]]:
        return ((s, f) for s in self for f in s.fields.values() if parent in f.refers_to)


@cache
def objects_of(without: frozenset[str], currencies: tuple[str, ...]) -> Objects:
    """The objects of such an org; orgs that are alike share them."""
    return Objects(without=without, currencies=currencies)


def _chosen(kind: SObject, without: Collection[str], currencies: Sequence[str]) -> SObject:
    fields = {name: f for name, f in kind.fields.items() if f"{kind.name}.{name}" not in without}
    if currencies:
        fields |= {f.name: f for f in _currency_fields(kind, currencies)}
    return replace(kind, fields=MappingProxyType(fields))


def _currency_fields(kind: SObject, currencies: Sequence[str]) -> Iterator[Field]:
    if kind.name in _WITHOUT_CURRENCY:
        return
    codes = "|".join(currencies)
    if kind.name in _DEFAULT_CURRENCY:
        yield from read_fields(f"DefaultCurrencyIsoCode  picklist(3)  !DR  {codes}")
    if kind.name != "Organization":
        yield from read_fields(f"CurrencyIsoCode  picklist(3)  CUDR  {codes}")
