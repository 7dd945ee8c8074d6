"""Tells a CRM what its campaigns and people should show, until it was told everything."""

from __future__ import annotations

from datetime import datetime

from closedloop.errors import CrmError, RetryableError
from closedloop.loop.feedback import Delivery, DeliveryResult
from closedloop_server.pipeline.backoff import again_at
from closedloop_server.services import Services
from closedloop_server.store import feedback
from closedloop_server.store.engine import reading
from closedloop_server.store.feedback import Due

BATCH = 200


def deliver(services: Services, name: str) -> int:
    """Tells the CRM of a connection some of what it was not told yet; returns how many values those were.

    Each result is kept before the next batch begins. A crash in between has a value told twice, which
    changes nothing. Raises the CrmError when nothing could be written at all, after noting it.
    """
    with reading(services.engine) as connection:
        batch = feedback.due(connection, name, now=services.clock(), limit=BATCH)
    if not batch:
        return 0
    try:
        results = services.crms[name].deliver([each.feedback for each in batch])
    except CrmError as error:
        _record(services, name, batch, [_failed(each, error) for each in batch])
        raise
    _record(services, name, batch, results)
    return len(batch)


def _record(services: Services, name: str, batch: list[Due], results: list[DeliveryResult]) -> None:
    now = services.clock()
    told = {each.feedback.key: each for each in batch}
    fates = {key: _unanswered(key) for key in told} | {result.key: result for result in results}
    timed = [(fate, _again(fate, told[key], now)) for key, fate in fates.items() if key in told]
    with services.writing() as connection:
        feedback.record(connection, name, told, timed, now=now)


def _again(result: DeliveryResult, due: Due, now: datetime) -> datetime | None:
    if result.delivery is not Delivery.RETRY:
        return None
    return again_at(now, due.attempts + 1, result.retry_after)


def _unanswered(key: str) -> DeliveryResult:
    """Stands in for a result that the adapter did not give: without one, the value would be told for ever."""
    return DeliveryResult(key=key, delivery=Delivery.RETRY, code="no_result")


def _failed(due: Due, error: CrmError) -> DeliveryResult:
    return DeliveryResult(
        key=due.feedback.key,
        delivery=Delivery.RETRY,
        code=error.code or error.reason,
        message=error.message,
        retry_after=error.retry_after if isinstance(error, RetryableError) else None,
    )
