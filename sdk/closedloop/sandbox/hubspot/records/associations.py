"""Which records are associated with which, seen from both sides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.record import End
from closedloop.sandbox.hubspot.settings.association_types import AssociationType, AssociationTypes
from closedloop.sandbox.hubspot.settings.kinds import ObjectKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One record's association with another, and of which kinds it is."""

    id: str
    types: tuple[AssociationType, ...]

    @property
    def primary(self) -> bool:
        """Whether it is the primary one."""
        return any(t.primary for t in self.types)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChange:
    """One association that was made or removed, from the side of `left`."""

    left: End
    right: End
    type: AssociationType
    removed: bool = False


class Associations:
    """All associations of the portal. Each change is reported once from each side."""

    def __init__(self) -> None:
        self.types = AssociationTypes()
        self.limits: dict[tuple[ObjectKind, ObjectKind, int], int] = {}
        self._links: dict[End, dict[End, dict[int, AssociationType]]] = {}

    def of(self, record: End, kind: ObjectKind) -> list[Link]:
        """The record's associations with one object type, in the order in which they were made."""
        ends = self._links.get(record, {})
        return [
            Link(id=end.id, types=tuple(types.values()))
            for end, types in ends.items()
            if end.kind is kind and types
        ]

    def ends(self, record: End) -> list[End]:
        """Everything that the record is associated with."""
        return list(self._links.get(record, {}))

    def primary(self, record: End, kind: ObjectKind) -> str | None:
        """The id of the record's primary record of a type."""
        for end, types in self._links.get(record, {}).items():
            if end.kind is kind and any(each.primary for each in types.values()):
                return end.id
        return None

    def connect(self, left: End, right: End, types: Iterable[AssociationType] = ()) -> list[LinkChange]:
        """Makes the associations that are not there yet. A labelled one brings the unlabelled one along, and
        a new primary one takes the place of the old."""
        if self.types.primary(right.kind, left.kind):
            return self.connect(right, left, [self._inverse(left, right, t) for t in types])
        wanted = {t.type_id: t for t in (*types, self.types.default(left.kind, right.kind))}
        if self.types.primary(left.kind, right.kind) in wanted.values():
            demoted = self._demote(left, right)
        else:
            demoted = []
        return demoted + [change for t in wanted.values() for change in self._make(left, right, t)]

    def connect_default(self, left: End, right: End) -> list[LinkChange]:
        """Associates two records as HubSpot does by default: the first of a type becomes the primary one."""
        if self.types.primary(right.kind, left.kind):
            return self.connect_default(right, left)
        primary = self.types.primary(left.kind, right.kind)
        first = primary is not None and self.primary(left, right.kind) is None
        return self.connect(left, right, [primary] if first and primary else [])

    def disconnect(self, left: End, right: End, type_ids: Iterable[int] | None = None) -> list[LinkChange]:
        """Removes kinds of association between two records, or all of them: with the unlabelled one go the
        labelled ones (HubSpot's OpenAPI description of the associations API)."""
        present = self._links.get(left, {}).get(right, {})
        ids = set(present) if type_ids is None else set(type_ids)
        everything = any(t.label is None for t in present.values() if t.type_id in ids)
        chosen = [t for t in present.values() if everything or t.type_id in ids]
        return [change for t in chosen for change in self._unmake(left, right, t)]

    def relabel(self, kinds: Iterable[AssociationType]) -> None:
        """Puts changed labels in the place of those of the same ids, wherever they are in use."""
        for kind in kinds:
            for types in self._in_use(kind.type_id):
                types[kind.type_id] = kind

    def strip(self, kind: AssociationType) -> None:
        """Takes a label that is no more, both its sides, from all associations."""
        for type_id in (kind.type_id, kind.inverse):
            for types in self._in_use(type_id):
                del types[type_id]

    def _in_use(self, type_id: int) -> list[dict[int, AssociationType]]:
        # Labels are changed rarely: an index of their uses would cost more than this.
        links = (types for ends in self._links.values() for types in ends.values())
        return [types for types in links if type_id in types]

    def move(self, gone: End, kept: End) -> None:
        """Gives one record's associations to another, as a merge does; the other's own primary ones stay."""
        for end, types in self._links.pop(gone, {}).items():
            self._links[end].pop(gone)
            owns = self.types.primary(kept.kind, end.kind) is not None
            keeps_primary = owns and self.primary(kept, end.kind) is not None
            for t in types.values():
                if end != kept and not (t.primary and keeps_primary):
                    self._make(kept, end, t)

    def _make(self, left: End, right: End, there: AssociationType) -> list[LinkChange]:
        if there.type_id in self._links.get(left, {}).get(right, {}):
            return []
        back = self._inverse(left, right, there)
        if self.limits:
            self._refuse_full(left, right, there)
            self._refuse_full(right, left, back)
        for one, other, kind in ((left, right, there), (right, left, back)):
            self._links.setdefault(one, {}).setdefault(other, {})[kind.type_id] = kind
        return _both_sides(left, right, there, back, removed=False)

    def _refuse_full(self, left: End, right: End, kind: AssociationType) -> None:
        """Refuses one association more than the portal's own limit for its kind (the words are ours)."""
        most = self.limits.get((left.kind, right.kind, kind.type_id))
        if most is None:
            return
        held = sum(1 for link in self.of(left, right.kind) if kind in link.types)
        if held >= most:
            raise HubSpotError(
                f"{left.kind.singular} {left.id} can be associated with at most {most} "
                f"{right.kind.name} by association type {kind.type_id}"
            )

    def _unmake(self, left: End, right: End, there: AssociationType) -> list[LinkChange]:
        back = self._inverse(left, right, there)
        for one, other, kind in ((left, right, there), (right, left, back)):
            types = self._links[one][other]
            types.pop(kind.type_id)
            if not types:
                self._links[one].pop(other)
        return _both_sides(left, right, there, back, removed=True)

    def _demote(self, left: End, right: End) -> list[LinkChange]:
        """Takes the primary mark from the record that had it before."""
        primary, old = self.types.primary(left.kind, right.kind), self.primary(left, right.kind)
        if primary is None or old in {None, right.id}:
            return []
        return self._unmake(left, End(right.kind, str(old)), primary)

    def _inverse(self, left: End, right: End, there: AssociationType) -> AssociationType:
        return self.types.get(right.kind, left.kind, there.inverse)


def _both_sides(
    left: End, right: End, there: AssociationType, back: AssociationType, *, removed: bool
) -> list[LinkChange]:
    return [
        LinkChange(left=left, right=right, type=there, removed=removed),
        LinkChange(left=right, right=left, type=back, removed=removed),
    ]
