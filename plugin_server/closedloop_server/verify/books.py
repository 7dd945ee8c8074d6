"""Credits and touches: that they sum up, now and at every time before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from closedloop.schema.vocabulary import DECIDED, AttributionModel
from closedloop_server.store.reports import reconcile
from closedloop_server.store.tables import (
    credits_,
    past_credits,
    past_touches,
    standings,
    touches,
)
from closedloop_server.verify.finding import Check, Finding

_WHOLE = Decimal(1)
_ALWAYS = datetime.min.replace(tzinfo=UTC)


def check(connection: Connection) -> Iterator[Finding]:
    """What is wrong with the sums."""
    decided = _decided(connection)
    yield from _credits(connection, decided)
    yield from _touches(connection, decided)
    yield from _past(connection)
    for model in AttributionModel:
        missing = reconcile(connection, model).missing
        if missing:
            message = f"{missing} of the decisions that stand are neither credited nor unattributed"
            yield Finding(check=Check.TOTALS, where=model.value, message=message)


def _decided(connection: Connection) -> set[int]:
    """The entries that stand and decide something."""
    outcomes = [outcome.value for outcome in DECIDED]
    return set(connection.scalars(select(standings.c.ledger_id).where(standings.c.outcome.in_(outcomes))))


def _credits(connection: Connection, decided: set[int]) -> Iterator[Finding]:
    sums: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for row in connection.execute(select(credits_.c.ledger_id, credits_.c.model, credits_.c.share)):
        sums[row.ledger_id, row.model] += row.share
    expected = {(entry, model.value) for entry in decided for model in AttributionModel}
    for entry, model in sorted(sums.keys() | expected):
        found = sums.get((entry, model), Decimal(0))
        if entry not in decided:
            message = f"it has {model} credit, and does not stand or decides nothing"
            yield Finding(check=Check.CREDITS, where=f"entry {entry}", message=message)
        elif found != _WHOLE:
            message = f"its {model} credit sums to {found}, expected 1"
            yield Finding(check=Check.CREDITS, where=f"entry {entry}", message=message)


def _touches(connection: Connection, decided: set[int]) -> Iterator[Finding]:
    for entry in sorted(set(connection.scalars(select(touches.c.ledger_id).distinct())) - decided):
        message = "it has touches, and does not stand or decides nothing"
        yield Finding(check=Check.TOUCHES, where=f"entry {entry}", message=message)


def _past(connection: Connection) -> Iterator[Finding]:
    """At every time an entry's credits summed to 1, or there were none: before it held, and after."""
    for (entry, model), spans in sorted(_spans(connection).items()):
        for at in sorted({time for span in spans for time in (span.start, span.end) if time}):
            total = sum((span.share for span in spans if span.holds(at)), Decimal(0))
            if total not in (0, _WHOLE):
                message = f"its {model} credit summed to {total} on {at:%Y-%m-%d %H:%M:%S}, expected 1"
                yield Finding(check=Check.PAST, where=f"entry {entry}", message=message)
    for past in (past_credits, past_touches):
        backwards = select(past.c.ledger_id).where(past.c.learned_at > past.c.superseded_at).distinct()
        for entry in sorted(connection.scalars(backwards)):
            message = f"a row of {past.name} was superseded before it was learned"
            yield Finding(check=Check.PAST, where=f"entry {entry}", message=message)


@dataclass(frozen=True, slots=True)
class _Span:
    """A share, and from when until before when it was known."""

    share: Decimal
    start: datetime
    end: datetime | None

    def holds(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


def _spans(connection: Connection) -> dict[tuple[int, str], list[_Span]]:
    """Every credit that ever was of the entries that have any in the past."""
    found: dict[tuple[int, str], list[_Span]] = defaultdict(list)
    for row in connection.execute(select(past_credits)):
        span = _Span(row.share, row.learned_at or _ALWAYS, row.superseded_at)
        found[row.ledger_id, row.model].append(span)
    for row in connection.execute(
        select(credits_).where(credits_.c.ledger_id.in_(select(past_credits.c.ledger_id)))
    ):
        found[row.ledger_id, row.model].append(_Span(row.share, row.learned_at or _ALWAYS, None))
    return found
