"""What a fault does: values that say it, for whoever carries it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from closedloop.sandbox.faults.chance import Chance, Seconds

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Phase(StrEnum):
    """Where a fault strikes. Of one phase, the first rule that strikes is the one; only delays add up."""

    DELAY = "delay"
    CLOCK = "clock"
    WIRE = "wire"
    BATCH = "batch"
    ANSWER = "answer"
    EVENT = "event"
    INDEX = "index"


ON_THE_WAY = frozenset({Phase.DELAY, Phase.CLOCK, Phase.WIRE, Phase.BATCH})
"""What happens before the application sees a request, or after it has answered."""


class Disturbance(StrEnum):
    """What happens to a request instead of being answered as usual."""

    SILENCE = "silence"
    """It is taken and never answered; nothing is done."""
    UNANSWERED = "unanswered"
    """It is done, and never answered."""
    RESET = "reset"
    """The connection is cut before anything is done."""
    LOST = "lost"
    """It is done, and then the connection is cut: the caller cannot know."""
    TRUNCATED = "truncated"
    """It is done, and the answer ends in the middle of its body."""
    DRIPPING = "dripping"
    """It is done, and the body comes byte by byte, with `seconds` between them."""
    DELAYED = "delayed"
    """It is done, and answered after `seconds`."""
    PAGE = "page"
    """It is answered with an HTML page, as by a proxy; nothing is done."""
    PAGE_AFTER = "page_after"
    """It is done, and answered with an HTML page, as by a gateway that did not wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """The answer comes late; `before`: the request itself does."""

    phase: ClassVar[Phase] = Phase.DELAY
    seconds: Seconds
    before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """The clock is off by so many seconds; `shows_in` is a word of `SKEWED`."""

    phase: ClassVar[Phase] = Phase.CLOCK
    seconds: float
    shows_in: str = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A disturbance on the way; `status` is that of a page."""

    phase: ClassVar[Phase] = Phase.WIRE
    what: Disturbance
    seconds: Seconds
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A batch is carried out in part: `run` calls the application with less, and adds the refusals."""

    phase: ClassVar[Phase] = Phase.BATCH
    run: Callable[[WSGIApplication, WSGIEnvironment, StartResponse, Strike], Iterable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The CRM answers so. `done`: the request takes effect first. A `body` that can be called is given the
    answer's correlation id."""

    phase: ClassVar[Phase] = Phase.ANSWER
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something is different while the request is answered: `within` is given the application, the request
    and the strike."""

    phase: ClassVar[Phase] = Phase.ANSWER
    within: Callable[[Any, Any, Strike], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An event goes out `copies` times (0: never), each time after `seconds`."""

    phase: ClassVar[Phase] = Phase.EVENT
    copies: int = 1
    seconds: Seconds = field(default_factory=lambda: Seconds.of(0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lagging:
    """Searches see a change so much later."""

    phase: ClassVar[Phase] = Phase.INDEX
    seconds: Seconds


Effect = Delay | Skew | Cut | Rewritten | Reply | Act | Sent | Lagging


@dataclass(frozen=True, slots=True)
class Strike:
    """A rule strikes its so manieth match."""

    effect: Effect
    chance: Chance
    number: int

    def draw(self, purpose: str = "") -> float:
        """A number from 0 up to 1, the same whenever the same rule strikes the same match."""
        return self.chance.at(self.number, purpose or "drawn")

    def seconds(self, given: Seconds) -> float:
        """The time to wait."""
        return given.at(self.draw("seconds"))
