"""Derives everything from the stored records once more, by any mappings, and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import Connection

from closedloop.loop.attribution import CampaignKey
from closedloop.loop.dispositions import Decision
from closedloop.mapping import Mappings
from closedloop.schema.vocabulary import DECIDED, AttributionModel, ObjectType, Outcome, ReasonCode
from closedloop_server.pipeline.judge import Verdict, judge
from closedloop_server.pipeline.rereading import Rereader
from closedloop_server.store import records
from closedloop_server.store.derived import Derived
from closedloop_server.store.rows import Key, chunks

BATCH = 200

K = TypeVar("K")
N = TypeVar("N", int, Decimal)

Line = tuple[Outcome, ReasonCode | None]
"""What a decision counts as."""

Place = tuple[CampaignKey | None, Outcome, ReasonCode | None]
"""What a campaign, or none, has credit for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A lead or an opportunity that would be decided, or credited, otherwise; None: not decided at all."""

    subject: Key
    before: Decision | None
    after: Decision | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rederivation:
    """What would differ, counted over the changed subjects alone: what they count as now, and then."""

    judged: int
    changes: tuple[Change, ...]
    reasons: Mapping[Line, tuple[int, int]]
    credits: Mapping[Place, tuple[Decimal, Decimal]]
    unreadable: frozenset[Key]


def rederive(
    connection: Connection,
    mappings: Mappings,
    *,
    present: Mappings,
    names: Iterable[str],
    model: AttributionModel,
) -> Rederivation:
    """What judging every stored lead and opportunity of these connections by `mappings` would change.

    Their fields are read again from the payload that `present` read them from, where the two differ. What
    the CRM was not asked for is not in it, and how records point at each other stays as it was read.
    """
    reader = Rereader(present, mappings)
    tally = _Tally(model)
    changes = []
    judged = 0
    for keys in chunks(subjects(connection, names), BATCH):
        verdicts = judge(connection, mappings, keys, read=reader.read)
        judged += len(verdicts)
        for key, verdict in sorted(verdicts.items()):
            if verdict.news:
                tally.add(verdict)
                changes.append(Change(subject=key, before=_held(verdict), after=verdict.decision))
    return Rederivation(
        judged=judged,
        changes=tuple(changes),
        reasons=_differing(tally.reasons),
        credits=_differing(tally.credits),
        unreadable=frozenset(reader.unreadable),
    )


def subjects(connection: Connection, names: Iterable[str]) -> Iterator[Key]:
    """Every stored lead and opportunity of these connections."""
    for name in names:
        for object_ in (ObjectType.LEAD, ObjectType.OPPORTUNITY):
            yield from sorted(records.keys_of_object(connection, name, object_))


@dataclass(slots=True)
class _Tally:
    """Sums over the changed subjects: what holds now, and what would hold then."""

    model: AttributionModel
    reasons: dict[Line, list[int]] = field(default_factory=dict)
    credits: dict[Place, list[Decimal]] = field(default_factory=dict)

    def add(self, verdict: Verdict) -> None:
        self._add(0, _held(verdict), verdict.before)
        self._add(1, verdict.decision, verdict.now)

    def _add(self, side: int, decision: Decision | None, derived: Derived) -> None:
        if decision is None or decision.outcome not in DECIDED:
            return
        line = (decision.outcome, decision.reason)
        self.reasons.setdefault(line, [0, 0])[side] += 1
        for share in derived.credits:
            if share.model is self.model:
                place = (share.credit.campaign, *line)
                self.credits.setdefault(place, [Decimal(0), Decimal(0)])[side] += share.credit.share


def _held(verdict: Verdict) -> Decision | None:
    return verdict.held.decision if verdict.held else None


def _differing(sums: Mapping[K, list[N]]) -> dict[K, tuple[N, N]]:
    return {key: (now, then) for key, (now, then) in sums.items() if now != then}
