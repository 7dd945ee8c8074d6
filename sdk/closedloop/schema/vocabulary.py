"""The words both teams share: objects, outcomes and reason codes, one line of meaning each.

The reason codes are our crosswalk of the lists in the field: SiriusDecisions' rejection values, the
default options of HubSpot's `hs_lead_disqualification_reason`, and common Salesforce loss-reason
picklists. Salesforce ships no list of its own. `mappings/reasons.yaml` says which raw value of a CRM
becomes which code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class CrmName(StrEnum):
    """A CRM product."""

    SALESFORCE = "salesforce"
    HUBSPOT = "hubspot"

    @property
    def label(self) -> str:
        """The product's name as sentences spell it."""
        return _LABELS[self]


_LABELS: Mapping[CrmName, str] = MappingProxyType(
    {CrmName.SALESFORCE: "Salesforce", CrmName.HUBSPOT: "HubSpot"}
)


class ObjectType(StrEnum):
    """An object of the shared schema."""

    ACCOUNT = "account"
    CONTACT = "contact"
    LEAD = "lead"
    OPPORTUNITY = "opportunity"
    CAMPAIGN = "campaign"
    CAMPAIGN_MEMBER = "campaign_member"
    USER = "user"
    ACTIVITY = "activity"
    CONTACT_ROLE = "contact_role"
    STAGE = "stage"

    @property
    def one(self) -> str:
        """The word with its article: a lead, an account."""
        return f"{'an' if self[0] in 'aeio' else 'a'} {self}"


class Outcome(StrEnum):
    """What sales decided about a lead or an opportunity."""

    ACCEPTED = "accepted"
    RECYCLED = "recycled"
    DISQUALIFIED = "disqualified"
    NO_ACTION = "no_action"
    WON = "won"
    LOST = "lost"
    REOPENED = "reopened"


OUTCOMES: Mapping[Outcome, str] = MappingProxyType(
    {
        Outcome.ACCEPTED: "Sales takes the lead on.",
        Outcome.RECYCLED: "Not now: the lead goes back to marketing to be nurtured.",
        Outcome.DISQUALIFIED: "Sales rejects the lead.",
        Outcome.NO_ACTION: "Nothing to decide: already engaged, a customer, a duplicate. Not a rejection.",
        Outcome.WON: "The opportunity was won.",
        Outcome.LOST: "The opportunity was lost.",
        Outcome.REOPENED: "An earlier decision was taken back; the record is open again.",
    }
)

OUTCOME_LABELS: Mapping[Outcome, str] = MappingProxyType(
    {outcome: outcome.value.replace("_", " ").capitalize() for outcome in Outcome}
)
"""What a marketer reads: "No action" for `no_action`."""

DECIDED: tuple[Outcome, ...] = tuple(outcome for outcome in Outcome if outcome is not Outcome.REOPENED)
"""The outcomes that are counted, in the order reports show them."""


class Category(StrEnum):
    """What a reason is about, for grouping in reports."""

    REACH = "reach"
    INTEREST = "interest"
    BUYING = "buying"
    FIT = "fit"
    COMPETITION = "competition"
    NOT_A_PROSPECT = "not_a_prospect"
    WIN = "win"
    UNKNOWN = "unknown"


class ReasonCode(StrEnum):
    """Why sales decided so."""

    UNABLE_TO_REACH = "unable_to_reach"
    BAD_DATA = "bad_data"
    NO_INTEREST = "no_interest"
    BAD_EXPERIENCE = "bad_experience"
    NO_BUDGET = "no_budget"
    NO_AUTHORITY = "no_authority"
    BAD_TIMING = "bad_timing"
    NO_DECISION = "no_decision"
    PRICE = "price"
    LEGAL_SECURITY = "legal_security"
    NO_FIT = "no_fit"
    PRODUCT_GAP = "product_gap"
    COMPETITOR = "competitor"
    INCUMBENT = "incumbent"
    ALREADY_ENGAGED = "already_engaged"
    EXISTING_CUSTOMER = "existing_customer"
    DUPLICATE = "duplicate"
    PARTNER = "partner"
    STUDENT = "student"
    SPAM = "spam"
    WON_FIT = "won_fit"
    WON_PRICE = "won_price"
    WON_PRODUCT = "won_product"
    WON_RELATIONSHIP = "won_relationship"
    WON_INCUMBENT_FAILURE = "won_incumbent_failure"
    OTHER = "other"
    UNSPECIFIED = "unspecified"
    UNMAPPED = "unmapped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason code: the label a marketer reads, what it means, what marketing does next."""

    code: ReasonCode
    label: str
    meaning: str
    next_action: str
    category: Category


def _reason(code: ReasonCode, category: Category, label: str, meaning: str, next_action: str) -> Reason:
    return Reason(code=code, label=label, meaning=meaning, next_action=next_action, category=category)


_R, _C = ReasonCode, Category
REASONS: Mapping[ReasonCode, Reason] = MappingProxyType(
    {
        reason.code: reason
        for reason in (
            _reason(_R.UNABLE_TO_REACH, _C.REACH, "Unable to reach", "Nobody answered.", "Recycle"),
            _reason(
                _R.BAD_DATA,
                _C.REACH,
                "Bad data",
                "The name, number or address was wrong.",
                "Fix the source of the data",
            ),
            _reason(_R.NO_INTEREST, _C.INTEREST, "No interest", "The person does not want it.", "Nurture"),
            _reason(
                _R.BAD_EXPERIENCE,
                _C.INTEREST,
                "Bad experience",
                "The person was let down by us before.",
                "Hand to customer care",
            ),
            _reason(
                _R.NO_BUDGET, _C.BUYING, "No budget", "There is no money for it.", "Nurture until a date"
            ),
            _reason(
                _R.NO_AUTHORITY,
                _C.BUYING,
                "No authority",
                "The person cannot decide it.",
                "Reach more of the buying team",
            ),
            _reason(_R.BAD_TIMING, _C.BUYING, "Bad timing", "Not now, perhaps later.", "Recycle on a date"),
            _reason(
                _R.NO_DECISION,
                _C.BUYING,
                "No decision",
                "The buyer decided nothing at all.",
                "Recycle on a date",
            ),
            _reason(_R.PRICE, _C.BUYING, "Price", "We were too dear.", "Review pricing and packaging"),
            _reason(
                _R.LEGAL_SECURITY,
                _C.BUYING,
                "Legal or security",
                "The buyer's legal or security team said no.",
                "Prepare the answers",
            ),
            _reason(
                _R.NO_FIT, _C.FIT, "Not a good fit", "Not the kind of customer we serve.", "Sharpen targeting"
            ),
            _reason(
                _R.PRODUCT_GAP, _C.FIT, "Product gap", "We lack something they need.", "Pass on to product"
            ),
            _reason(
                _R.COMPETITOR, _C.COMPETITION, "Competitor", "They chose somebody else.", "Plan a win-back"
            ),
            _reason(
                _R.INCUMBENT,
                _C.COMPETITION,
                "Incumbent",
                "They stay with what they have.",
                "Win back at renewal",
            ),
            _reason(
                _R.ALREADY_ENGAGED,
                _C.NOT_A_PROSPECT,
                "Already engaged",
                "Sales is already talking to them.",
                "None",
            ),
            _reason(
                _R.EXISTING_CUSTOMER,
                _C.NOT_A_PROSPECT,
                "Existing customer",
                "They are a customer already.",
                "Hand to account management",
            ),
            _reason(_R.DUPLICATE, _C.NOT_A_PROSPECT, "Duplicate", "The same person is here twice.", "Merge"),
            _reason(_R.PARTNER, _C.NOT_A_PROSPECT, "Partner", "A partner, not a buyer.", "Hand to partners"),
            _reason(_R.STUDENT, _C.NOT_A_PROSPECT, "Student", "Studies, does not buy.", "Suppress"),
            _reason(_R.SPAM, _C.NOT_A_PROSPECT, "Spam or test", "Not a real enquiry.", "Suppress"),
            _reason(_R.WON_FIT, _C.WIN, "Best fit", "We fitted their need best.", "Find more like them"),
            _reason(_R.WON_PRICE, _C.WIN, "Best price", "We were the best value.", "Tell it"),
            _reason(_R.WON_PRODUCT, _C.WIN, "Product", "The product convinced them.", "Tell it"),
            _reason(
                _R.WON_RELATIONSHIP, _C.WIN, "Relationship", "They trust our people.", "Ask for a reference"
            ),
            _reason(
                _R.WON_INCUMBENT_FAILURE,
                _C.WIN,
                "Incumbent failed",
                "Their supplier let them down.",
                "Target its customers",
            ),
            _reason(_R.OTHER, _C.UNKNOWN, "Other", "A reason outside this list.", "Read the note"),
            _reason(_R.UNSPECIFIED, _C.UNKNOWN, "Not given", "No reason was given.", "Ask sales for one"),
            _reason(
                _R.UNMAPPED,
                _C.UNKNOWN,
                "Not mapped",
                "A reason was given that no rule knows.",
                "Add a rule to reasons.yaml",
            ),
        )
    }
)

NOT_REJECTIONS: frozenset[ReasonCode] = frozenset(
    {ReasonCode.ALREADY_ENGAGED, ReasonCode.EXISTING_CUSTOMER, ReasonCode.DUPLICATE}
)
"""Reasons that turn a disqualification into `no_action`: never held against a campaign."""


class AttributionModel(StrEnum):
    """How the credit of a decision is shared among the campaigns that touched the people behind it."""

    PRIMARY = "primary"
    FIRST = "first"
    LAST = "last"
    LINEAR = "linear"


class StageMeaning(StrEnum):
    """What it means for a lead or an opportunity to stand in a stage."""

    OPEN = "open"
    ACCEPTED = "accepted"
    RECYCLED = "recycled"
    DISQUALIFIED = "disqualified"
    WON = "won"
    LOST = "lost"
    UNKNOWN = "unknown"
