"""The one interface to a CRM that the loop uses; `salesforce/` and `hubspot/` implement it.

A third CRM is one folder with the same file names, one mapping file and one row in `registry.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from closedloop.errors import NormaliseError
from closedloop.loop.feedback import DeliveryResult, Feedback, FeedbackKind
from closedloop.schema.records import Record, Ref
from closedloop.schema.vocabulary import CrmName, ObjectType


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """The installed CRM itself. `id` is the Salesforce organisation id (18 characters) or the HubSpot
    portal id; `record_url` is the pattern of a record's page with `{id}` for its id, where it has one."""

    crm: CrmName
    id: str
    name: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A payload that could not become a record, and why."""

    ref: Ref
    error: NormaliseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one read brought: the records, the refs asked for that the CRM no longer has (deleted or merged
    away), and the payloads that could not become records."""

    records: tuple[Record, ...] = ()
    gone: tuple[Ref, ...] = ()
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A batch of a poll. Store `cursor` after the batch: passing it to `poll` goes on from there."""

    batch: Batch
    cursor: str


class Crm(Protocol):
    """A connected CRM. Every method raises only `CrmError`s; all reads and writes are batched to the
    vendor's limits, and retried where repeating is safe."""

    name: ClassVar[CrmName]
    person_target: ClassVar[ObjectType]
    """Where this CRM shows person feedback: campaign_member or contact."""
    feedback_kinds: ClassVar[frozenset[FeedbackKind]]
    """The kinds of feedback `deliver` takes."""

    def organisation(self) -> Organisation:
        """The organisation or portal that the credentials belong to."""

    def sizes(self) -> Mapping[ObjectType, int]:
        """How many objects there are of each type that a poll from the beginning brings, in about a call per
        type; those are left out that the CRM cannot or will not count. For progress only: nothing depends
        on it."""

    def refresh(self, refs: Iterable[Ref]) -> Batch:
        """The present state of these objects, with everything the loop needs to judge them: the stages are
        not included, the people are, and so are their campaign members and contact roles, and the
        campaigns that those name."""

    def poll(self, cursor: str | None) -> Iterator[Page]:
        """Everything that changed since `cursor`, oldest first; None starts with all there is: stages,
        users, campaigns, their members and the people in them, leads and opportunities."""

    def deliver(self, feedback: Sequence[Feedback]) -> list[DeliveryResult]:
        """Writes each value to its target, in the order given; one result per value, in that order.

        A value that the CRM refuses does not hold up the others. Raises only when nothing could be
        written at all (no connection, no credentials, no quota).
        """

    def differences(self, feedback: Feedback, record: Record) -> Mapping[str, str] | None:
        """In which of our fields the target, as `refresh` or `poll` read it, shows something else than this
        feedback: our names with what stands there, "" for nothing. Compared as the CRM keeps it: rounded,
        cut and trimmed. None where the record does not tell."""

    def feedback_form(self) -> str:
        """A text that changes whenever the CRM's admin changes something about the fields that feedback is
        written to: what was refused before may be taken then. A change may take a quarter of an hour to
        show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Events of a delivery that need no work, and why: `reason` is a stable slug."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What a webhook delivery says: these objects may have changed. Those in `erase`, which are among
    them, were deleted for the person's privacy: nothing about them may be kept."""

    refs: tuple[Ref, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    erase: tuple[Ref, ...] = ()
