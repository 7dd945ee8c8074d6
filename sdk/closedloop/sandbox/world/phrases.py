"""What reps write when they mean a reason. Collected without looking at `mappings/reasons.yaml`, which must
understand every phrase here as a colleague would.

`NEAT` holds what a tidy person picks from a list, `HASTY` what somebody types between two calls (typos are
real ones), `TALKATIVE` the sentence of somebody who explains, `CRYPTIC` what nobody else can understand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from closedloop.schema.vocabulary import ReasonCode as R

Phrases = Mapping[R, Sequence[str]]

NEAT_REJECTED: Phrases = {
    R.UNABLE_TO_REACH: ("Unable to reach", "No response", "Unresponsive"),
    R.BAD_DATA: ("Bad data", "Wrong data", "Invalid contact information"),
    R.NO_INTEREST: ("Not interested", "No interest"),
    R.BAD_EXPERIENCE: ("Bad experience", "Prior negative experience"),
    R.NO_BUDGET: ("No budget", "Budget constraints", "Lack of budget"),
    R.NO_AUTHORITY: ("No authority", "No decision-making power", "Not a decision maker"),
    R.BAD_TIMING: ("Bad timing", "Timing", "Not ready"),
    R.NO_FIT: ("Not a good fit", "Poor fit", "Wrong industry"),
    R.PRODUCT_GAP: ("Missing features", "Technical limitations"),
    R.COMPETITOR: ("Competitor", "Chose competitor"),
    R.INCUMBENT: ("Happy with current solution", "Existing vendor"),
    R.ALREADY_ENGAGED: ("Already engaged", "Open opportunity"),
    R.EXISTING_CUSTOMER: ("Existing customer", "Already a customer"),
    R.DUPLICATE: ("Duplicate", "Duplicate record"),
    R.PARTNER: ("Partner", "Reseller"),
    R.STUDENT: ("Student",),
    R.SPAM: ("Spam", "Test"),
    R.OTHER: ("Other",),
}
HASTY_REJECTED: Phrases = {
    R.UNABLE_TO_REACH: ("no answer", "cant reach", "never picked up", "ghosted", "voicemail x5"),
    R.BAD_DATA: ("wrong number", "email bounced", "wrong email"),
    R.NO_INTEREST: ("not intrested", "no intrest", "just browsing"),
    R.NO_BUDGET: ("no bugdet", "no budgt", "no money", "no $$"),
    R.NO_AUTHORITY: ("not the decision maker", "no DM", "too junior"),
    R.BAD_TIMING: ("not now", "bad timming", "next year", "too early"),
    R.NO_FIT: ("no fit", "not a fit", "too small"),
    R.PRODUCT_GAP: ("missing feature", "no integration"),
    R.COMPETITOR: ("went w/ competitor", "competitior"),
    R.INCUMBENT: ("happy w/ current vendor", "has a vendor"),
    R.ALREADY_ENGAGED: ("already talking to AE", "allready engaged"),
    R.EXISTING_CUSTOMER: ("customer already", "is a customer"),
    R.DUPLICATE: ("dupe", "dup", "duplciate"),
    R.SPAM: ("fake", "test lead", "junk"),
}
TALKATIVE_REJECTED: Phrases = {
    R.UNABLE_TO_REACH: ("Called six times and mailed twice, no response at all",),
    R.BAD_DATA: ("The phone number is invalid and the email bounced",),
    R.NO_INTEREST: ("Only wanted the whitepaper, not interested in a call",),
    R.NO_BUDGET: ("They like it but have no budget this year", "Budget was cut, no money left for projects"),
    R.NO_AUTHORITY: ("Nice chat but not the decision maker for this",),
    R.BAD_TIMING: ("Bad timing, call again after the ERP roll-out", "Not the right time, maybe after summer"),
    R.NO_FIT: ("Ten employees, far too small for us",),
    R.COMPETITOR: ("Signed with a competitor last week",),
    R.INCUMBENT: ("Happy with their current provider and will not switch",),
}
NEAT_LOST: Phrases = {
    R.NO_BUDGET: ("No budget", "Lost funding", "Budget"),
    R.NO_AUTHORITY: ("No authority", "No executive sponsor"),
    R.BAD_TIMING: ("Timing", "Bad timing"),
    R.NO_DECISION: ("No decision", "No decision / non-responsive", "Project cancelled"),
    R.PRICE: ("Price", "Price too high", "Too expensive"),
    R.LEGAL_SECURITY: ("Legal", "Security", "Failed security review"),
    R.PRODUCT_GAP: ("Product gap", "Missing features", "Functionality"),
    R.COMPETITOR: ("Lost to competitor", "Competitor"),
    R.INCUMBENT: ("Incumbent", "Stayed with existing vendor"),
    R.NO_FIT: ("Not a good fit",),
    R.OTHER: ("Other",),
}
HASTY_LOST: Phrases = {
    R.NO_BUDGET: ("no bugdet", "budget cut", "no money"),
    R.BAD_TIMING: ("timming", "next year", "not now", "postponed"),
    R.NO_DECISION: ("no descision", "project canceled", "did nothing"),
    R.PRICE: ("too expensiv", "too pricey", "price!!", "pricing"),
    R.LEGAL_SECURITY: ("security review", "legal said no", "GDPR"),
    R.PRODUCT_GAP: ("missing feature", "no SSO", "lacks integration"),
    R.COMPETITOR: ("lost to competition", "competitior", "went with competitor"),
    R.INCUMBENT: ("stays with incumbent", "keeps current vendor"),
}
TALKATIVE_LOST: Phrases = {
    R.NO_BUDGET: ("The board froze the budget for the whole year",),
    R.BAD_TIMING: ("Not the right time for them, merger going on", "Postponed to next year by the new COO"),
    R.NO_DECISION: ("In the end they made no decision at all",),
    R.PRICE: ("We were too expensive, about 30 % above their limit",),
    R.LEGAL_SECURITY: ("Their security team did not approve our hosting",),
    R.PRODUCT_GAP: ("Missing feature: they need offline mode",),
    R.COMPETITOR: ("Chose a competitor with a local office",),
    R.INCUMBENT: ("Decided to stay with their current vendor for now",),
}
NEAT_WON: Phrases = {
    R.WON_FIT: ("Best fit", "Fit"),
    R.WON_PRICE: ("Price", "Best price"),
    R.WON_PRODUCT: ("Product", "Features", "Functionality"),
    R.WON_RELATIONSHIP: ("Relationship", "Trust"),
    R.WON_INCUMBENT_FAILURE: ("Incumbent failed", "Replaced incumbent"),
}
HASTY_WON: Phrases = {
    R.WON_FIT: ("good fit", "best fit!"),
    R.WON_PRICE: ("cheapest", "good price", "discount"),
    R.WON_PRODUCT: ("better product", "great features"),
    R.WON_RELATIONSHIP: ("good relationship", "they trust us"),
}
TALKATIVE_WON: Phrases = {
    R.WON_PRODUCT: ("The product convinced them in the pilot",),
    R.WON_RELATIONSHIP: ("Long relationship with their COO made the difference",),
    R.WON_INCUMBENT_FAILURE: ("Their old vendor failed them twice this year",),
}
CRYPTIC: Sequence[str] = (
    "per Dave",
    "xx7",
    "ask Jonas",
    "see Slack",
    "Q-list B",
    "tbd Mo.",
    "HX/44 ph2",
)
NOTES: Sequence[str] = (
    "Spoke for ten minutes, friendly.",
    "Follow up by e-mail only.",
    "Colleague may take over in spring; ask for the head of planning.",
    "Heard it from two people there.",
)
HUBSPOT_LEAD_LABELS: Phrases = {
    R.BAD_TIMING: ("Bad Timing",),
    R.NO_BUDGET: ("Budget Constraints",),
    R.NO_AUTHORITY: ("No Decision-making Power",),
    R.COMPETITOR: ("Competitor Preference",),
    R.NO_FIT: ("Not a Good Fit",),
    R.NO_INTEREST: ("No Commercial Interest",),
    R.BAD_EXPERIENCE: ("Prior Negative Experience",),
    R.PRODUCT_GAP: ("Technical Limitations",),
    R.BAD_DATA: ("Wrong Data",),
    R.UNABLE_TO_REACH: ("No Response",),
}
"""HubSpot's own options for a lead: a list to pick from, so habits cannot change the words."""
