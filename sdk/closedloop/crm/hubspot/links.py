"""Writes associations. Which kinds there are is read from the portal, never known beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from closedloop.crm.hubspot.answers import Json
from closedloop.crm.hubspot.payloads import is_primary, is_primary_kind
from closedloop.crm.hubspot.read import CHUNK, Link, Reader
from closedloop.crm.hubspot.sending import Sending
from closedloop.errors import ClosedLoopError, CrmError, UnsupportedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One association of a record to be made, or to be ended where `target` is None. `place` tells whose it
    is, `field` is our name of it."""

    place: int
    id: str
    field: str
    target: str | None


class Links:
    """The associations of a portal."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._kinds: dict[tuple[str, str], list[Json]] = {}

    def kinds(self, source: str, target: str) -> list[Json]:
        """The kinds of association between two object types: `{category, typeId, label}`."""
        if (source, target) not in self._kinds:
            self._kinds[source, target] = self._reader.client.labels(source, target)
        return self._kinds[source, target]

    def forget(self, source: str, target: str) -> None:
        """Reads the kinds anew when they are next needed."""
        self._kinds.pop((source, target), None)

    def type_of(self, source: str, target: str) -> Json:
        """The kind that a field of ours stands for: the primary one where there is such a kind, else the one
        without a label."""
        primary = next((kind for kind in self.kinds(source, target) if is_primary_kind(kind)), None)
        return self.plain(source, target) if primary is None else spec(primary)

    def plain(self, source: str, target: str) -> Json:
        """The kind without a label."""
        found = next((kind for kind in self.kinds(source, target) if not kind.get("label")), None)
        if found is None:
            raise UnsupportedError(
                f"this portal cannot associate {source} with {target}", reason="no_association"
            )
        return spec(found)

    def inline(self, source: str, link: Link, target: str) -> Json:
        """The association as a part of a new record."""
        return {"to": {"id": target}, "types": [self.type_of(source, link.target)]}

    def write(self, source: str, link: Link, changes: Sequence[Change]) -> dict[int, ClosedLoopError]:
        """Makes the changes, new ones before old ones end; what went wrong by place."""
        if not changes:
            return {}
        errors: dict[int, ClosedLoopError] = {}
        has_primary = any(is_primary_kind(kind) for kind in self.kinds(source, link.target))
        present = self._reader.associated(source, link.target, [change.id for change in changes])
        made: list[Change] = []
        ended: list[Change] = []
        for change in changes:
            try:
                old = _old(change, present.get(change.id, []), has_primary=has_primary)
            except UnsupportedError as error:
                errors[change.place] = error
                continue
            if change.target is not None and not _holds(change, present.get(change.id, []), has_primary):
                made.append(change)
            if old is not None:
                ended.append(Change(place=change.place, id=change.id, field=change.field, target=old))
        self._make(source, link, made, errors)
        self._end(source, link, [change for change in ended if change.place not in errors])
        return errors

    def _make(
        self,
        source: str,
        link: Link,
        changes: Sequence[Change],
        errors: dict[int, ClosedLoopError],
    ) -> None:
        def settle(change: Change, _: Json | None, error: CrmError | None) -> None:
            if error is not None:
                errors[change.place] = error

        if changes:
            kind = self.type_of(source, link.target)
            sending = Sending[Change](
                send=lambda inputs: self._reader.client.associate(source, link.target, inputs),
                of=lambda change: pair(change.id, str(change.target), [kind]),
                settle=settle,
            )
            sending.send_all(changes, CHUNK)
            if sending.stopped is not None:
                raise sending.stopped

    def _end(
        self,
        source: str,
        link: Link,
        changes: Sequence[Change],
    ) -> None:
        for start in range(0, len(changes), CHUNK):
            chunk = changes[start : start + CHUNK]
            inputs = [{"from": {"id": each.id}, "to": [{"id": str(each.target)}]} for each in chunk]
            self._reader.client.dissociate(source, link.target, inputs)


def pair(left: str, right: str, types: Iterable[Json]) -> Json:
    """One association as the batch calls take it."""
    return {"from": {"id": left}, "to": {"id": right}, "types": list(types)}


def spec(kind: Json) -> Json:
    """A kind of association as it is named when one is made."""
    return {"associationCategory": kind.get("category"), "associationTypeId": kind.get("typeId")}


def _holds(change: Change, targets: Sequence[Json], has_primary: bool) -> bool:
    """Whether the record shows this target already."""
    for target in targets:
        if str(target.get("toObjectId")) == change.target:
            return not has_primary or is_primary(target)
    return False


def _old(change: Change, targets: Sequence[Json], *, has_primary: bool) -> str | None:
    """The target whose association has to end. A new primary one takes the mark from the old one, which
    stays associated; where none is marked, the field shows the only one, and of several nobody knows which.
    """
    primary = next((str(t.get("toObjectId")) for t in targets if is_primary(t)), None)
    if has_primary and (primary is not None or change.target is not None):
        return primary if change.target is None else None
    ids = [str(target.get("toObjectId")) for target in targets]
    others = [each for each in ids if each != change.target]
    if len(others) > 1:
        raise UnsupportedError(
            f"{change.field} is one of {len(ids)} associations, none of which HubSpot marks as the primary "
            f"one: write contact_roles, or associations through `raw`",
            field=change.field,
            reason="several_associations",
        )
    return next(iter(others), None)
