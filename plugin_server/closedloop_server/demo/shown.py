"""What the CRMs' own records say, as values that can be compared: nothing here knows what they should say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from closedloop.schema.vocabulary import CrmName, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RowShown:
    """A row of reasons under a campaign."""

    credit: Decimal
    decisions: int
    amount: Decimal
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignShown:
    """A campaign's record. `reasons` are the lines of its reasons in their order, as written.

    `amounts` are by outcome and currency; currencies that the record cannot show are not in `currencies`,
    which is None when it can show all of them. `rows` by outcome and reason label are Salesforce's alone.
    `own_notes` is what the notes say beside our block.
    """

    crm: CrmName
    id: str
    name: str
    credits: Mapping[Outcome, Decimal]
    reasons: tuple[tuple[str, Decimal], ...] = ()
    amounts: Mapping[tuple[Outcome, str], Decimal] = field(default_factory=dict)
    currencies: tuple[str, ...] | None = None
    last_decision_at: datetime | None = None
    model: str = ""
    rows: Mapping[tuple[str, str], RowShown] | None = None
    own_notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonShown:
    """What a campaign member or a contact says that sales decided; everything empty: nothing."""

    outcome: str = ""
    reason: str = ""
    raw_reason: str = ""
    note: str = ""
    stage: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """Everything read: campaigns, Salesforce's campaign members and HubSpot's contacts by their ids."""

    campaigns: tuple[CampaignShown, ...]
    members: Mapping[str, PersonShown]
    contacts: Mapping[str, PersonShown]


def total(campaigns: Iterable[CampaignShown]) -> Decimal:
    """The credit that the campaigns show together, for all outcomes."""
    return sum((credit for campaign in campaigns for credit in campaign.credits.values()), Decimal(0))


def number(value: object) -> Decimal:
    """The number in a field; a blank one is nought."""
    return Decimal(str(value)) if value not in (None, "") else Decimal(0)


def instant(value: object) -> datetime | None:
    """The time in a field: ISO 8601 with or without a colon in its offset, or milliseconds."""
    text = str(value or "")
    if text.isdigit():
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    return datetime.fromisoformat(text) if text else None


def reason_lines(text: object) -> tuple[tuple[str, Decimal], ...]:
    """The lines `Disqualified, No budget: 4` as what and how much."""
    pairs = (line.rpartition(": ") for line in str(text or "").splitlines() if line.strip())
    return tuple((what, Decimal(credit)) for what, _, credit in pairs)
