"""What was found in a body: the records, and what could not become one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from closedloop.errors import NormaliseError
from closedloop.mapping.crm import CrmMapping
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import ObjectType

DEEPEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A part of a body that did not become a record. `reason` is a stable slug; `id` is the CRM's, where
    it has one; `count` is how many parts alike there were."""

    reason: str
    message: str
    object: ObjectType | None = None
    id: str | None = None
    field: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """All that a body held. Never both empty: a body without any record says why."""

    records: tuple[Record, ...] = ()
    refused: tuple[Refused, ...] = ()


@dataclass(slots=True)
class Findings:
    """Collects records and refusals while a body is walked."""

    mapping: CrmMapping
    records: list[Record] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def take(
        self,
        object_type: ObjectType,
        payload: Mapping[str, Any],
        *,
        id: str | None = None,  # noqa: A002 - the word of the schema
        raw: Mapping[str, Any] | None = None,
    ) -> None:
        """Adds the record in `payload`, or its refusal; `raw` is the payload as it came, if changed."""
        try:
            record = self.mapping.normalise(object_type, payload)
        except NormaliseError as exc:
            self.refuse(exc.reason, exc.message, object=object_type, id=id, field=exc.field)
        else:
            self.records.append(record if raw is None else replace(record, raw=raw))

    def refuse(
        self,
        reason: str,
        message: str,
        *,
        object: ObjectType | None = None,  # noqa: A002 - the word of the schema
        id: str | None = None,  # noqa: A002 - the word of the schema
        field: str = "",
    ) -> None:
        """Adds a refusal; one like the last is counted with it."""
        refused = Refused(reason=reason, message=message, object=object, id=id, field=field)
        if self.refused and _alike(self.refused[-1], refused):
            last = self.refused.pop()
            refused = Refused(
                reason=reason, message=message, object=object, field=field, count=last.count + 1
            )
        self.refused.append(refused)

    def result(self) -> Normalised:
        """Everything found; a body in which nothing was found is refused as a whole."""
        if not self.records and not self.refused:
            self.refuse("not_our_object", "the body holds none of the objects that the mapping knows")
        return Normalised(records=tuple(self.records), refused=tuple(self.refused))


def _alike(last: Refused, refused: Refused) -> bool:
    return (
        refused.id is None
        and last.id is None
        and (last.reason, last.message, last.object)
        == (
            refused.reason,
            refused.message,
            refused.object,
        )
    )
