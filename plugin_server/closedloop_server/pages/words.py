"""How values read on a page: numbers, money, times, and plain words for what the tables call by a slug."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask import Request

from closedloop.loop.attribution import Cause
from closedloop.loop.feedback import FeedbackKind
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import AttributionModel, ObjectType
from closedloop_server.access import Role
from closedloop_server.api.fields import exact
from closedloop_server.operating.backlog import Step
from closedloop_server.store import deliveries, readings
from closedloop_server.store.derived import Link
from closedloop_server.store.reports import DeliveryState, Sort

_CENT = Decimal("0.01")
_UNIT = Decimal(1)


def credit(number: Decimal) -> str:
    """Credit with at most two decimals; the exact value belongs into the title beside it."""
    rounded = number.quantize(_CENT, ROUND_HALF_UP)
    if number and not rounded:
        return "<0.01"
    text = f"{rounded:,f}"
    return text.rstrip("0").rstrip(".")


def money(value: Money) -> str:
    """An amount in whole units, for reading: "EUR 12,000"."""
    return _amount(value, _UNIT)


def money_to_the_cent(value: Money) -> str:
    """An amount as it stands on a record: "EUR 12,000.00"."""
    return _amount(value, _CENT)


def _amount(value: Money, step: Decimal) -> str:
    return f"{value.currency or ''} {value.amount.quantize(step, ROUND_HALF_UP):,f}".strip()


def when(value: datetime) -> str:
    """A time in UTC: "20 Nov 2026, 14:03"."""
    return f"{day(value)}, {value:%H:%M}"


def day(value: date) -> str:
    """A day: "20 Nov 2026", in English whatever the server's locale is."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def period(start: date | None, end: date | None) -> str | None:
    """From when to when something runs, as far as that is known."""
    if start and end:
        return f"{day(start)} – {day(end)}"
    if start:
        return f"from {day(start)}"
    return f"until {day(end)}" if end else None


def machine_time(value: datetime) -> str:
    """A time for the `datetime` attribute of <time>."""
    return value.isoformat().replace("+00:00", "Z")


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: "1 person", "1,204 people"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def with_arguments(request: Request, **changed: Any) -> dict[str, Any]:
    """The arguments of the present address with some changed, for `url_for`; a list starts from its start."""
    kept = {name: value for name, value in request.args.items() if name not in ("cursor", "page")}
    return {**kept, **(request.view_args or {}), **changed}


MODELS: Mapping[AttributionModel, tuple[str, str]] = {
    AttributionModel.PRIMARY: (
        "Primary",
        (
            "All credit goes to the campaign that the CRM names as the source;"
            " where it names none, to the last campaign before the decision."
        ),
    ),
    AttributionModel.FIRST: ("First touch", "All credit goes to the campaign that reached the person first."),
    AttributionModel.LAST: (
        "Last touch",
        "All credit goes to the last campaign that reached the person before sales decided.",
    ),
    AttributionModel.LINEAR: (
        "Even split",
        "Every touch before the decision gets the same share of the credit.",
    ),
}

SORTS: Mapping[Sort, str] = {
    Sort.DECIDED: "Most decisions",
    Sort.LAST_DECISION: "Latest decision",
    Sort.NAME: "Name",
    Sort.PEOPLE: "Most people",
    Sort.ACCEPTED: "Most accepted",
    Sort.RECYCLED: "Most recycled",
    Sort.DISQUALIFIED: "Most disqualified",
    Sort.WON: "Most won",
    Sort.LOST: "Most lost",
}

DELIVERY: Mapping[DeliveryState, tuple[str, str]] = {
    DeliveryState.DELIVERED: ("Up to date", "The CRM shows these results."),
    DeliveryState.OVERRIDDEN: (
        "Changed by hand",
        "Somebody changed results in the CRM. They are left alone until sales decides anew.",
    ),
    DeliveryState.WAITING: ("Waiting", "New results are on their way into the CRM."),
    DeliveryState.REFUSED: ("Refused", "The CRM refused to take some of these results."),
    DeliveryState.NOTHING: ("Nothing to tell", "Sales has decided nothing about this campaign’s people yet."),
}

KINDS: Mapping[FeedbackKind, tuple[str, str]] = {
    FeedbackKind.CAMPAIGN: ("campaign record", "campaign records"),
    FeedbackKind.REASON: ("reason row", "reason rows"),
    FeedbackKind.PERSON: ("person", "people"),
}

CAUSES: Mapping[Cause, tuple[str, str]] = {
    Cause.NO_PERSON: ("Nobody on the record", "Ask sales to add contact roles to their deals."),
    Cause.NO_CAMPAIGN: (
        "In no campaign",
        "Add the people to the campaign that brought them, or accept that sales found them itself.",
    ),
    Cause.TOUCHED_LATER: (
        "Campaign came later",
        "Nothing to repair: the campaign reached them when the decision was made already.",
    ),
}

LINKS: Mapping[Link, str] = {
    Link.RECORD: "named by the record itself",
    Link.CONTACT_ROLE: "named on the deal",
    Link.CONVERTED: "lead and contact are one person",
    Link.LINKED_ID: "same person, linked by the CRMs’ sync",
    Link.EMAIL: "same person, by e-mail address",
}
"""How a person behind a decision was found."""

OBJECTS: Mapping[ObjectType, str] = {
    ObjectType.LEAD: "Lead",
    ObjectType.CONTACT: "Contact",
    ObjectType.OPPORTUNITY: "Deal",
}


STEPS: Mapping[Step, tuple[str, str]] = {
    Step.INBOX: ("Inbox", "Deliveries from the CRMs that were not read yet."),
    Step.READ: ("To be read", "Records that a CRM has to be asked for again."),
    Step.EXPAND: ("Changed records", "Read, and not yet sorted to the leads and deals they concern."),
    Step.DERIVE: ("Leads and deals", "What sales decided about them is being worked out."),
    Step.PUBLISH: ("Results", "What campaigns and people should show is being worked out."),
    Step.TELL: ("To be told", "Results that the CRM was not told yet."),
    Step.REFUSED: ("Refused", "Results that the CRM refuses; they wait until something changes."),
    Step.SEND: ("Webhooks out", "Events that subscribers were not told yet."),
}
"""Where something can wait, in the order in which it is worked on."""

WORK: Mapping[str, str] = {
    "loop": "Inbox, decisions and results",
    "read": "Reading",
    "tell": "Telling",
    "send": "Webhooks out",
    "keep": "Keeping the database tidy",
}

READING: Mapping[readings.State, tuple[str, str]] = {
    readings.State.NEVER: ("Not begun", "Nothing was read yet."),
    readings.State.BACK_FILLING: ("Reading the past", "Everything is read from the beginning."),
    readings.State.FOLLOWING: ("Following", "Everything was read; what changes is read as it changes."),
    readings.State.PAUSED: ("Paused", "Nothing is polled; webhooks are still followed."),
}

DELIVERIES: Mapping[deliveries.State, str] = {
    deliveries.State.WAITING: "Waiting",
    deliveries.State.READ: "Read",
    deliveries.State.UNREADABLE: "Unreadable",
}

ROLES: Mapping[Role, tuple[str, str]] = {
    Role.VIEWER: ("Viewer", "looks at campaigns and decisions"),
    Role.OPERATOR: ("Operator", "also sees what waits, replays and retries it"),
    Role.ADMIN: ("Admin", "may do everything"),
}


def since(moment: datetime, now: datetime) -> str:
    """How long ago something was, in the largest unit: "3 hours"."""
    seconds = max(0, int((now - moment).total_seconds()))
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return count(seconds // size, unit)
    return count(seconds, "second")


def bytes_(number: int) -> str:
    """A size: "312 bytes", "1.4 MB"."""
    size = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:,.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("the last unit takes every size")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "credit": credit,
    "exact": exact,
    "money": money,
    "money_to_the_cent": money_to_the_cent,
    "when": when,
    "day": day,
    "machine_time": machine_time,
    "counted": count,
    "since": since,
    "bytes": bytes_,
}
