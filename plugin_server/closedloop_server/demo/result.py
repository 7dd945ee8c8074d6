"""What a run of the demo came to: the table, the totals that have to agree, and the JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from closedloop.sandbox.world import Truth
from closedloop.schema.vocabulary import DECIDED, OUTCOME_LABELS, AttributionModel, Outcome
from closedloop_server.demo.compare import Mismatch
from closedloop_server.demo.shown import CampaignShown, total

_NAME = 44
_REASONS = 60
_SHOWN_MISMATCHES = 40
_HEADINGS = {outcome: OUTCOME_LABELS[outcome].removesuffix("ualified") for outcome in DECIDED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Where the server's own books say that the standing decisions went. No mismatch is found with them; they
    have to agree with what was read from the CRMs."""

    delivered: Decimal
    causes: Mapping[str, Decimal]
    waiting: Decimal
    refused: Decimal

    @property
    def unattributed(self) -> Decimal:
        """What no campaign gets, for whatever cause."""
        return sum(self.causes.values(), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of a run; `campaigns` are as read back from the CRMs."""

    seed: int
    model: AttributionModel
    decisions: int
    superseded: int
    books: Books
    campaigns: tuple[CampaignShown, ...]
    mismatches: tuple[Mismatch, ...]
    seconds: float

    @property
    def read_back(self) -> Decimal:
        """The credit that all the CRMs' campaign records show together."""
        return total(self.campaigns)

    def to_json(self) -> dict[str, Any]:
        """The result as JSON values; credits are numbers with at most six decimals."""
        return {
            "seed": self.seed,
            "model": self.model.value,
            "decisions": self.decisions,
            "delivered": _number(self.books.delivered),
            "unattributed": _number(self.books.unattributed),
            "unattributed_by_cause": {cause: _number(c) for cause, c in sorted(self.books.causes.items())},
            "superseded": self.superseded,
            "waiting": _number(self.books.waiting),
            "refused": _number(self.books.refused),
            "mismatches": len(self.mismatches),
            "mismatch_details": [asdict(mismatch) for mismatch in self.mismatches],
            "campaigns": [_campaign(campaign) for campaign in self.campaigns],
            "seconds": round(self.seconds, 2),
        }

    def to_lines(self) -> Iterator[str]:
        """The result for people."""
        yield from _table(self.campaigns)
        yield ""
        yield from self._totals()
        yield ""
        yield from self._verdict()

    def _totals(self) -> Iterator[str]:
        books = self.books
        parts = {
            "delivered to campaigns": books.delivered,
            "unattributed": books.unattributed,
            "taken back or replaced": Decimal(self.superseded),
            "waiting": books.waiting,
            "refused by a CRM": books.refused,
        }
        yield f"{self.decisions:>10}  decisions played, credited by the {self.model} model"
        for name, count in parts.items():
            yield f"{plain(count):>10}  {name}"
        yield f"{plain(self.read_back):>10}  read back from the campaigns' own records"

    def _verdict(self) -> Iterator[str]:
        for mismatch in self.mismatches[:_SHOWN_MISMATCHES]:
            yield f"MISMATCH  {mismatch.where}: {mismatch.what}"
            yield f"          expected {mismatch.expected}"
            yield f"          found    {mismatch.found}"
        if len(self.mismatches) > _SHOWN_MISMATCHES:
            yield f"          … and {len(self.mismatches) - _SHOWN_MISMATCHES} more"
        count = len(self.mismatches)
        yield f"{count} mismatches between the CRMs' records and the truth; {self.seconds:.1f} s"


def balance(truth: Truth, model: AttributionModel, books: Books, read_back: Decimal) -> Iterator[Mismatch]:
    """Finds what is missing where the totals do not agree."""
    decisions, superseded = truth.world.decisions, truth.superseded
    causes = Counter(truth.unattributed(model).values())
    for cause in sorted({*causes, *books.causes}):
        if causes[cause] != (found := books.causes.get(cause, Decimal(0))):
            what = f"unattributed for {cause}"
            yield Mismatch(where="totals", what=what, expected=str(causes[cause]), found=plain(found))
    parts = books.delivered + books.unattributed + books.waiting + books.refused + superseded
    if parts != decisions:
        yield Mismatch(
            where="totals", what="decisions accounted for", expected=str(decisions), found=plain(parts)
        )
    if read_back != books.delivered:
        yield Mismatch(
            where="totals",
            what="credit on the campaigns' records",
            expected=plain(books.delivered),
            found=plain(read_back),
        )


def plain(number: Decimal) -> str:
    """The number in digits, without trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _table(campaigns: Sequence[CampaignShown]) -> Iterator[str]:
    widths = {outcome: max(len(heading), 6) for outcome, heading in _HEADINGS.items()}
    headings = "  ".join(f"{heading:>{widths[outcome]}}" for outcome, heading in _HEADINGS.items())
    head = f"{'Campaign':<{_NAME}}  {'CRM':<10}  {headings}  Why"
    yield head
    yield "-" * (len(head) + _REASONS - 3)
    for campaign in sorted(campaigns, key=lambda each: (each.crm, each.name)):
        counts = "  ".join(
            f"{_short(campaign.credits[outcome]):>{width}}" for outcome, width in widths.items()
        )
        yield f"{_cut(campaign.name, _NAME):<{_NAME}}  {campaign.crm.value:<10}  {counts}  {_why(campaign)}"


def _short(credit: Decimal) -> str:
    """Two decimals are enough for the eye; the JSON has all six."""
    return plain(round(credit, 2)) if credit else "·"


def _why(campaign: CampaignShown) -> str:
    """The heaviest reasons, each once, whatever outcome they led to."""
    sums: dict[str, Decimal] = {}
    for what, credit in campaign.reasons:
        reason = what.partition(", ")[2]
        sums[reason] = sums.get(reason, Decimal(0)) + credit
    heaviest = sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:3]
    return _cut(", ".join(f"{reason} {_short(credit)}" for reason, credit in heaviest), _REASONS)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _number(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


def _campaign(campaign: CampaignShown) -> Mapping[str, Any]:
    return {
        "crm": campaign.crm.value,
        "id": campaign.id,
        "name": campaign.name,
        **{outcome.value: _number(credit) for outcome, credit in campaign.credits.items()},
        "won_amounts": _amounts(campaign, Outcome.WON),
        "lost_amounts": _amounts(campaign, Outcome.LOST),
        "reasons": {what: _number(credit) for what, credit in campaign.reasons},
        "model": campaign.model,
        "last_decision_at": campaign.last_decision_at.isoformat() if campaign.last_decision_at else None,
    }


def _amounts(campaign: CampaignShown, outcome: Outcome) -> dict[str, float]:
    return {
        currency: float(amount) for (each, currency), amount in campaign.amounts.items() if each is outcome
    }
