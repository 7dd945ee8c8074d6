"""From the credits of a campaign to what the campaign shows. Pure arithmetic, exact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from closedloop.loop.feedback import CampaignFeedback, ReasonFeedback, ReasonTotal
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import DECIDED, AttributionModel, Outcome, ReasonCode
from closedloop_server.store.credited import Credited

NOTHING = Decimal(0)

Row = tuple[Outcome, ReasonCode | None]
"""What one line of a campaign's reasons is about."""


def campaign_feedback(
    campaign_id: str,
    model: AttributionModel,
    decisions: Sequence[Credited],
    *,
    shown: Iterable[Row] = (),
) -> tuple[CampaignFeedback, tuple[ReasonFeedback, ...]]:
    """The totals of a campaign, and its rows by reason.

    `shown` are the rows that the campaign shows already: one that has lost all its decisions stays, at 0,
    because a row that is no longer written would go on showing what it said last.
    """
    totals = _reason_totals(decisions, shown)
    credited = [each for each in decisions if each.share]
    feedback = CampaignFeedback(
        campaign_id=campaign_id,
        model=model,
        credits={
            outcome: plain(sum((each.share for each in credited if each.outcome is outcome), NOTHING))
            for outcome in DECIDED
        },
        reasons=tuple(total for total in totals if total.decisions),
        won_amounts=_amounts(each for each in credited if each.outcome is Outcome.WON),
        lost_amounts=_amounts(each for each in credited if each.outcome is Outcome.LOST),
        last_decision_at=max((each.decided_at for each in credited if each.decided_at), default=None),
    )
    rows = tuple(ReasonFeedback(campaign_id=campaign_id, model=model, total=total) for total in totals)
    return feedback, rows


def merged(decided: Iterable[Credited], touched: Iterable[Credited]) -> list[Credited]:
    """Every decision once: with its share where it has one, else as one that only touched the people."""
    found = {each.ledger_id: replace(each, share=NOTHING) for each in touched}
    found.update({each.ledger_id: each for each in decided})
    return [found[ledger_id] for ledger_id in sorted(found)]


def _reason_totals(decisions: Sequence[Credited], shown: Iterable[Row]) -> list[ReasonTotal]:
    by_row: dict[Row, list[Credited]] = {row: [] for row in shown}
    for each in decisions:
        by_row.setdefault((each.outcome, each.reason), []).append(each)
    return [_total(row, by_row[row]) for row in sorted(by_row, key=_place)]


def _place(row: Row) -> tuple[int, str]:
    outcome, reason = row
    return DECIDED.index(outcome), reason.value if reason else ""


def _total(row: Row, decisions: Sequence[Credited]) -> ReasonTotal:
    outcome, reason = row
    return ReasonTotal(
        outcome=outcome,
        reason=reason,
        credit=plain(sum((each.share for each in decisions), NOTHING)),
        decisions=len(decisions),
        amounts=_amounts(each for each in decisions if each.share),
    )


def _amounts(decisions: Iterable[Credited]) -> tuple[Money, ...]:
    """The attributed money, one sum a currency."""
    sums: Mapping[str | None, list[Decimal]] = defaultdict(list)
    for each in decisions:
        if each.amount is not None:
            sums[each.amount.currency].append(each.amount.amount * each.share)
    return tuple(
        Money(amount=plain(sum(sums[currency], NOTHING)), currency=currency)
        for currency in sorted(sums, key=str)
    )


def plain(number: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent: equal sums look equal."""
    short = number.normalize()
    exponent = short.as_tuple().exponent
    return short.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else short
