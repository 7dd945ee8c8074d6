"""Whether a record shows what it was told: compared as the org keeps it, not as it was sent.

An org rounds numbers to the field's scale, keeps instants to the second, trims texts, and gives a picklist's
value where its label was written (Object Reference, "Field Types").
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from closedloop.crm.salesforce.describes import Described, Field
from closedloop.crm.salesforce.values import Value, fitted, values_of, writable
from closedloop.loop.feedback import Feedback
from closedloop.mapping import Target

_SECOND = 1.0


def differences(
    feedback: Feedback, row: Mapping[str, Any], target: Target, described: Described, *, currency: str | None
) -> dict[str, str] | None:
    """Our fields in which the row shows something else than the feedback says, with what it shows; None
    where the row was read without them."""
    fields = writable(described, target.fields, creates=False)
    read = {name: field for name, field in fields.items() if field.name in row}
    if not read:
        return None
    ours = values_of(feedback, currency=currency)
    return {
        name: _text(row[field.name])
        for name, field in read.items()
        if not _same(field, fitted(name, ours.get(name), field), row[field.name])
    }


def form(targets: Iterable[tuple[Target, Described | None]]) -> str:
    """A digest of all that the org says of the fields that feedback is written to."""
    said = [
        (target.source, target.key, described and sorted(_said(target, described)))
        for target, described in targets
    ]
    return hashlib.sha256(repr(said).encode()).hexdigest()


def _said(target: Target, described: Described) -> Iterable[str]:
    found = (described.field(name) for name in target.fields.values())
    return (repr(field) for field in found if field is not None)


def _same(field: Field, told: Value, shown: Any) -> bool:
    if told in (None, "") or shown in (None, ""):
        return told in (None, "") and shown in (None, "")
    if isinstance(told, int | float):
        return _same_number(told, shown, field.scale)
    if field.type == "datetime":
        return _same_instant(told, str(shown))
    return _plain(told) == _plain(str(shown)) or _is_label(field, told, str(shown))


def _same_number(told: float, shown: Any, scale: int | None) -> bool:
    try:
        apart = abs(Decimal(str(told)) - Decimal(str(shown)))
    except InvalidOperation:
        return False
    # Half of the last digit: however the org rounds.
    return apart <= Decimal(5).scaleb(-1 - scale) if scale is not None else apart < Decimal("1e-9")


def _same_instant(told: str, shown: str) -> bool:
    with suppress(ValueError, TypeError):
        apart = datetime.fromisoformat(told) - datetime.fromisoformat(shown)
        return abs(apart.total_seconds()) < _SECOND
    return told == shown


def _is_label(field: Field, told: str, shown: str) -> bool:
    return any({told, shown} == {option.value, option.label} for option in field.options)


def _plain(text: str) -> str:
    """The text without what an org changes of it: the line ends, and blanks around."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _text(shown: Any) -> str:
    return "" if shown is None else str(shown)
