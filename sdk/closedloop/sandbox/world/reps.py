"""The reps, and how each of them words a reason."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from closedloop.sandbox.world import phrases
from closedloop.sandbox.world.model import Habit, Rep
from closedloop.sandbox.world.names import FIRST_NAMES, LAST_NAMES
from closedloop.sandbox.world.phrases import Phrases
from closedloop.schema.vocabulary import CrmName, Outcome, ReasonCode

_TEAM: tuple[tuple[CrmName, Habit], ...] = (
    (CrmName.SALESFORCE, Habit.BLAMES_TIMING),
    (CrmName.SALESFORCE, Habit.THOROUGH),
    (CrmName.SALESFORCE, Habit.LAZY),
    (CrmName.SALESFORCE, Habit.SHOUTING),
    (CrmName.SALESFORCE, Habit.HASTY),
    (CrmName.SALESFORCE, Habit.TALKATIVE),
    (CrmName.SALESFORCE, Habit.SEVERAL),
    (CrmName.SALESFORCE, Habit.CRYPTIC),
    (CrmName.HUBSPOT, Habit.THOROUGH),
    (CrmName.HUBSPOT, Habit.LAZY),
    (CrmName.HUBSPOT, Habit.HASTY),
)


def draw_reps(draw: random.Random) -> tuple[Rep, ...]:
    """Returns the sales team: eight in Salesforce, a small one of three in HubSpot."""
    firsts, lasts = draw.sample(FIRST_NAMES, len(_TEAM)), draw.sample(LAST_NAMES, len(_TEAM))
    return tuple(
        Rep(
            key=f"rep-{number}",
            crm=crm,
            first_name=first,
            last_name=last,
            email=f"rep{number}@sales.example.com",
            habit=habit,
        )
        for number, ((crm, habit), first, last) in enumerate(zip(_TEAM, firsts, lasts, strict=True))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """What stands in the CRM (`raw`, None for blank) and the code that a careful reader would give it."""

    code: ReasonCode
    raw: str | None
    note: str | None = None


def word(draw: random.Random, rep: Rep, outcome: Outcome, meant: ReasonCode) -> Worded:
    """Returns how the rep records the reason they mean, habits and all."""
    if rep.habit is Habit.BLAMES_TIMING and outcome is not Outcome.WON and draw.random() < 0.85:
        meant = ReasonCode.BAD_TIMING
    if rep.habit is Habit.LAZY and draw.random() < 0.5:
        return Worded(code=ReasonCode.UNSPECIFIED, raw=None)
    if rep.habit is Habit.CRYPTIC and draw.random() < 0.4:
        return Worded(code=ReasonCode.UNMAPPED, raw=draw.choice(phrases.CRYPTIC))
    raw = _styled(draw, rep.habit, outcome, meant)
    note = draw.choice(phrases.NOTES) if rep.habit in {Habit.THOROUGH, Habit.TALKATIVE} else None
    return Worded(code=meant, raw=raw, note=note)


def _styled(draw: random.Random, habit: Habit, outcome: Outcome, meant: ReasonCode) -> str:
    neat, hasty, talkative = _TABLES[outcome]
    if habit is Habit.HASTY:
        return draw.choice(hasty.get(meant, neat[meant]))
    if habit is Habit.TALKATIVE:
        return draw.choice(talkative.get(meant, neat[meant]))
    raw = draw.choice(neat[meant])
    if habit is Habit.SHOUTING:
        return raw.upper()
    if habit is Habit.SEVERAL and draw.random() < 0.6:
        further = draw.choice([code for code in neat if code is not meant])
        return f"{raw};{draw.choice(neat[further])}"
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
