"""What reading and writing through a resource gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from closedloop.crm.base import Refusal
from closedloop.errors import ClosedLoopError
from closedloop.schema.records import Record, Ref

R_co = TypeVar("R_co", bound=Record, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult(Generic[R_co]):
    """One of several records that were asked for by id: the record, or the error that stands in its way."""

    id: str
    record: R_co | None = None
    error: ClosedLoopError | None = None


class Verb(StrEnum):
    """What is to be done with a record."""

    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"


class WriteOutcome(StrEnum):
    """What became of one record of a write."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    """The CRM held these values already: nothing was sent."""
    DELETED = "deleted"
    FAILED = "failed"
    """Nothing was written, or not all of it, as `error` says; after an `UncertainError` it may have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """What became of one record of a write; `id` is known unless creating it failed."""

    outcome: WriteOutcome
    id: str | None = None
    error: ClosedLoopError | None = None

    @property
    def ok(self) -> bool:
        """Whether the CRM now holds what was to be written."""
        return self.error is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One record to write: `values` under our names, already of our types. `id` is None when creating."""

    id: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A record that is no more; merged away if `merged_into` names the record that it lives on in."""

    ref: Ref
    merged_into: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePage(Generic[R_co]):
    """One page of an object's changes, oldest first where the CRM can sort them.

    Keep `cursor` once the page has been dealt with: passing it to `changes` goes on behind the page. A
    record may come twice, never not at all.
    """

    records: tuple[R_co, ...] = ()
    deleted: tuple[Deletion, ...] = ()
    refused: tuple[Refusal, ...] = ()
    cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many calls a day the CRM allows and how many are used, by all its integrations together.

    None where the CRM has not said yet, or never says. `own` counts this connection's calls in the last
    24 hours; `budget` is how many of them the user allows. `resets_at` is None for an allowance that rolls.
    """

    total: int | None = None
    used: int | None = None
    resets_at: datetime | None = None
    own: int = 0
    budget: int | None = None

    @property
    def remaining(self) -> int | None:
        """How many calls are left, of the CRM's allowance and of the budget the lesser; None: not known."""
        left = [
            most - spent
            for most, spent in ((self.total, self.used), (self.budget, self.own))
            if most is not None and spent is not None
        ]
        return max(0, min(left)) if left else None
