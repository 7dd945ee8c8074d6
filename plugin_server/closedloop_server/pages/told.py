"""What a campaign's record in the CRM was told, line by line, under the CRM's own field names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from closedloop.loop.feedback import CampaignFeedback, FeedbackKind, ReasonTotal
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import OUTCOME_LABELS
from closedloop_server.api.answers import reason_label
from closedloop_server.api.fields import exact
from closedloop_server.pages.words import MODELS, money_to_the_cent, when
from closedloop_server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One value: what it is called here, the CRM's field for it where there is one, and what it says."""

    label: str
    field: str | None
    value: str


def lines(services: Services, connection: str, feedback: CampaignFeedback) -> tuple[Line, ...]:
    """The values of a campaign's feedback, in the order in which the CRM shows them."""
    fields = _fields(services, connection)
    return tuple(
        Line(label=label, field=fields.get(name), value=value)
        for name, label, value in _values(feedback)
        if value
    )


def _fields(services: Services, connection: str) -> Mapping[str, str]:
    settings = services.connection(connection)
    target = services.mappings.crm(settings.crm).feedback(FeedbackKind.CAMPAIGN) if settings else None
    return target.fields if target else {}


def _values(feedback: CampaignFeedback) -> Iterator[tuple[str, str, str]]:
    """Our name for each value, what a marketer calls it, and what it says."""
    for outcome, credit in feedback.credits.items():
        yield outcome.value, OUTCOME_LABELS[outcome], exact(credit)
    yield "won_amount", "Won amount", _amounts(feedback.won_amounts)
    yield "lost_amount", "Lost amount", _amounts(feedback.lost_amounts)
    yield "top_reasons", "Top reasons", "\n".join(map(_reason, feedback.top_reasons))
    last = feedback.last_decision_at
    yield "last_decision_at", "Last decision", when(last) if last else ""
    yield "model", "Attribution", MODELS[feedback.model][0]


def _amounts(amounts: Iterable[Money]) -> str:
    return ", ".join(map(money_to_the_cent, amounts))


def _reason(total: ReasonTotal) -> str:
    return f"{reason_label(total.outcome, total.reason)}: {exact(total.credit)}"
