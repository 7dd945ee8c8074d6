"""The values a world is made of: companies, people, campaigns, touches, reps, and what sales did.

Everything is named by a key of the world's own (`person-17`). The ids of the CRMs come into being only when
the world is put into the sandboxes; `populate` keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from closedloop.schema.vocabulary import CrmName, ObjectType, Outcome, ReasonCode


class Home(StrEnum):
    """What a person is in Salesforce."""

    LEAD = "lead"
    CONTACT = "contact"


class Link(StrEnum):
    """How the two records of a person who is in both CRMs belong together."""

    ID = "id"
    EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A company of the market."""

    key: str
    name: str
    domain: str
    industry: str
    segment: str
    country: str
    employees: int
    revenue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who works at an account. `link` is set for people who are in both CRMs; `hubspot_email` is the
    same address as `email` in the letters that HubSpot happens to keep."""

    key: str
    first_name: str
    last_name: str
    email: str
    hubspot_email: str
    phone: str
    title: str
    buying_role: str
    account: str
    source: str
    created_at: datetime
    salesforce: Home | None = None
    hubspot: bool = False
    link: Link | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A marketing campaign in one of the CRMs; `cost` is what was spent on it. Nobody is in a
    planned one."""

    key: str
    crm: CrmName
    name: str
    kind: str
    starts: date
    ends: date
    budget: Decimal
    cost: Decimal
    utm: str
    notes: str = ""
    planned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A person's touch with a campaign. Touches of the script happen after the decisions about the person."""

    person: str
    campaign: str
    at: datetime
    responded: bool = True


class Habit(StrEnum):
    """How a rep fills in the reason."""

    THOROUGH = "thorough"
    LAZY = "lazy"
    SHOUTING = "shouting"
    HASTY = "hasty"
    TALKATIVE = "talkative"
    SEVERAL = "several"
    CRYPTIC = "cryptic"
    BLAMES_TIMING = "blames_timing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rep:
    """Somebody in sales, with the habit that colours the reasons they give."""

    key: str
    crm: CrmName
    first_name: str
    last_name: str
    email: str
    habit: Habit

    @property
    def name(self) -> str:
        """The name as the CRM shows it."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What sales decides about: a lead, or an opportunity (a HubSpot deal is one).

    `people` are those the record names, the primary contact first. `converted_from` is the lead whose
    conversion makes this opportunity; the others are there from the start. `primary` is the campaign that
    the CRM itself names on the record. `second_pipeline` puts a HubSpot deal into the custom pipeline.
    """

    key: str
    crm: CrmName
    object: ObjectType
    name: str
    people: tuple[str, ...]
    rep: str
    created_at: datetime
    account: str = ""
    amount: Decimal | None = None
    primary: str | None = None
    converted_from: str | None = None
    second_pipeline: bool = False


class Move(StrEnum):
    """Where a step moves its subject; each CRM has its own stage for it."""

    WORKING = "working"
    DISQUALIFIED = "disqualified"
    RECYCLED = "recycled"
    QUALIFIED = "qualified"
    CONVERTED = "converted"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A decision as a perfect observer would note it: the reason the rep's words mean."""

    outcome: Outcome
    reason: ReasonCode | None
    raw: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that somebody does in a CRM, on a day of the script.

    A step on a subject moves it, writes its reason, or both; "" clears the reason or the note, None leaves
    it. `about` is the move that the reason explains: won and lost have fields of their own. `verdict` is set
    on the step that completes a decision, `reopens` on one that takes the last decision back. A step with a
    `touch` has no subject.
    """

    day: int
    subject: str = ""
    rep: str = ""
    move: Move | None = None
    reason: str | None = None
    note: str | None = None
    about: Move | None = None
    opportunity: str | None = None
    touch: Touch | None = None
    verdict: Verdict | None = None
    reopens: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """What was hidden in the world on purpose, for the numbers to find."""

    no_budget_campaign: str
    timing_rep: str
