"""The reps, and how each of them words a reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import cycle, islice
from typing import NamedTuple

from closedloop.sandbox.world import phrases
from closedloop.sandbox.world.drawing import Draw
from closedloop.sandbox.world.model import Habit, Rep
from closedloop.sandbox.world.names import FIRST_NAMES, LAST_NAMES
from closedloop.sandbox.world.phrases import Phrases
from closedloop.schema.vocabulary import CrmName, Outcome, ReasonCode


class _Slot(NamedTuple):
    """A place in the team: how its holder words reasons, how long leads wait for them, how often they try."""

    crm: CrmName
    habit: Habit
    hours: int
    attempts: int
    favourite: ReasonCode | None = None


_TEAM = (
    _Slot(CrmName.SALESFORCE, Habit.BLAMES_TIMING, 20, 2),
    _Slot(CrmName.SALESFORCE, Habit.THOROUGH, 3, 4),
    _Slot(CrmName.SALESFORCE, Habit.LAZY, 70, 1),
    _Slot(CrmName.SALESFORCE, Habit.SHOUTING, 8, 2),
    _Slot(CrmName.SALESFORCE, Habit.HASTY, 1, 2, ReasonCode.UNABLE_TO_REACH),
    _Slot(CrmName.SALESFORCE, Habit.TALKATIVE, 16, 3),
    _Slot(CrmName.SALESFORCE, Habit.SEVERAL, 36, 2, ReasonCode.NO_FIT),
    _Slot(CrmName.SALESFORCE, Habit.CRYPTIC, 12, 2),
    _Slot(CrmName.HUBSPOT, Habit.THOROUGH, 5, 3),
    _Slot(CrmName.HUBSPOT, Habit.LAZY, 90, 1, ReasonCode.NO_FIT),
    _Slot(CrmName.HUBSPOT, Habit.HASTY, 2, 2),
)
TEAM = len(_TEAM)
"""How many reps a team has: eight in Salesforce, a small group of three in HubSpot."""


def draw_reps(draw: Draw, teams: int = 1) -> tuple[Rep, ...]:
    """Returns the sales teams, all alike but for the one who blames timing: there is one of those."""
    return tuple(
        _rep(draw, number, slot, first=number < TEAM)
        for number, slot in enumerate(islice(cycle(_TEAM), teams * TEAM))
    )


def _rep(draw: Draw, number: int, slot: _Slot, *, first: bool) -> Rep:
    plain = not first and slot.habit is Habit.BLAMES_TIMING
    return Rep(
        key=f"rep-{number}",
        crm=slot.crm,
        first_name=draw.pick(FIRST_NAMES),
        last_name=draw.pick(LAST_NAMES),
        email=f"rep{number}@sales.example.com",
        habit=Habit.THOROUGH if plain else slot.habit,
        hours=slot.hours,
        attempts=slot.attempts,
        favourite=slot.favourite,
    )


class Worded(NamedTuple):
    """What stands in the CRM (`raw`, None for blank) and the code that a careful reader would give it."""

    code: ReasonCode
    raw: str | None
    note: str | None = None


def word(draw: Draw, rep: Rep, outcome: Outcome, meant: ReasonCode, *, share: float) -> Worded:
    """Returns how the rep records the reason they have in mind, habits and all; `share` is how often the one
    who blames timing does."""
    if rep.habit is Habit.BLAMES_TIMING and outcome is not Outcome.WON and draw.random() < share:
        meant = ReasonCode.BAD_TIMING
    if rep.habit is Habit.LAZY and draw.random() < 0.5:
        return Worded(code=ReasonCode.UNSPECIFIED, raw=None)
    if rep.habit is Habit.CRYPTIC and draw.random() < 0.4:
        return Worded(code=ReasonCode.UNMAPPED, raw=draw.pick(phrases.CRYPTIC))
    raw = _styled(draw, rep.habit, outcome, meant)
    note = draw.pick(phrases.NOTES) if rep.habit in {Habit.THOROUGH, Habit.TALKATIVE} else None
    return Worded(code=meant, raw=raw, note=note)


def _styled(draw: Draw, habit: Habit, outcome: Outcome, meant: ReasonCode) -> str:
    neat, hasty, talkative = _TABLES[outcome]
    if habit is Habit.HASTY:
        return draw.pick(hasty.get(meant, neat[meant]))
    if habit is Habit.TALKATIVE:
        return draw.pick(talkative.get(meant, neat[meant]))
    raw = draw.pick(neat[meant])
    if habit is Habit.SHOUTING:
        return raw.upper()
    if habit is Habit.SEVERAL and draw.random() < 0.6:
        further = draw.pick([code for code in neat if code is not meant])
        return f"{raw};{draw.pick(neat[further])}"
    return raw


_REJECTED = (phrases.NEAT_REJECTED, phrases.HASTY_REJECTED, phrases.TALKATIVE_REJECTED)
_TABLES: Mapping[Outcome, tuple[Phrases, Phrases, Phrases]] = {
    Outcome.DISQUALIFIED: _REJECTED,
    Outcome.RECYCLED: _REJECTED,
    Outcome.LOST: (phrases.NEAT_LOST, phrases.HASTY_LOST, phrases.TALKATIVE_LOST),
    Outcome.WON: (phrases.NEAT_WON, phrases.HASTY_WON, phrases.TALKATIVE_WON),
}


def every_phrase() -> Iterator[tuple[Outcome, ReasonCode, str]]:
    """Yields each phrase a rep may write under an outcome, with what it means."""
    for outcome, tables in _TABLES.items():
        for table in tables:
            for code, raws in table.items():
                yield from ((outcome, code, raw) for raw in raws)
        yield from ((outcome, ReasonCode.UNMAPPED, raw) for raw in phrases.CRYPTIC)
