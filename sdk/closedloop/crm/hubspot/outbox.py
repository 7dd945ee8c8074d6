"""Sends updates in batches and finds out for each of them how it fared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from closedloop.crm.hubspot.answers import Json, errors_of, item_error, names_of, results_of
from closedloop.errors import AuthenticationError, CrmError, QuotaError, RefusedError, RetryableError
from closedloop.loop.feedback import Delivery, DeliveryResult, Feedback

_ABOUT_ONE_RECORD = frozenset({423, 500})
"""Passing failures that may concern one record only; after any other one the rest would fail as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One update: the place of its feedback in what was given, the record, and the properties to set."""

    place: int
    id: str
    changes: dict[str, str]


class Outbox:
    """The results of one delivery. Stops sending after an error that would meet every further call too."""

    def __init__(self, feedback: Sequence[Feedback]) -> None:
        self._feedback = feedback
        self._results: dict[int, DeliveryResult] = {}
        self._stopped: CrmError | None = None

    def send(self, items: Sequence[Item], *, size: int, update: Callable[[Sequence[Json]], Any]) -> None:
        """Sends the items in their order, at most `size` together and no record twice among them, because
        HubSpot refuses a whole batch over one duplicate id."""
        for chunk in chunks(items, size):
            if self._stopped is None:
                self._send(chunk, update)

    def settle(self, place: int, *, error: CrmError | None = None) -> None:
        """Notes how the feedback at this place fared."""
        self._results[place] = DeliveryResult(
            key=self._feedback[place].key,
            delivery=_delivery(error),
            code=(error.code or error.reason) if error else None,
            message=error.message if error else None,
            retry_after=error.retry_after if isinstance(error, RetryableError) else None,
        )

    def stop(self, error: CrmError) -> None:
        """Sends no more; everything that is still open is to be tried again."""
        self._stopped = error

    @property
    def stopped(self) -> bool:
        """Whether an error has ended the sending."""
        return self._stopped is not None

    def results(self) -> list[DeliveryResult]:
        """One result per feedback, in order; raises the error that stopped it when nothing was settled."""
        if self._stopped is not None and not self._results:
            raise self._stopped
        for place in range(len(self._feedback)):
            if place not in self._results:
                self.settle(place, error=self._stopped or _unanswered())
        return [self._results[place] for place in range(len(self._feedback))]

    def _send(self, items: Sequence[Item], update: Callable[[Sequence[Json]], Any]) -> None:
        try:
            answer = update([{"id": item.id, "properties": item.changes} for item in items])
            self._split(items, answer, update)
        except RefusedError as error:
            self._refused(items, error, update)
        except RetryableError as error:
            if error.status not in _ABOUT_ONE_RECORD or isinstance(error, QuotaError):
                self.stop(error)
            elif len(items) == 1:
                self.settle(items[0].place, error=error)
            else:
                self._halve(items, update)
        except CrmError as error:
            self.stop(error)

    def _refused(
        self, items: Sequence[Item], error: RefusedError, update: Callable[[Sequence[Json]], Any]
    ) -> None:
        """One bad record makes HubSpot refuse its whole batch: halving finds it. A property that does not
        exist is in every one of them."""
        if len(items) > 1 and error.reason != "unknown_property":
            self._halve(items, update)
            return
        for item in items:
            self.settle(item.place, error=error)

    def _halve(self, items: Sequence[Item], update: Callable[[Sequence[Json]], Any]) -> None:
        middle = len(items) // 2
        for half in (items[:middle], items[middle:]):
            if self._stopped is None:
                self._send(half, update)

    def _split(self, items: Sequence[Item], answer: Any, update: Callable[[Sequence[Json]], Any]) -> None:
        """Settles each item by the answer's results and errors. What neither names is sent by itself: by
        then the whole answer is about it, even under another id, which a merged record has."""
        updated = {str(result.get("id")).lower() for result in results_of(answer)}
        failed = {name: item_error(told) for told in errors_of(answer) for name in names_of(told)}
        failures = [item_error(told) for told in errors_of(answer)]
        for item in items:
            if item.id in updated or (len(items) == 1 and updated and not failures):
                self.settle(item.place)
            elif item.id in failed or len(items) == 1:
                self.settle(item.place, error=failed.get(item.id) or next(iter(failures), _unanswered()))
            elif self._stopped is None:
                self._send([item], update)


def chunks(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """The items in order, at most `size` together, none of them about the same record."""
    chunk: list[Item] = []
    for item in items:
        if len(chunk) == size or any(item.id == other.id for other in chunk):
            yield chunk
            chunk = []
        chunk.append(item)
    if chunk:
        yield chunk


def _delivery(error: CrmError | None) -> Delivery:
    if error is None:
        return Delivery.DELIVERED
    # Missing credentials or scopes are mended outside, and then the same succeeds.
    if isinstance(error, RetryableError | AuthenticationError):
        return Delivery.RETRY
    return Delivery.REFUSED


def _unanswered() -> CrmError:
    return RetryableError("HubSpot's answer does not say what became of this record", reason="unanswered")
