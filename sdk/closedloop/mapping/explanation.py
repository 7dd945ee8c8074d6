"""What an explanation of a record says, and how it is printed.

It holds what the record holds, names and addresses too: it is for the person who asked, not for logs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from closedloop.loop.dispositions import Decision
from closedloop.schema.records import Money, Ref
from closedloop.schema.vocabulary import CrmName, ReasonCode, StageMeaning

_WIDEST = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One place that was looked at. `outcome` is used, blank, skipped (another object's id) or not needed."""

    path: str
    raw: Any = field(default=None, repr=False)
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldExplanation:
    """Where one field of a record came from.

    `path` is the place in the payload whose `raw` value was taken, None where none was. `rule` says in
    words what became of it, `lost` what the value does not keep of it. `writable` is "yes",
    "at creation" or "no". `code` is what the rule `code_rule` of reasons.yaml made of a reason.
    """

    name: str
    value: Any = field(default=None, repr=False)
    path: str | None = None
    raw: Any = field(default=None, repr=False)
    rule: str
    lost: str = ""
    tried: tuple[Attempt, ...] = ()
    writable: str = "no"
    code: ReasonCode | None = None
    code_rule: str = ""

    @property
    def lossy(self) -> bool:
        """Whether the payload says more than the value."""
        return bool(self.lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Where every field of a record came from, as a table when printed. `source` is the CRM's object.

    For leads and opportunities `meaning` is what the stage stands for and `decision` what sales decided,
    None while it is open.
    """

    crm: CrmName
    ref: Ref
    source: str
    fields: tuple[FieldExplanation, ...]
    meaning: StageMeaning | None = None
    decision: Decision | None = field(default=None, repr=False)

    def __getitem__(self, name: str) -> FieldExplanation:
        """The explanation of one field, by our name."""
        for each in self.fields:
            if each.name == name:
                return each
        raise KeyError(name)

    def __iter__(self) -> Iterator[FieldExplanation]:
        return iter(self.fields)

    def __str__(self) -> str:
        head = f"{self.ref.object} {self.ref.id} from {self.crm.label} {self.source}"
        shown = [each for each in self.fields if each.path or each.value is not None]
        lines = _table([("field", "value", "from", "rule", "writable"), *map(_row, shown)])
        return "\n".join([head, *lines, *self._decided()])

    def _decided(self) -> list[str]:
        if self.meaning is None:
            return []
        if self.decision is None:
            return [f"stage means {self.meaning}: nothing is decided"]
        reason = f", reason {self.decision.reason}" if self.decision.reason else ""
        rule = f" ({self.decision.rule})" if self.decision.rule else ""
        return [f"stage means {self.meaning}: {self.decision.outcome}{reason}{rule}"]


def _row(each: FieldExplanation) -> tuple[str, ...]:
    rule = each.rule + (f"; lost: {each.lost}" if each.lost else "")
    if each.code is not None:
        rule += f"; reason {each.code} ({each.code_rule or 'no rule'})"
    return each.name, shown(each.value), each.path or "", rule, each.writable


def shown(value: Any) -> str:
    """The value as a table shows it."""
    if value is None:
        return ""
    if isinstance(value, Money):
        return f"{value.amount} {value.currency or ''}".strip()
    if isinstance(value, tuple):
        return "; ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    short = [[*map(_short, row[:3]), *row[3:]] for row in cells]
    widths = [max(len(row[place]) for row in short) for place in range(len(short[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in short
    ]


def _short(cell: str) -> str:
    return cell if len(cell) <= _WIDEST else cell[: _WIDEST - 1] + "…"
