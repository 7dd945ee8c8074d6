"""How often which reason is meant, by what was decided, and by who decided it."""

from __future__ import annotations

from collections.abc import Mapping

from closedloop.sandbox.world import phrases
from closedloop.sandbox.world.drawing import Weights
from closedloop.schema.vocabulary import Outcome
from closedloop.schema.vocabulary import ReasonCode as R

# How often a reason is meant; the lists of the field agree on little more than that timing and budget lead.
_MEANT: Mapping[Outcome, Mapping[R, int]] = {
    Outcome.DISQUALIFIED: {
        R.UNABLE_TO_REACH: 14, R.BAD_TIMING: 10, R.NO_INTEREST: 12, R.NO_BUDGET: 8, R.NO_FIT: 10,
        R.BAD_DATA: 8, R.NO_AUTHORITY: 7, R.COMPETITOR: 6, R.INCUMBENT: 6, R.PRODUCT_GAP: 4, R.DUPLICATE: 5,
        R.EXISTING_CUSTOMER: 4, R.ALREADY_ENGAGED: 4, R.SPAM: 4, R.STUDENT: 3, R.PARTNER: 2,
        R.BAD_EXPERIENCE: 1, R.OTHER: 3,
    },
    Outcome.RECYCLED: {
        R.BAD_TIMING: 12, R.NO_BUDGET: 6, R.UNABLE_TO_REACH: 6, R.NO_AUTHORITY: 3, R.NO_INTEREST: 2,
    },
    Outcome.LOST: {
        R.PRICE: 12, R.COMPETITOR: 12, R.NO_DECISION: 12, R.BAD_TIMING: 9, R.NO_BUDGET: 9, R.PRODUCT_GAP: 7,
        R.INCUMBENT: 6, R.LEGAL_SECURITY: 4, R.NO_AUTHORITY: 3, R.NO_FIT: 3, R.OTHER: 3,
    },
    Outcome.WON: {
        R.WON_FIT: 5, R.WON_PRICE: 4, R.WON_PRODUCT: 6, R.WON_RELATIONSHIP: 4, R.WON_INCUMBENT_FAILURE: 2,
    },
}  # fmt: skip
_WEIGHTS = {outcome: Weights(meant) for outcome, meant in _MEANT.items()}
# HubSpot's list for a lead has fewer.
_LISTED = Weights(
    {
        code: weight
        for code, weight in _MEANT[Outcome.DISQUALIFIED].items()
        if code in phrases.HUBSPOT_LEAD_LABELS
    }
)
# What somebody in this part of a buying team says no for, every other time.
OF_ROLE: Mapping[str, tuple[R, ...]] = {
    "Decision maker": (R.NO_DECISION, R.BAD_TIMING, R.INCUMBENT),
    "Economic buyer": (R.PRICE, R.PRICE, R.NO_BUDGET),
    "Champion": (R.NO_AUTHORITY, R.NO_DECISION, R.PRODUCT_GAP),
    "Influencer": (R.LEGAL_SECURITY, R.PRODUCT_GAP, R.LEGAL_SECURITY),
    "User": (R.PRODUCT_GAP, R.INCUMBENT, R.NO_FIT),
}
COPIES = (R.DUPLICATE, R.EXISTING_CUSTOMER)
"""What a lead that marketing copied from somewhere turns out to be."""


def weights(outcome: Outcome, *, listed: bool) -> Weights[R]:
    """The reasons for an outcome; `listed`: those that HubSpot's list for a lead has."""
    return _LISTED if listed else _WEIGHTS[outcome]
