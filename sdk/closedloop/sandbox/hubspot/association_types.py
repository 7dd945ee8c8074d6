"""The kinds of association: HubSpot's own, and the labels that a portal adds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.kinds import (
    CALLS,
    CAMPAIGNS,
    COMPANIES,
    CONTACTS,
    DEALS,
    EMAILS,
    LEADS,
    MEETINGS,
    NOTES,
    TASKS,
    ObjectKind,
)

HUBSPOT_DEFINED = "HUBSPOT_DEFINED"
USER_DEFINED = "USER_DEFINED"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationType:
    """One kind of association, seen from one side; `inverse` is its type id from the other side."""

    type_id: int
    inverse: int
    label: str | None = None
    category: str = HUBSPOT_DEFINED
    primary: bool = False

    def to_wire(self) -> dict[str, Any]:
        """The type as every associations answer shows it."""
        return {"category": self.category, "typeId": self.type_id, "label": self.label}


_Pair = tuple[ObjectKind, ObjectKind]
_Row = tuple[int, int, str | None]

# (from, to): rows of (type id, inverse id, label). A row with a label is the primary association, which a
# record has besides the unlabelled one. Source: HubSpot documentation, "Association type ID values"; 583
# (lead to deal), 854 (lead to note) and 2741 from others' code. The ways back from leads' contacts,
# companies, deals, campaigns and activities (609, 611, 581, 584, 2742, 597 …) are unverified: read them
# from /labels, as every other id.
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
}


# Above HubSpot's own ids, so that within a portal one number is one kind of association.
_FIRST_CUSTOM = 100_001


class AssociationTypes:
    """The kinds of association between any two object types of the portal."""

    def __init__(self) -> None:
        self._types: dict[_Pair, list[AssociationType]] = {}
        for (left, right), rows in _ROWS.items():
            for there, back, label in rows:
                one = AssociationType(type_id=there, inverse=back, label=label, primary=label is not None)
                self._add(left, right, one, label)
        self._next_custom = _FIRST_CUSTOM

    def between(self, left: ObjectKind, right: ObjectKind) -> list[AssociationType]:
        """The kinds of association from one type to the other; none where HubSpot has none."""
        return list(self._types.get((left, right), ()))

    def get(self, left: ObjectKind, right: ObjectKind, type_id: int) -> AssociationType:
        """The kind with this id; 400 when there is none between the two (the words are ours)."""
        found = next((t for t in self.between(left, right) if t.type_id == type_id), None)
        if found is None:
            raise HubSpotError(
                f"No association type {type_id} exists from {left.singular} to {right.singular}"
            )
        return found

    def named(self, left: ObjectKind, type_id: int) -> tuple[ObjectKind, AssociationType]:
        """The object type that this kind leads to from `left`, and the kind itself; 400 if there is none."""
        for (start, right), types in self._types.items():
            found = next((t for t in types if start is left and t.type_id == type_id), None)
            if found is not None:
                return right, found
        raise HubSpotError(f"No association type {type_id} starts at {left.singular}")

    def default(self, left: ObjectKind, right: ObjectKind) -> AssociationType:
        """The unlabelled kind; 400 when the two types cannot be associated."""
        found = next((t for t in self.between(left, right) if t.label is None), None)
        if found is None:
            raise HubSpotError(f"No association type exists from {left.singular} to {right.singular}")
        return found

    def primary(self, left: ObjectKind, right: ObjectKind) -> AssociationType | None:
        """The primary kind, where `left` is the type whose records have one primary record of `right`."""
        forward = self.between(left, right) if (left, right) in _ROWS else []
        return next((t for t in forward if t.primary), None)

    def add_label(self, left: ObjectKind, right: ObjectKind, label: str, back: str | None) -> None:
        """Adds a label of the portal's own, seen from both sides."""
        self.default(left, right)
        there, inverse = self._next_custom, self._next_custom + 1
        self._next_custom += 2
        one = AssociationType(type_id=there, inverse=inverse, label=label, category=USER_DEFINED)
        self._add(left, right, one, back or label)

    def _add(self, left: ObjectKind, right: ObjectKind, one: AssociationType, back: str | None) -> None:
        """Adds a kind of association and the same seen from the other side."""
        other = replace(one, type_id=one.inverse, inverse=one.type_id, label=back)
        self._types.setdefault((left, right), []).append(one)
        self._types.setdefault((right, left), []).append(other)
