"""Collections requests: up to 200 records each, each record with a result of its own.

A record that somebody else holds locked is sent again by itself, a few times. A request that is refused as a
whole because one record in it cannot be read is sent in halves, until that record is alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from closedloop.crm import retry
from closedloop.crm.salesforce.answers import is_collection, record_error
from closedloop.crm.salesforce.soql import chunks
from closedloop.crm.wire import loads
from closedloop.errors import AnswerError, CrmError, RefusedError, RetryableError, UncertainError

log = logging.getLogger(__name__)

PER_REQUEST = 200
"""Records in one request (REST API Developer Guide, "sObject Collections")."""
_DEADLINE = 600.0
"""Seconds that a batch may take with all its locked records; each request has a deadline of its own, which
one that is shorter would cut short."""

T = TypeVar("T")
Row = Mapping[str, Any]
Outcome = Row | CrmError


class Batches(Generic[T]):
    """Sends items, and notes what became of each in `outcomes`: its row of the answer, or its error.

    `send` gives the answer's rows in the order of the items; `key` is what `outcomes` calls an item. An error
    that concerns more than one request is raised; the items that have no outcome then were not sent.
    """

    def __init__(
        self,
        send: Callable[[Sequence[T]], Sequence[Row]],
        key: Callable[[T], Any],
        outcomes: dict[Any, Outcome],
    ) -> None:
        self._send = send
        self._key = key
        self._outcomes = outcomes

    def run(self, items: Sequence[T]) -> None:
        """Sends all of them."""
        for batch in chunks(items, PER_REQUEST):
            self._whole(batch)

    def _whole(self, batch: Sequence[T]) -> None:
        try:
            self._unlocked(batch)
        except (RefusedError, UncertainError) as error:
            left = [item for item in batch if self._key(item) not in self._outcomes]
            if error.code == "JSON_PARSER_ERROR" and len(left) > 1:
                middle = len(left) // 2
                self._whole(left[:middle])
                self._whole(left[middle:])
                return
            log.warning("a request with %d records was refused: %s", len(left), error)
            self._outcomes.update((self._key(item), error) for item in left)

    def _unlocked(self, batch: Sequence[T]) -> None:
        """Sends the items until each has an outcome; those that are locked again."""
        waiting = list(batch)
        errors: dict[Any, CrmError] = {}

        def attempt() -> None:
            nonlocal waiting
            errors.clear()
            errors.update(self._once(waiting))
            waiting = [item for item in waiting if self._key(item) in errors]
            if errors:
                raise _LockedError("records are locked")

        try:
            retry.call(attempt, retry_on=_LockedError, attempts=3, deadline=_DEADLINE)
        except _LockedError:
            self._outcomes.update(errors)

    def _once(self, items: Sequence[T]) -> dict[Any, CrmError]:
        """Sends the items once; returns the errors of those that may be tried again."""
        again: dict[Any, CrmError] = {}
        for item, row in zip(items, self._send(items), strict=True):
            error = None if row.get("success") is True else record_error(row.get("errors"))
            if isinstance(error, RetryableError):
                again[self._key(item)] = error
            else:
                self._outcomes[self._key(item)] = row if error is None else error
        return again


def rows_of(body: bytes, count: int) -> list[Row]:
    """The results in the answer to a collections request of so many records; AnswerError if they are not."""
    rows = loads(body)
    if not is_collection(rows) or len(rows) != count:
        raise AnswerError(
            "expected one result per record: this is not the answer of Salesforce's API", reason="not_the_api"
        )
    return list(rows)


class _LockedError(RetryableError):
    """Some records of a batch are to be sent again."""
