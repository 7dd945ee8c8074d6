"""Writes feedback to campaign members, campaigns and the rows of reasons, 200 to a request.

Every value is complete and every write can be repeated: members and campaigns are updated by their id,
the rows of reasons upserted by their external id.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from closedloop.crm.salesforce.answers import told
from closedloop.crm.salesforce.batches import Batches, Outcome, Row
from closedloop.crm.salesforce.compare import differences, form
from closedloop.crm.salesforce.describes import Described, Describes
from closedloop.crm.salesforce.ids import full_id
from closedloop.crm.salesforce.values import fitted, row_key, values_of, writable
from closedloop.errors import CrmError, RefusedError, RetryableError
from closedloop.loop.feedback import (
    CampaignFeedback,
    Delivery,
    DeliveryResult,
    Feedback,
    FeedbackKind,
    PersonFeedback,
    ReasonFeedback,
)
from closedloop.mapping import CrmMapping, Target
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import ObjectType

if TYPE_CHECKING:
    from closedloop.crm.salesforce.client import Client

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One record to send for one feedback value; `parent` sorts those that lock the same record together."""

    key: str
    record: dict[str, Any]
    parent: str


class Writer:
    """Delivers feedback to one org."""

    def __init__(
        self,
        client: Client,
        mapping: CrmMapping,
        describes: Describes,
        *,
        currency: Callable[[], str | None],
    ) -> None:
        self._client = client
        self._mapping = mapping
        self._describes = describes
        self._currency = currency
        self._warned: set[str] = set()

    def deliver(self, feedback: Sequence[Feedback]) -> list[DeliveryResult]:
        """One result per value, in order. Of two values for one target the later is written, for both."""
        results: dict[str, DeliveryResult] = {}
        newest = {value.key: value for value in feedback}
        for kind in FeedbackKind:
            values = [value for value in newest.values() if value.kind is kind]
            try:
                self._deliver_kind(kind, values, results)
            except CrmError as error:
                if not _any_delivered(results):
                    raise
                log.warning("the rest of the %s feedback has to wait: %s", kind, error)
                left = (value.key for value in values if value.key not in results)
                results.update((key, _failed(key, error)) for key in left)
        return [results[value.key] for value in feedback]

    def differences(self, feedback: Feedback, record: Record) -> Mapping[str, str] | None:
        """In which of our fields the record, as it was read, shows something else than this feedback; None
        where it cannot be told."""
        target = self._mapping.feedback(feedback.kind)
        described = self._describes.get(target.source) if target and target.key is None else None
        if target is None or described is None:
            return None
        return differences(feedback, record.raw, target, described, currency=self._currency())

    def form(self) -> str:
        """Changes whenever the org changes something about the fields that feedback is written to."""
        targets = [target for kind in FeedbackKind if (target := self._mapping.feedback(kind))]
        return form((target, self._describes.get(target.source)) for target in targets)

    def _deliver_kind(
        self, kind: FeedbackKind, values: Sequence[Feedback], results: dict[str, DeliveryResult]
    ) -> None:
        if not values:
            return
        target = self._mapping.feedback(kind)
        described = self._describes.get(target.source) if target else None
        if target is None or described is None:
            message = f"the org has no object for {kind} feedback, or hides it: deploy Closed Loop's package"
            results.update((value.key, _refused(value.key, "no_target", message)) for value in values)
            return
        self._send_all(target, list(self._writes(target, described, values, results)), results)

    def _writes(
        self,
        target: Target,
        described: Described,
        values: Iterable[Feedback],
        results: dict[str, DeliveryResult],
    ) -> Iterable[Write]:
        """The records to send; what cannot be made one is refused here."""
        fields = writable(described, target.fields, creates=target.key is not None)
        lacking = sorted(theirs for ours, theirs in target.fields.items() if ours not in fields)
        self._warn(f"{target.source} cannot take {', '.join(lacking)}" if lacking else "")
        for value in values:
            try:
                identity, parent = _identity(value, target)
            except ValueError as exc:
                results[value.key] = _refused(value.key, "bad_target", str(exc))
                continue
            if not fields:
                message = (
                    f"{target.source} has none of Closed Loop's fields, or hides them: deploy the package"
                )
                results[value.key] = _refused(value.key, "no_fields", message)
                continue
            ours = values_of(value, currency=self._currency())
            theirs = {field.name: fitted(name, ours.get(name), field) for name, field in fields.items()}
            record = {"attributes": {"type": target.source}, **theirs, **identity}
            yield Write(key=value.key, record=record, parent=parent)

    def _warn(self, message: str) -> None:
        """Logs what is left out, once."""
        if message and message not in self._warned:
            self._warned.add(message)
            log.warning("%s: it is left out; deploy the package and assign its permission set", message)

    def _send_all(self, target: Target, writes: Sequence[Write], results: dict[str, DeliveryResult]) -> None:
        """Sends the records, those that lock the same one together; what was sent has its result then, even
        when the rest could not be."""
        outcomes: dict[str, Outcome] = {}
        batches: Batches[Write] = Batches(
            lambda part: self._answers(target, part), lambda write: write.key, outcomes
        )
        try:
            batches.run(sorted(writes, key=lambda write: write.parent))
        finally:
            results.update((key, self._result(key, outcome)) for key, outcome in outcomes.items())

    def _answers(self, target: Target, writes: Sequence[Write]) -> Sequence[Row]:
        records = [write.record for write in writes]
        if target.key:
            return self._client.upsert(target.source, target.key, records)
        return self._client.update(records)

    def _result(self, key: str, outcome: Outcome) -> DeliveryResult:
        if not isinstance(outcome, CrmError):
            return DeliveryResult(key=key, delivery=Delivery.DELIVERED)
        stale = outcome.code in {"INVALID_FIELD", "INVALID_TYPE"} and outcome.status is not None
        if stale:  # of a whole request: something went away since the describe
            self._describes.forget()
        return _failed(key, outcome, again=stale)


def _identity(value: Feedback, target: Target) -> tuple[dict[str, str], str]:
    """What names the record to write, and the record that is locked with it. ValueError: it names none."""
    match value:
        case PersonFeedback():
            if value.target.object is not ObjectType.CAMPAIGN_MEMBER:
                raise ValueError(
                    f"person feedback goes to campaign members here, not to a {value.target.object}"
                )
            record_id = full_id(value.target.id)
            return {"id": record_id}, record_id
        case CampaignFeedback():
            record_id = full_id(value.campaign_id)
            return {"id": record_id}, record_id
        case ReasonFeedback():
            if target.key is None:
                raise ValueError("the mapping names no external id for reason feedback: give it a key")
            return {target.key: row_key(value)}, full_id(value.campaign_id)


def _refused(key: str, code: str, message: str) -> DeliveryResult:
    return DeliveryResult(key=key, delivery=Delivery.REFUSED, code=code, message=message)


def _failed(key: str, error: CrmError, *, again: bool = False) -> DeliveryResult:
    """The result of a value whose write failed: again later, unless the CRM refused it."""
    delivery = Delivery.REFUSED if isinstance(error, RefusedError) and not again else Delivery.RETRY
    return DeliveryResult(
        key=key,
        delivery=delivery,
        code=error.code or error.reason,
        message=told(error.message),
        retry_after=error.retry_after if isinstance(error, RetryableError) else None,
    )


def _any_delivered(results: dict[str, DeliveryResult]) -> bool:
    return any(result.delivery is Delivery.DELIVERED for result in results.values())
