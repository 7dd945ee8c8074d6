"""Sends items in batches, and finds out for each of them how it fared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from closedloop.crm.hubspot.answers import Json, results_of
from closedloop.crm.hubspot.batches import Outcome, split
from closedloop.errors import CrmError, QuotaError, RefusedError, RetryableError, UncertainError

T = TypeVar("T")

_ABOUT_ONE_RECORD = frozenset({423, 500})
"""Passing failures that may concern one record only; after any other one the rest would fail as well."""


class Sending(Generic[T]):
    """One kind of batch call. Stops after an error that would meet every further call too.

    `send` makes the call with what `of` gives for each item, `settle` hears what became of each. What the
    answer does not speak of is sent again by itself. A refused batch is halved until the culprit is found,
    unless `hopeless` says that the error meets every item.

    `lost` is for calls that must not be made twice: it gets the items of which nobody knows whether the
    call was carried out, because no answer came, or one with results that name nobody.
    """

    def __init__(
        self,
        *,
        send: Callable[[Sequence[Json]], Any],
        of: Callable[[T], Json],
        settle: Callable[[T, Json | None, CrmError | None], None],
        hopeless: Callable[[CrmError], bool] = lambda _: False,
        lost: Callable[[Sequence[T], UncertainError], None] | None = None,
        id_property: str | None = None,
    ) -> None:
        self._call, self._of, self._settle, self._hopeless = send, of, settle, hopeless
        self._lost, self._id_property = lost, id_property
        self.stopped: CrmError | None = None

    def send_all(self, items: Sequence[T], size: int) -> None:
        """Sends the items, so many at a time."""
        for start in range(0, len(items), size):
            self.send(items[start : start + size])

    def send(self, items: Sequence[T]) -> None:
        """Sends the items as one batch, or as many as it takes."""
        if self.stopped is not None or not items:
            return
        inputs = [self._of(item) for item in items]
        try:
            answer = self._call(inputs)
            outcomes = split(inputs, answer, id_property=self._id_property)
        except CrmError as error:
            self._failed(items, error)
        else:
            told = sum(outcome.result is not None for outcome in outcomes)
            self._read(items, outcomes, complete=told >= len(results_of(answer)))

    def _failed(self, items: Sequence[T], error: CrmError) -> None:
        passing = isinstance(error, RetryableError) and not isinstance(error, QuotaError)
        if isinstance(error, UncertainError) and self._lost is not None:
            self._lost(items, error)
        elif isinstance(error, RefusedError | UncertainError) or (
            passing and error.status in _ABOUT_ONE_RECORD
        ):
            self._refused(items, error)
        else:
            self.stopped = error

    def _refused(self, items: Sequence[T], error: CrmError) -> None:
        """One bad record makes HubSpot refuse its whole batch: halving finds it."""
        if len(items) > 1 and not self._hopeless(error):
            middle = len(items) // 2
            self.send(items[:middle])
            self.send(items[middle:])
            return
        for item in items:
            self._settle(item, None, error)

    def _read(self, items: Sequence[T], outcomes: Sequence[Outcome], *, complete: bool) -> None:
        open_: list[T] = []
        for item, outcome in zip(items, outcomes, strict=True):
            if outcome.named or len(items) == 1:
                self._settle(item, outcome.result, outcome.error)
            else:
                open_.append(item)
        if self._lost is not None and open_ and not complete:
            message = "HubSpot's answer does not say which records it made"
            self._lost(open_, UncertainError(message, reason="uncertain"))
            return
        for item in open_:
            self.send([item])
