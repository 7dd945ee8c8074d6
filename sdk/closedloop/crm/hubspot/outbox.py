"""Sends feedback in batches and finds out for each value how it fared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from closedloop.crm.hubspot.answers import Json
from closedloop.crm.hubspot.sending import Sending
from closedloop.errors import AnswerError, AuthenticationError, CrmError, RetryableError
from closedloop.loop.feedback import Delivery, DeliveryResult, Feedback


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
        sending = Sending[Item](
            send=update,
            of=lambda item: {"id": item.id, "properties": item.changes},
            settle=lambda item, _, error: self.settle(item.place, error=error),
            hopeless=lambda error: error.reason == "unknown_property",  # it is in every one of them
        )
        sending.stopped = self._stopped
        for chunk in chunks(items, size):
            sending.send(chunk)
        self._stopped = sending.stopped

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
    # Missing credentials or scopes are mended outside, and then the same succeeds; so may what got an answer
    # that does not say what became of it.
    if isinstance(error, RetryableError | AuthenticationError | AnswerError):
        return Delivery.RETRY
    return Delivery.REFUSED


def _unanswered() -> CrmError:
    return RetryableError("HubSpot's answer does not say what became of this record", reason="unanswered")
