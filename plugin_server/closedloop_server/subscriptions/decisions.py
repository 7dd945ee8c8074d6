"""Makes events of what sales decided: one for each entry of the ledger, one more for an unmapped reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from closedloop.loop.attribution import Credit
from closedloop.loop.dispositions import Decision
from closedloop.schema.vocabulary import REASONS, AttributionModel, ReasonCode
from closedloop_server.pipeline.judge import Verdict
from closedloop_server.services import Services
from closedloop_server.store.ledger import Entry
from closedloop_server.store.rows import Key
from closedloop_server.subscriptions import events
from closedloop_server.subscriptions.event_types import OF_DECISION, EventType
from closedloop_server.subscriptions.events import Event
from closedloop_server.subscriptions.payloads import data_of, record_id, subject_of


def announce(
    connection: Connection, services: Services, added: Mapping[Key, Entry], verdicts: Mapping[Key, Verdict]
) -> None:
    """Writes the events of these new entries of the ledger, whose credits are known by now.

    What was decided long ago and is only learned now, as when a CRM is read for the first time, is no news.
    """
    news = (
        event
        for key, entry in added.items()
        if not _is_old(entry, services)
        for event in _events(services, entry, verdicts[key])
    )
    events.append(connection, news)


def _is_old(entry: Entry, services: Services) -> bool:
    decided_at = entry.decision.decided_at
    return decided_at is not None and entry.learned_at - decided_at > services.settings.webhooks.oldest


def _events(services: Services, entry: Entry, verdict: Verdict) -> Iterator[Event]:
    for type_ in _types(entry):
        yield Event(
            id=events.event_id(type_, *_address(entry.subject), entry.number),
            type=type_,
            occurred_at=entry.decision.decided_at or entry.learned_at,
            learned_at=entry.learned_at,
            connection=entry.subject.connection,
            subject=entry.subject,
            data=data_of(type_, **_told(services, entry, verdict)),
        )


def _address(key: Key) -> tuple[str, str, str]:
    return key.connection, key.object.value, key.id


def _types(entry: Entry) -> Iterator[EventType]:
    type_ = OF_DECISION.get((entry.subject.object, entry.decision.outcome))
    if type_ is None:
        return
    yield type_
    if ReasonCode.UNMAPPED in (entry.decision.reason, *entry.decision.contributing):
        yield EventType.REASON_UNMAPPED


def _told(services: Services, entry: Entry, verdict: Verdict) -> dict[str, Any]:
    decision, settings = entry.decision, services.settings
    known = services.connection(entry.subject.connection)
    # Nobody has the credit of a decision that was taken back: told is who had it.
    derived = verdict.now if entry.decided else verdict.before
    shares = [share.credit for share in derived.credits if share.model is settings.attribution]
    return {
        "subject": subject_of(entry.subject, known.crm if known else None),
        "outcome": decision.outcome,
        "reason": decision.reason,
        "reason_label": REASONS[decision.reason].label if decision.reason else None,
        "contributing": decision.contributing,
        "raw_reason": decision.raw_reason if settings.webhooks.raw_reasons else None,
        "stage": decision.stage,
        "decided_at": decision.decided_at,
        "decided_by": decision.decided_by and record_id(entry.subject.connection, decision.decided_by),
        "learned_at": entry.learned_at,
        "amount": _amount(decision),
        "entry": entry.number,
        "previous": _previous(verdict.held),
        "attribution": _attribution(settings.attribution, shares),
    }


def _amount(decision: Decision) -> dict[str, Any] | None:
    money = decision.amount
    return None if money is None else {"amount": money.amount, "currency": money.currency}


def _previous(held: Entry | None) -> dict[str, Any] | None:
    return None if held is None else {"outcome": held.decision.outcome, "reason": held.decision.reason}


def _attribution(model: AttributionModel, shares: Iterable[Credit]) -> dict[str, Any]:
    ordered = sorted(shares, key=_rank)
    return {
        "model": model,
        "campaigns": [
            {"id": record_id(credit.campaign.connection, credit.campaign.id), "share": credit.share}
            for credit in ordered
            if credit.campaign
        ],
        "unattributed": [
            {"share": credit.share, "cause": credit.cause} for credit in ordered if credit.campaign is None
        ],
    }


def _rank(credit: Credit) -> tuple[Any, ...]:
    """The largest share first."""
    campaign = credit.campaign
    return (-credit.share, campaign.connection if campaign else "", campaign.id if campaign else "")
