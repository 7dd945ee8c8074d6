"""What the faults do that are the same in every CRM: those on the way, of the clock and of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from closedloop.sandbox.faults.chance import Seconds
from closedloop.sandbox.faults.effects import Cut, Delay, Disturbance, Effect, Lagging, Sent, Skew
from closedloop.sandbox.faults.rule import Rule
from closedloop.sandbox.faults.vocabulary import Fault

LONGEST_SILENCE = Seconds.of(60.0)
"""After this, what was to be a silence ends in a cut connection: nobody waits longer for a test."""

_BETWEEN_BYTES = Seconds.of(0.05)
_OVERTAKEN = Seconds(least=0.0, most=1.0)
_Given = Mapping[str, Any]


def standard_effect(rule: Rule) -> Effect:
    """The effect of a rule that no CRM has to know about."""
    return _EFFECTS[rule.fault](rule.settings)


def _cut(before: Disturbance, after: Disturbance, given: _Given, seconds: Seconds = LONGEST_SILENCE) -> Cut:
    return Cut(
        what=after if given.get("done") else before,
        seconds=given.get("seconds", seconds),
        status=given.get("status", 200),
    )


_EFFECTS: Mapping[Fault, Callable[[_Given], Effect]] = {
    Fault.LATENCY: lambda given: Delay(seconds=given["seconds"], before=bool(given.get("before"))),
    Fault.TIMEOUT: lambda given: _cut(Disturbance.SILENCE, Disturbance.UNANSWERED, given),
    Fault.RESET: lambda given: _cut(Disturbance.RESET, Disturbance.LOST, given),
    Fault.TRUNCATED: lambda given: _cut(Disturbance.TRUNCATED, Disturbance.TRUNCATED, given),
    Fault.DRIPPING: lambda given: _cut(Disturbance.DRIPPING, Disturbance.DRIPPING, given, _BETWEEN_BYTES),
    Fault.PAGE: lambda given: _cut(Disturbance.PAGE, Disturbance.PAGE_AFTER, given),
    Fault.CLOCK_SKEW: lambda given: Skew(seconds=given["seconds"], shows_in=given.get("shows_in", "all")),
    Fault.SLOW_INDEX: lambda given: Lagging(seconds=given["seconds"]),
    Fault.WEBHOOK_LOST: lambda _: Sent(copies=0),
    Fault.WEBHOOK_DUPLICATED: lambda given: Sent(copies=given.get("copies", 2)),
    Fault.WEBHOOK_DELAYED: lambda given: Sent(seconds=given["seconds"]),
    Fault.WEBHOOK_SHUFFLED: lambda given: Sent(seconds=given.get("seconds", _OVERTAKEN)),
}
