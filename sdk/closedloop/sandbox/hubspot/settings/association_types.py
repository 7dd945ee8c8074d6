"""The kinds of association: HubSpot's own, and the labels that a portal adds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.settings.kinds import (
    CALLS,
    CAMPAIGNS,
    CARTS,
    COMMUNICATIONS,
    COMPANIES,
    CONTACTS,
    DEAL_SPLITS,
    DEALS,
    DISCOUNTS,
    EMAILS,
    FEEDBACK,
    FEES,
    INVOICES,
    LEADS,
    LINE_ITEMS,
    MARKETING_EVENTS,
    MEETINGS,
    NOTES,
    ORDERS,
    POSTAL_MAIL,
    QUOTES,
    TASKS,
    TAXES,
    TICKETS,
    ObjectKind,
)

HUBSPOT_DEFINED = "HUBSPOT_DEFINED"
USER_DEFINED = "USER_DEFINED"
_PRIMARY = "Primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationType:
    """One kind of association, seen from one side; `inverse` is its type id from the other side."""

    type_id: int
    inverse: int
    label: str | None = None
    category: str = HUBSPOT_DEFINED
    primary: bool = False
    # The name that a label of the portal's own was given; version 3 calls it by that.
    name: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """The type as every associations answer shows it."""
        return {"category": self.category, "typeId": self.type_id, "label": self.label}


_Pair = tuple[ObjectKind, ObjectKind]
_Row = tuple[int, int, str | None]

# (from, to): rows of (type id, inverse id, label, or the labels from both sides). "Primary" marks the primary
# association, which a record has besides the unlabelled one. Source: HubSpot documentation, "Association
# type ID values"; 583 (lead to deal), 854 (lead to note), 1391 (lead to marketing event) and 2741 from
# others' code. The ways back from leads' contacts,
# companies, deals, campaigns and activities (609, 611, 581, 584, 1390, 2742, 597 …) and from splits,
# discounts, fees, taxes and a cart's tickets (314, 412, 414, 416, 363, 365, 367, 595) are unverified: read
# them from /labels, as every other id.
_ROWS: dict[_Pair, tuple[_Row, ...]] = {
    (CONTACTS, COMPANIES): ((1, 2, "Primary"), (279, 280, None)),
    (DEALS, CONTACTS): ((3, 4, None),),
    (DEALS, COMPANIES): ((5, 6, "Primary"), (341, 342, None)),
    (LEADS, CONTACTS): ((578, 579, "Primary"), (608, 609, None)),
    (LEADS, COMPANIES): ((580, 581, "Primary"), (610, 611, None)),
    (LEADS, DEALS): ((583, 584, None),),
    (LEADS, CAMPAIGNS): ((2741, 2742, None),),
    (CALLS, CONTACTS): ((194, 193, None),),
    (CALLS, COMPANIES): ((182, 181, None),),
    (CALLS, DEALS): ((206, 205, None),),
    (CALLS, LEADS): ((597, 596, None),),
    (EMAILS, CONTACTS): ((198, 197, None),),
    (EMAILS, COMPANIES): ((186, 185, None),),
    (EMAILS, DEALS): ((210, 209, None),),
    (EMAILS, LEADS): ((599, 598, None),),
    (MEETINGS, CONTACTS): ((200, 199, None),),
    (MEETINGS, COMPANIES): ((188, 187, None),),
    (MEETINGS, DEALS): ((212, 211, None),),
    (MEETINGS, LEADS): ((601, 600, None),),
    (TASKS, CONTACTS): ((204, 203, None),),
    (TASKS, COMPANIES): ((192, 191, None),),
    (TASKS, DEALS): ((216, 215, None),),
    (TASKS, LEADS): ((647, 646, None),),
    (NOTES, CONTACTS): ((202, 201, None),),
    (NOTES, COMPANIES): ((190, 189, None),),
    (NOTES, DEALS): ((214, 213, None),),
    (NOTES, LEADS): ((855, 854, None),),
    (COMMUNICATIONS, CONTACTS): ((81, 82, None),),
    (COMMUNICATIONS, COMPANIES): ((87, 88, None),),
    (COMMUNICATIONS, DEALS): ((85, 86, None),),
    (COMMUNICATIONS, TICKETS): ((84, 83, None),),
    (CONTACTS, CONTACTS): ((449, 449, None),),
    (COMPANIES, COMPANIES): ((13, 14, "Child Company|Parent Company"), (450, 450, None)),
    (DEALS, DEALS): ((451, 451, None),),
    (TICKETS, TICKETS): ((452, 452, None),),
    (TICKETS, CONTACTS): ((16, 15, None),),
    (TICKETS, COMPANIES): ((26, 25, "Primary"), (339, 340, None)),
    (TICKETS, DEALS): ((28, 27, None),),
    (CALLS, TICKETS): ((220, 219, None),),
    (EMAILS, TICKETS): ((224, 223, None),),
    (MEETINGS, TICKETS): ((226, 225, None),),
    (NOTES, TICKETS): ((228, 227, None),),
    (TASKS, TICKETS): ((230, 229, None),),
    (LINE_ITEMS, DEALS): ((20, 19, None),),
    (QUOTES, DEALS): ((64, 63, None),),
    (QUOTES, LINE_ITEMS): ((67, 68, None),),
    (QUOTES, CONTACTS): ((69, 70, None),),
    (QUOTES, COMPANIES): ((71, 72, None),),
    (LEADS, MARKETING_EVENTS): ((1391, 1390, None),),
    (POSTAL_MAIL, CONTACTS): ((453, 454, None),),
    (POSTAL_MAIL, COMPANIES): ((459, 460, None),),
    (POSTAL_MAIL, DEALS): ((457, 458, None),),
    (POSTAL_MAIL, TICKETS): ((455, 456, None),),
    (FEEDBACK, CONTACTS): ((98, 97, None),),
    (FEEDBACK, TICKETS): ((100, 99, None),),
    (DEALS, DEAL_SPLITS): ((313, 314, None),),
    (INVOICES, CONTACTS): ((177, 178, None),),
    (INVOICES, COMPANIES): ((179, 180, None),),
    (INVOICES, DEALS): ((175, 176, None),),
    (INVOICES, LINE_ITEMS): ((409, 410, None),),
    (INVOICES, QUOTES): ((407, 408, None),),
    (INVOICES, DISCOUNTS): ((411, 412, None),),
    (INVOICES, FEES): ((413, 414, None),),
    (INVOICES, TAXES): ((415, 416, None),),
    (QUOTES, DISCOUNTS): ((362, 363, None),),
    (QUOTES, FEES): ((364, 365, None),),
    (QUOTES, TAXES): ((366, 367, None),),
    (ORDERS, CONTACTS): ((507, 508, None),),
    (ORDERS, COMPANIES): ((509, 510, None),),
    (ORDERS, DEALS): ((512, 511, None),),
    (ORDERS, LINE_ITEMS): ((513, 514, None),),
    (ORDERS, INVOICES): ((518, 517, None),),
    (ORDERS, TICKETS): ((525, 526, None),),
    (ORDERS, QUOTES): ((730, 731, None),),
    (CARTS, CONTACTS): ((586, 587, None),),
    (CARTS, LINE_ITEMS): ((590, 591, None),),
    (CARTS, ORDERS): ((592, 593, None),),
    (CARTS, TICKETS): ((594, 595, None),),
    (CARTS, QUOTES): ((732, 733, None),),
}


# What the names of version 3 call a type that has another name in paths (recorded: `meeting_associate` among
# the cassettes of sensadrome/hubspot-api-ruby).
_WORDS = {MEETINGS: "meeting_event"}

# Above HubSpot's own ids, so that within a portal one number is one kind of association.
_FIRST_CUSTOM = 100_001
# The labels of one pair of object types (docs/hubspot-behaviour.md of scopiousdigital/kalup, as the other
# rules and words for labels; a label counts once for both its sides).
_MOST_LABELS = 50


class AssociationTypes:
    """The kinds of association between any two object types of the portal."""

    def __init__(self) -> None:
        self._types: dict[_Pair, list[AssociationType]] = {}
        self._leads_to: dict[tuple[ObjectKind, int], tuple[ObjectKind, AssociationType]] = {}
        for (left, right), rows in _ROWS.items():
            for there, back, labels in rows:
                label, _, other = (labels or "").partition("|")
                primary = label == _PRIMARY
                one = AssociationType(type_id=there, inverse=back, label=label or None, primary=primary)
                self._add(left, right, one, other or label or None)
        self._next_custom = _FIRST_CUSTOM

    def between(self, left: ObjectKind, right: ObjectKind) -> list[AssociationType]:
        """The kinds of association from one type to the other; none where HubSpot has none."""
        return list(self._types.get((left, right), ()))

    def get(self, left: ObjectKind, right: ObjectKind, type_id: int) -> AssociationType:
        """The kind with this id; 400 when there is none between the two."""
        found = self._leads_to.get((left, type_id))
        if found is None or found[0] is not right:
            raise not_a_type(left, right, f"0-{type_id}")
        return found[1]

    def named(self, left: ObjectKind, type_id: int) -> tuple[ObjectKind, AssociationType]:
        """The object type that this kind leads to from `left`, and the kind itself; 400 if there is none."""
        found = self._leads_to.get((left, type_id))
        if found is None:
            raise HubSpotError(f"No association type {type_id} starts at {left.singular}")
        return found

    def called(self, left: ObjectKind, right: ObjectKind, name: str) -> AssociationType:
        """The kind that version 3 calls by this name or number; 400 when there is none."""
        kinds = self.between(left, right)
        found = next((t for t in kinds if name in {self.name(left, right, t), str(t.type_id)}), None)
        if found is None:
            raise not_a_type(left, right, name)
        return found

    def name(self, left: ObjectKind, right: ObjectKind, kind: AssociationType) -> str:
        """What version 3 calls a kind: one that stands beside a primary one is `…_unlabeled` (279 is
        `contact_to_company_unlabeled`, 1 is `contact_to_company`)."""
        if kind.name is not None:
            return kind.name
        plain = kind.label is None and bool(self.primary(left, right) or self.primary(right, left))
        start, end = (_WORDS.get(kind_of_end, kind_of_end.singular) for kind_of_end in (left, right))
        return f"{start}_to_{end}" + ("_unlabeled" if plain else "")

    def default(self, left: ObjectKind, right: ObjectKind) -> AssociationType:
        """The unlabelled kind; 400 when the two types cannot be associated."""
        found = self._plain(left, right)
        if found is None:
            raise HubSpotError(f"No association type exists from {left.singular} to {right.singular}")
        return found

    def primary(self, left: ObjectKind, right: ObjectKind) -> AssociationType | None:
        """The primary kind, where `left` is the type whose records have one primary record of `right`."""
        if (left, right) not in _ROWS:
            return None
        return next((t for t in self._types[left, right] if t.primary), None)

    def define(self, left: ObjectKind, right: ObjectKind) -> AssociationType:
        """The unlabelled kind between two object types, made if there is none: a portal's own types have
        none until somebody defines it."""
        return self._plain(left, right) or self._defined(left, right, None, None, None)

    def undefine(self, left: ObjectKind, type_id: str) -> bool:
        """Takes out a kind that the portal defined; False where there is none with this id."""
        for (start, right), types in self._types.items():
            for each in types:
                if start is left and str(each.type_id) == type_id and each.category == USER_DEFINED:
                    self._remove(left, right, each)
                    return True
        return False

    def add_label(
        self, left: ObjectKind, right: ObjectKind, label: str, back: str | None, *, name: str | None = None
    ) -> list[AssociationType]:
        """Adds a label of the portal's own and returns it as seen from both sides. Between a portal's own
        type and another the unlabelled kind is made along with it."""
        if left.custom or right.custom:
            self.define(left, right)
        self.default(left, right)
        self._refuse_label(left, right, label, name)
        made = self._defined(left, right, label, back or label, name)
        return [made, self.get(right, left, made.inverse)]

    def relabel(
        self, left: ObjectKind, right: ObjectKind, type_id: int, label: str, back: str | None
    ) -> list[AssociationType]:
        """Changes a label; without one for the other side both have the same. Returns both sides."""
        old = self._own(left, right, type_id)
        self._remove(left, right, old)
        self._add(left, right, replace(old, label=label), back or label)
        return [self.get(left, right, old.type_id), self.get(right, left, old.inverse)]

    def remove_label(self, left: ObjectKind, right: ObjectKind, type_id: int) -> AssociationType:
        """Takes a label out, both its sides; the unlabelled kind stays as long as there is a label."""
        old = self._own(left, right, type_id)
        if old.label is None and self._labels(left, right):
            raise HubSpotError(
                "Definition with label still exists; Cannot delete unlabeled type with associationTypeId "
                f"{type_id}"
            )
        self._remove(left, right, old)
        return old

    def _plain(self, left: ObjectKind, right: ObjectKind) -> AssociationType | None:
        return next((t for t in self._types.get((left, right), ()) if t.label is None), None)

    def _labels(self, left: ObjectKind, right: ObjectKind) -> list[AssociationType]:
        kinds = self._types.get((left, right), ())
        return [t for t in kinds if t.category == USER_DEFINED and t.label is not None]

    def _own(self, left: ObjectKind, right: ObjectKind, type_id: int) -> AssociationType:
        found = self._leads_to.get((left, type_id))
        if found is None or found[0] is not right or found[1].category != USER_DEFINED:
            raise HubSpotError(f"Unable to find association type {type_id}")
        return found[1]

    def _refuse_label(self, left: ObjectKind, right: ObjectKind, label: str, name: str | None) -> None:
        names = (t.name for types in self._types.values() for t in types)
        if name is not None and name in names:
            raise HubSpotError(f"Association definition named {name} already exists for portal")
        labels = self._labels(left, right)
        if any(t.label == label for t in labels):
            raise HubSpotError(
                f"Association definition label {label} already exists on ObjectType pair "
                f"{left.type_id}-{right.type_id}",
                sub_category="AssociationValidationError.DUPLICATE_ASSOCIATION_LABEL",
            )
        if len(labels) >= _MOST_LABELS:
            raise HubSpotError(
                f"No more than {_MOST_LABELS} association types are allowed between {left.type_id} and "
                f"{right.type_id}",
                status=437,
            )

    def _defined(
        self, left: ObjectKind, right: ObjectKind, label: str | None, back: str | None, name: str | None
    ) -> AssociationType:
        there, inverse = self._next_custom, self._next_custom + 1
        self._next_custom += 2
        one = AssociationType(type_id=there, inverse=inverse, label=label, category=USER_DEFINED, name=name)
        self._add(left, right, one, back)
        return one

    def _add(self, left: ObjectKind, right: ObjectKind, one: AssociationType, back: str | None) -> None:
        """Adds a kind of association and the same seen from the other side."""
        other = replace(one, type_id=one.inverse, inverse=one.type_id, label=back)
        sides = ((left, right, one), (right, left, other))
        # Between two of the same kind both sides may be one.
        for start, end, kind in sides[:1] if one.type_id == one.inverse else sides:
            self._types.setdefault((start, end), []).append(kind)
            self._leads_to[start, kind.type_id] = (end, kind)

    def _remove(self, left: ObjectKind, right: ObjectKind, one: AssociationType) -> None:
        for start, end, type_id in ((left, right, one.type_id), (right, left, one.inverse)):
            types = self._types[start, end]
            types[:] = [other for other in types if other.type_id != type_id]
            self._leads_to.pop((start, type_id), None)


def not_a_type(left: ObjectKind, right: ObjectKind, name: str) -> HubSpotError:
    """The 400 for a kind of association that there is not (as in a mock of ballerina-platform's connector,
    made after HubSpot's answers)."""
    start, end = left.singular.upper(), right.singular.upper()
    return HubSpotError(
        f"{name} is not a valid association type between {start} and {end}",
        sub_category="crm.associations.INVALID_ASSOCIATION_TYPE",
        context={"type": [name], "fromObjectType": [start], "toObjectType": [end]},
    )
