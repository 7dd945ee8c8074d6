"""Tells a CRM what its campaigns and people should show, until it was told everything."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from closedloop.crm import retry
from closedloop.crm.budget import BUDGET_SPENT, BULK_SHARE_SPENT, bulk_work
from closedloop.errors import AuthenticationError, CrmError, QuotaError, RetryableError
from closedloop.loop.feedback import Delivery, DeliveryResult
from closedloop_server.pipeline.backoff import BULK_LOOKS, again_at
from closedloop_server.services import Services
from closedloop_server.store import deliverers, telling
from closedloop_server.store.engine import reading
from closedloop_server.store.telling import Due, Result

BATCH = 200
CALL_SECONDS = 300.0
"""How long the CRM may be called for one batch, with all repetitions, from before its mark on."""
ARRIVAL_SECONDS = 120.0
"""How long what is on its way when its sender gives up may still take: Salesforce ends a query, and a proxy
seldom keeps a request, after that. What arrives even later is noticed when the target is read again."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that was marked under this number."""

    number: int
    began: datetime

    def left(self, now: datetime) -> float:
        """The seconds that it may still take. Its successors count from the mark on, so it does too, by the
        same clock: the worker may have stood still since."""
        return min(CALL_SECONDS, CALL_SECONDS - (now - self.began).total_seconds())


def deliver(services: Services, name: str) -> int:
    """Tells the CRM of a connection some of what it was not told yet; returns how many values those were.

    Each result is kept before the next batch begins, and what is being told is noted before the call: see
    `store.telling`. Raises the CrmError when nothing could be written at all, after noting it.
    """
    batch, complete = _due(services, name)
    if not batch:
        if complete:
            _tidy(services, name)
        return 0
    call = _begin(services, name, batch)
    left = call.left(services.clock())
    if left <= 0:
        _give_up(services, name, batch, call)
        return len(batch)
    try:
        with bulk_work() if batch[0].bulk else nullcontext(), retry.within(left):
            results = services.crms[name].deliver([each.feedback for each in batch])
    except CrmError as error:
        if error.reason == BULK_SHARE_SPENT:
            _hold_bulk(services, name, batch, call)
            return 0
        _record_failure(services, name, batch, call, error)
        raise
    _record(services, name, batch, call, results)
    return len(batch)


def next_due(services: Services, name: str) -> datetime | None:
    """When something may be told again."""
    now = services.clock()
    with reading(services.engine) as connection:
        held = deliverers.bulk_until(connection, name)
        later = telling.next_due(connection, name, now=now)
        if held is None or held <= now or not telling.waiting(connection, [name]):
            return later
    return held if later is None else min(held, later)


def _due(services: Services, name: str) -> tuple[list[Due], bool]:
    """Some of what is to be told now, and whether bulk may be among it."""
    now = services.clock()
    with reading(services.engine) as connection:
        held = deliverers.bulk_until(connection, name)
        with_bulk = held is None or held <= now
        return telling.due(connection, name, now=now, limit=BATCH, with_bulk=with_bulk), with_bulk


def _tidy(services: Services, name: str) -> None:
    now = services.clock()
    with reading(services.engine) as connection:
        if telling.is_tidy(connection, name, now=now):
            return
    with services.writing() as connection:
        telling.tidy(connection, name, now=now)


def _begin(services: Services, name: str, batch: Sequence[Due]) -> _Call:
    began = services.clock()
    until = began + timedelta(seconds=CALL_SECONDS + ARRIVAL_SECONDS)
    with services.writing() as connection:
        number = deliverers.next_number(connection, name)
        telling.begin(connection, name, batch, call=number, lease=services.lease or 0, until=until)
    return _Call(number, began)


def _give_up(services: Services, name: str, batch: Sequence[Due], call: _Call) -> None:
    """Nothing was sent. The values are still to be told, in the next batch."""
    with services.writing() as connection:
        telling.abandon(connection, name, batch, call=call.number)


def _hold_bulk(services: Services, name: str, batch: Sequence[Due], call: _Call) -> None:
    """Nothing was sent. What sales decides from here on still has calls left."""
    with services.writing() as connection:
        telling.abandon(connection, name, batch, call=call.number)
        deliverers.hold_bulk(connection, name, until=services.clock() + BULK_LOOKS)


def _keep(
    connection: Connection, name: str, results: Sequence[Result], call: _Call, *, now: datetime
) -> None:
    ended = deliverers.next_number(connection, name)
    telling.record(connection, name, results, call=call.number, began=call.began, ended=ended, now=now)


def _record_failure(
    services: Services, name: str, batch: Sequence[Due], call: _Call, error: CrmError
) -> None:
    now = services.clock()
    surely_not_sent = isinstance(error, QuotaError | AuthenticationError)
    results = [_result(each, _failed(each, error), now, doubtful=not surely_not_sent) for each in batch]
    with services.writing() as connection:
        _keep(connection, name, results, call, now=now)
        deliverers.failed(
            connection,
            name,
            code=error.code or error.reason,
            message=error.message,
            denied=isinstance(error, AuthenticationError),
            now=now,
        )


def _record(
    services: Services, name: str, batch: Sequence[Due], call: _Call, given: Sequence[DeliveryResult]
) -> None:
    now = services.clock()
    told = {each.feedback.key: each for each in batch}
    fates = {key: _unanswered(key) for key in told} | {
        result.key: result for result in given if result.key in told
    }
    results = [_result(told[key], fate, now, doubtful=True) for key, fate in fates.items()]
    open_ = [fate for fate in fates.values() if fate.delivery is Delivery.RETRY]
    with services.writing() as connection:
        _keep(connection, name, results, call, now=now)
        if len(open_) < len(fates):
            deliverers.answered(connection, name, now=now)
        else:
            first = open_[0]
            deliverers.failed(connection, name, code=first.code, message=first.message, denied=False, now=now)
        if any(fate.code == BULK_SHARE_SPENT for fate in open_):
            deliverers.hold_bulk(connection, name, until=now + BULK_LOOKS)


def _result(told: Due, fate: DeliveryResult, now: datetime, *, doubtful: bool) -> Result:
    if fate.delivery is not Delivery.RETRY:
        return Result(told=told, result=fate)
    # Our own budget may be raised at any time: what it holds up does not wait for the day to be over.
    own = fate.code in {BUDGET_SPENT, BULK_SHARE_SPENT}
    return Result(
        told=told,
        result=fate,
        again=again_at(now, told.attempts + 1, None if own else fate.retry_after),
        until=now + timedelta(seconds=ARRIVAL_SECONDS) if doubtful else None,
    )


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
