"""Writes associations. Which kinds there are is read from the portal, never known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from closedloop.crm.hubspot.answers import Json, errors_of
from closedloop.crm.hubspot.payloads import is_primary, is_primary_kind
from closedloop.crm.hubspot.read import CHUNK, Link, Reader
from closedloop.crm.hubspot.sending import Sending
from closedloop.errors import ClosedLoopError, CrmError, RefusedError, UnsupportedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One association of a record to be made, or to be ended where `target` is None. `place` tells whose it
    is, `field` is our name of it."""

    place: int
    id: str
    field: str
    target: str | None

    def end(self) -> Json:
        """The association as the call that ends it takes it."""
        return parting(self.id, str(self.target))


class Ending(Protocol):
    """What names an association that is to end."""

    def end(self) -> Json:
        """The association as the call that ends it takes it."""


E = TypeVar("E", bound=Ending)


@dataclass(slots=True)
class Linked:
    """What became of changes: the errors by place, and the one that would meet every further call too."""

    errors: dict[int, ClosedLoopError] = field(default_factory=dict)
    stopped: CrmError | None = None
    _waiting: set[int] = field(default_factory=set)

    def settle(self, change: Change, _: Json | None, error: CrmError | None) -> None:
        """Notes what became of one change."""
        self._waiting.discard(change.place)
        if error is not None:
            self.errors[change.place] = error

    def run(self, sending: Sending[Change], changes: Iterable[Change]) -> None:
        """Sends those of the changes of which nothing has failed yet, and notes what ends it."""
        good = [change for change in changes if change.place not in self.errors]
        self._waiting = {change.place for change in good}
        sending.stopped = self.stopped
        sending.send_all(good, CHUNK)
        self.stopped = sending.stopped
        if self.stopped is not None:
            self.errors.update(dict.fromkeys(self._waiting, self.stopped))

    def failed(self, changes: Iterable[Change], error: ClosedLoopError) -> Linked:
        """The same with this error for all of the changes."""
        self.errors.update({change.place: error for change in changes})
        if isinstance(error, CrmError) and not isinstance(error, RefusedError):
            self.stopped = error
        return self


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

    def write(self, source: str, link: Link, changes: Sequence[Change]) -> Linked:
        """Makes the changes, new ones before old ones end."""
        linked = Linked()
        if not changes:
            return linked
        try:
            kind = self.type_of(source, link.target)
            made, ended = self._planned(source, link, changes, linked)
        except ClosedLoopError as error:
            return linked.failed(changes, error)
        making = Sending[Change](
            send=lambda inputs: self._reader.client.associate(source, link.target, inputs),
            of=lambda change: pair(change.id, str(change.target), [kind]),
            settle=linked.settle,
        )
        linked.run(making, made)
        linked.run(self.ending(source, link.target, linked.settle), ended)
        return linked

    def ending(
        self, source: str, target: str, settle: Callable[[E, Json | None, CrmError | None], None]
    ) -> Sending[E]:
        """Ends all associations of pairs. HubSpot answers 204, whatever became of them."""

        def call(inputs: Sequence[Json]) -> Any:
            answer = self._reader.client.dissociate(source, target, inputs)
            return {"results": list(inputs), "errors": errors_of(answer)}

        return Sending[E](send=call, of=lambda each: each.end(), settle=settle)

    def _planned(
        self, source: str, link: Link, changes: Sequence[Change], linked: Linked
    ) -> tuple[list[Change], list[Change]]:
        """What has to be made and what has to end, beside what is there."""
        has_primary = any(is_primary_kind(kind) for kind in self.kinds(source, link.target))
        present = self._reader.associated(source, link.target, [change.id for change in changes])
        made: list[Change] = []
        ended: list[Change] = []
        for change in changes:
            targets = present.get(change.id, [])
            try:
                old = _old(change, targets, has_primary=has_primary)
            except UnsupportedError as error:
                linked.errors[change.place] = error
                continue
            if change.target is not None and not _holds(change, targets, has_primary):
                made.append(change)
            if old is not None:
                ended.append(replace(change, target=old))
        return made, ended


def pair(left: str, right: str, types: Iterable[Json]) -> Json:
    """One association as the batch calls take it."""
    return {"from": {"id": left}, "to": {"id": right}, "types": list(types)}


def parting(left: str, right: str) -> Json:
    """A pair as the call takes it that ends all its associations."""
    return {"from": {"id": left}, "to": [{"id": right}]}


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
