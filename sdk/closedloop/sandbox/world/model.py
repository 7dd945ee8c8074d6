"""The values a world is made of: companies, people, campaigns, touches, reps, and what sales did.

Everything is named by a key of the world's own (`person-17`). The ids of the CRMs come into being only when
the world is put into the sandboxes; `populate` keeps them.

What a world has millions of is a named tuple: they are made four times as quickly as anything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from closedloop.schema.vocabulary import CrmName, ObjectType, Outcome, ReasonCode


class Home(StrEnum):
    """What a person is in Salesforce."""

    LEAD = "lead"
    CONTACT = "contact"


class Link(StrEnum):
    """How the two records of a person who is in both CRMs belong together: by the ids that the CRMs' sync
    wrote, by the address alone, by ids that the sync wrote late, or not at all, because the addresses differ
    and it never ran."""

    ID = "id"
    EMAIL = "email"
    LATE = "late"
    NEVER = "never"


class Account(NamedTuple):
    """A company of the market."""

    key: str
    name: str
    domain: str
    industry: str
    segment: str
    country: str
    region: str
    employees: int
    revenue: int


class Person(NamedTuple):
    """Somebody who works at an account. `link` is set for people who are in both CRMs; `hubspot_email` is the
    address as HubSpot happens to keep it: in other letters, or spelt otherwise. `synced_at` is when the sync
    wrote the ids late."""

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
    synced_at: datetime | None = None


class Twin(NamedTuple):
    """A second record of a person in one CRM, which is merged into the first, or left when `merged_at` is
    None."""

    key: str
    person: str
    crm: CrmName
    email: str
    created_at: datetime
    merged_at: datetime | None = None


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


class Touch(NamedTuple):
    """A person's touch with a campaign. Touches of the script happen after the decisions about the person."""

    person: str
    campaign: str
    at: datetime
    responded: bool = True


class Attempt(NamedTuple):
    """A rep's attempt to get hold of somebody, as logged in the CRM: `kind` is call, email or meeting."""

    subject: str
    person: str
    rep: str
    at: datetime
    kind: str
    connected: bool


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
    """Somebody in sales, with the habit that colours the reasons they give. `hours` is how long a new lead
    usually waits for them, `attempts` how often they try, `favourite` the reason they like best."""

    key: str
    crm: CrmName
    first_name: str
    last_name: str
    email: str
    habit: Habit
    hours: int = 12
    attempts: int = 3
    favourite: ReasonCode | None = None

    @property
    def name(self) -> str:
        """The name as the CRM shows it."""
        return f"{self.first_name} {self.last_name}"


class Subject(NamedTuple):
    """What sales decides about: a lead, an opportunity (a HubSpot deal is one), or a HubSpot contact whose
    status is all that tells.

    `people` are those the record names, the primary contact first. `converted_from` is the lead whose
    conversion makes this opportunity; the others are there from the start. `primary` is the campaign that
    the CRM itself names on the record, `cause` the one that truly brought it about. `second_pipeline` puts a
    HubSpot deal into the custom pipeline. `queue` owns a Salesforce lead until a rep takes it.
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
    currency: str = ""
    primary: str | None = None
    cause: str | None = None
    converted_from: str | None = None
    queue: str = ""
    second_pipeline: bool = False


class Move(StrEnum):
    """Where a step moves its subject; each CRM has its own stage for it."""

    MEETING = "meeting"
    PROPOSED = "proposed"
    WORKING = "working"
    DISQUALIFIED = "disqualified"
    RECYCLED = "recycled"
    QUALIFIED = "qualified"
    CONVERTED = "converted"
    WON = "won"
    LOST = "lost"


class Verdict(NamedTuple):
    """A decision as a perfect observer would note it: the reason the rep's words mean, `meant`: the reason
    that there truly was, `said_by`: who in the buying team said no, `competitor`: who won instead."""

    outcome: Outcome
    reason: ReasonCode | None
    raw: str | None = None
    note: str | None = None
    meant: ReasonCode | None = None
    said_by: str = ""
    competitor: str = ""


class Step(NamedTuple):
    """One thing that somebody does in a CRM, on a day of the script, or at a time of the past.

    A step on a subject moves it, writes its reason, or both; "" clears the reason or the note, None leaves
    it. `about` is the move that the reason explains: won and lost have fields of their own. `competitor` is
    who won what was lost. `verdict` is set on the step that completes a decision, `reopens` on one that
    takes the last decision back. A step without a subject is a `touch`, `merges` a twin, `syncs` a person's
    two records, or `erases` a person.
    """

    day: int = 0
    at: datetime | None = None
    subject: str = ""
    rep: str = ""
    move: Move | None = None
    reason: str | None = None
    note: str | None = None
    about: Move | None = None
    opportunity: str | None = None
    competitor: str | None = None
    touch: Touch | None = None
    merges: str = ""
    syncs: str = ""
    erases: str = ""
    verdict: Verdict | None = None
    reopens: bool = False

    def placed(self, day: int, at: datetime) -> Step:
        """The same step at another time."""
        return tuple.__new__(Step, (day, at, *self[2:]))


class Story(NamedTuple):
    """Everything about one company, from the first touch to the end of the script.

    `touches` are those before the script, oldest first for each person; `steps` are in the order of their
    times, and those from the market's start on are the script. `attempts` are all of the past.
    """

    account: Account
    people: tuple[Person, ...]
    touches: tuple[Touch, ...]
    subjects: tuple[Subject, ...]
    steps: tuple[Step, ...]
    attempts: tuple[Attempt, ...]
    twins: tuple[Twin, ...]
