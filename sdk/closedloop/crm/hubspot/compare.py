"""Whether a record shows what it was told: compared as the portal keeps it, not as it was sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation

from closedloop.crm.hubspot.payloads import instant
from closedloop.crm.hubspot.properties import Definition
from closedloop.crm.hubspot.showing import campaign_values, person_values
from closedloop.loop.feedback import CampaignFeedback, Feedback, PersonFeedback

_SECOND = 1.0
_INSTANTS = frozenset({"decided_at", "last_decision_at"})


def differences(
    feedback: Feedback,
    properties: Mapping[str, object],
    fields: Mapping[str, str],
    *,
    currency: str | None,
) -> dict[str, str] | None:
    """Our fields in which the properties show something else than the feedback says, with what they show;
    None where the record was read without them. HubSpot may leave out those that are empty."""
    ours = _values(feedback, currency)
    if not any(theirs in properties for theirs in fields.values()):
        return None
    return {
        name: _text(properties.get(theirs))
        for name, theirs in fields.items()
        if name in ours and not _same(name, ours[name], _text(properties.get(theirs)))
    }


def form(targets: Iterable[tuple[Mapping[str, str], Mapping[str, Definition]]]) -> str:
    """A digest of all that the portal says of the properties that feedback is written to."""
    said = [
        sorted(_said(known[theirs]) for theirs in fields.values() if theirs in known)
        for fields, known in targets
    ]
    return hashlib.sha256(repr(said).encode()).hexdigest()


def same(told: str, shown: str) -> bool:
    """Whether a property that shows the one text says the other: 12 may come as 12.0."""
    if _plain(told) == _plain(shown):
        return True
    with suppress(InvalidOperation):
        return Decimal(told) == Decimal(shown)
    return False


def _said(definition: Definition) -> str:
    # Not all of it: a repr of sets and mappings has no order that lasts.
    options = sorted(definition.options.items())
    return repr((definition.name, definition.type, definition.read_only, options))


def _values(feedback: Feedback, currency: str | None) -> Mapping[str, str]:
    match feedback:
        case PersonFeedback():
            return person_values(feedback)
        case CampaignFeedback():
            return campaign_values(feedback, currency)
        case _:
            return {}


def _same(name: str, told: str, shown: str) -> bool:
    if name in _INSTANTS and told and shown:
        one, other = instant(told), instant(shown)
        return one is not None and other is not None and abs((one - other).total_seconds()) < _SECOND
    return same(told, shown)


def _plain(text: str) -> str:
    """The text without what HubSpot's editors change of it: the line ends, and blanks around."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _text(shown: object) -> str:
    return "" if shown is None else str(shown)
