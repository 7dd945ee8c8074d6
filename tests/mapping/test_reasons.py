"""Raw reasons as CRMs keep them and reps write them, and the codes they become."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedloop.loop.dispositions import ReasonMapper
from closedloop.mapping import Mappings, load_mappings
from closedloop.mapping.spelling import Spelling, distance, fold
from closedloop.schema.vocabulary import Outcome, ReasonCode

R = ReasonCode

# HubSpot's default labels of hs_lead_disqualification_reason; of the values only NOT_A_GOOD_FIT is recorded,
# the others are the labels written as HubSpot writes such values.
HUBSPOT_DEFAULTS = {
    "Bad Timing": R.BAD_TIMING,
    "Budget Constraints": R.NO_BUDGET,
    "No Decision-making Power": R.NO_AUTHORITY,
    "Competitor Preference": R.COMPETITOR,
    "Not a Good Fit": R.NO_FIT,
    "No Commercial Interest": R.NO_INTEREST,
    "Prior Negative Experience": R.BAD_EXPERIENCE,
    "Technical Limitations": R.PRODUCT_GAP,
    "Wrong Data": R.BAD_DATA,
    "No Response": R.UNABLE_TO_REACH,
}

REJECTED = {
    R.UNABLE_TO_REACH: [
        *(
            "no reply to 5 emails",
            "never answered",
            "Didn't respond",
            "wont pick up",
            "went dark",
            "unresponsive!!",
        ),
        *(
            "LVM x3",
            "No-show",
            "couldn't get hold of him",
            "radio silence",
            "no respone",
            "no resposne",
            "did not show up",
        ),
        *("Called 4 times, no luck", "not reachable", "ghosting us", "left 3 voicemails"),
    ],
    R.BAD_DATA: [
        *(
            "bad phone number",
            "email bounced back",
            "number disconnected",
            "no valid email",
            "Invalid e-mail address",
        ),
        *(
            "fake phone number",
            "incorrect contact info",
            "No longer with the company",
            "wrong nr",
            "left the company",
        ),
        *("phone not in service", "inacurate data"),
    ],
    R.NO_INTEREST: [
        *(
            "not interested at all",
            "No intrest",
            "lost interest",
            "isn't interested",
            "don't need it",
            "no need for this",
        ),
        *(
            "tire kicker",
            "just browsing",
            "unsubscribed",
            "No business need",
            "not intersted",
            "zero interest",
        ),
    ],
    R.BAD_EXPERIENCE: [
        "had a bad experience with us",
        "unhappy with our service in 2019",
        "negative experience in the past",
    ],
    R.NO_BUDGET: [
        *(
            "no budget",
            "NO BUDGET!!!",
            "no-budget",
            "budget got cut",
            "no funding",
            "can't afford it",
            "budget freeze",
        ),
        *(
            "no budjet",
            "out of budget",
            "budget not approved",
            "lack of funds",
            "no money for this",
            "no budget until Q3",
        ),
        *("doesn't have the budget", "Budgetary constraints", "insufficent budget", "lost their funding"),
    ],
    R.NO_AUTHORITY: [
        *("not a DM", "no decison maker", "not decision-maker", "can't make the decision", "no buying power"),
        *(
            "no budget holder",
            "wrong person",
            "not the right person",
            "gatekeeper",
            "No authority to buy",
            "not autorized to sign",
        ),
    ],
    R.BAD_TIMING: [
        *(
            "not now",
            "bad timming",
            "call back in 6 months",
            "circle back next quarter",
            "not ready yet",
            "Q3",
            "on-hold",
        ),
        *(
            "maybe next year",
            "revisit in Q2",
            "too busy right now",
            "project postponed",
            "no timeline",
            "not a priority",
        ),
        *("check back in January", "too early", "wrong time", "follow up next FY", "Not this year"),
    ],
    R.NO_FIT: [
        *(
            "bad fit",
            "not a fit",
            "company too small",
            "not our ICP",
            "outside our territory",
            "wrong industry",
            "no good fit",
        ),
        *("doesn't fit our target market", "B2C only", "no use case", "Poor-fit"),
    ],
    R.PRODUCT_GAP: [
        *(
            "missing features",
            "no SAP integration",
            "lacks SSO",
            "feature gap",
            "doesn't support Linux",
            "not supported",
        ),
        *("technical limitation", "no salesforce integration", "missing functionalty"),
    ],
    R.COMPETITOR: [
        *(
            "went with another vendor",
            "chose a competitor",
            "lost to Acme",
            "went with Acme",
            "competitior",
            "Competetor",
        ),
        *("chose someone else", "picked another solution", "bought from a competitor", "went elsewhere"),
    ],
    R.INCUMBENT: [
        *(
            "happy with current vendor",
            "staying with their existing solution",
            "under contract until 2027",
            "incumbent",
        ),
        *(
            "already has a solution",
            "locked in contract",
            "status quo",
            "won't switch",
            "sticking with what they have",
        ),
    ],
    R.ALREADY_ENGAGED: [
        *(
            "already in talks with sales",
            "existing opp",
            "open opportunity exists",
            "already working with another rep",
        ),
        *("allready engaged", "already being worked"),
    ],
    R.EXISTING_CUSTOMER: [
        "current client",
        "already a customer",
        "Existing Customer",
        "is our customer",
        "already bought",
        "support ticket",
    ],
    R.DUPLICATE: [
        "dupe",
        "dup lead",
        "Duplicate record",
        "duplicat",
        "dublicate",
        "already in CRM",
        "double entry",
    ],
    R.PARTNER: ["reseller", "wants to be a partner", "channel partner", "affiliate", "they are a partner"],
    R.STUDENT: [
        "student",
        "PhD student",
        "working on a thesis",
        "for a school project",
        "University project",
    ],
    R.SPAM: [
        "spam",
        "SPAMMER",
        "test lead",
        "fake lead",
        "just a test",
        "junk",
        "bot",
        "job seeker",
        "asdfasdf",
        "trying to sell us SEO",
    ],
    R.OTHER: ["Other", "misc", "OTHER (see notes)"],
    R.UNSPECIFIED: ["", "  ", "n/a", "N/A", "none", "-", "unknown", "--None--"],
}
LOST = {
    R.PRICE: [
        *(
            "too expensive",
            "price",
            "Price too high",
            "priced too high",
            "lost on price",
            "too pricey",
            "cheaper alternative",
        ),
        *("way too much money", "expencive", "our quote was too high", "couldn't match the price", "No ROI"),
    ],
    R.NO_DECISION: [
        "no decision",
        "no desicion",
        "project cancelled",
        "couldn't decide",
        "decided to do nothing",
        "deal stalled",
    ],
    R.LEGAL_SECURITY: [
        "failed security review",
        "legal blocked it",
        "GDPR concerns",
        "contract terms",
        "infosec",
        "compliance issue",
    ],
    R.COMPETITOR: ["Lost to competitor", "competition", "signed with a competitor", "out-sold"],
    R.INCUMBENT: ["renewed with current provider", "stayed with incumbent"],
    R.PRODUCT_GAP: ["missing feature", "Product", "no API", "lack of functionality"],
}
WON: dict[ReasonCode, list[str]] = {
    R.WON_FIT: ["best fit", "Great overall fit", "met all requirements"],
    R.WON_PRICE: ["price", "cheapest", "best value", "gave them a discount", "good price"],
    R.WON_PRODUCT: [
        "features",
        "better product",
        "ease of use",
        "the demo",
        "great functionality",
        "best technology",
    ],
    R.WON_RELATIONSHIP: ["relationship", "they trust us", "referral", "great sales team", "word of mouth"],
    R.WON_INCUMBENT_FAILURE: [
        "unhappy with current vendor",
        "replaced the incumbent",
        "current provider failed",
        "old system too slow",
    ],
    R.OTHER: ["Other"],
    R.UNSPECIFIED: ["", "n/a"],
}


def table(codes: dict[ReasonCode, list[str]]) -> list[tuple[str, ReasonCode]]:
    return [(raw, code) for code, raws in codes.items() for raw in raws]


@pytest.mark.parametrize(("label", "code"), HUBSPOT_DEFAULTS.items())
def test_hubspots_default_options_are_known_by_label_and_by_value(
    mappings: Mappings, label: str, code: ReasonCode
) -> None:
    value = re.sub(r"\W+", "_", label).upper()
    for raw in (label, value, label.lower(), f" {label} "):
        match = mappings.reasons.match(raw, Outcome.DISQUALIFIED)
        assert match.code is code
        assert match.rule.startswith("reasons.yaml:")


@pytest.mark.parametrize(("raw", "code"), table(REJECTED))
@pytest.mark.parametrize("outcome", [Outcome.DISQUALIFIED, Outcome.RECYCLED])
def test_a_reps_words_about_a_lead_become_the_code(
    mappings: Mappings, raw: str, code: ReasonCode, outcome: Outcome
) -> None:
    assert mappings.reasons.match(raw, outcome).code is code


@pytest.mark.parametrize(("raw", "code"), table(LOST))
def test_a_reps_words_about_a_lost_deal_become_the_code(
    mappings: Mappings, raw: str, code: ReasonCode
) -> None:
    assert mappings.reasons.match(raw, Outcome.LOST).code is code


@pytest.mark.parametrize(("raw", "code"), table(WON))
def test_a_reps_words_about_a_won_deal_become_the_code(
    mappings: Mappings, raw: str, code: ReasonCode
) -> None:
    assert mappings.reasons.match(raw, Outcome.WON).code is code


@pytest.mark.parametrize(
    "raw",
    [
        *("???", "asked Tom", "see email", "x", "meh", "12345", "bla bla", "ok"),
        "price was not the issue",
        "not a budget problem",
        "not sure, could be price",
        "no issues with price",
        "no budget and went with a competitor",
        "price or timing",
        "too expensive and missing features",
        "despite the price",
        "sent pricing",
        "budget approved",
        "has budget",
        "spoke to the decision maker",
        "contacted",
        "no internet",
        *(
            "demo request",
            "missed an opportunity",
            "will resume talks",
            "works at a university",
            "individual contributor",
        ),
        *(
            "wants to see the integrations",
            "it was too much hassle",
            "speak to another contact",
            "needs support for Linux",
        ),
        *(
            "comp plan",
            "maybe a fit in the lab",
            "deal fell through",
            "no info",
            "is responsible for the budget",
        ),
        *(
            "sent over the security whitepaper",
            "has the budget and the authority",
            "talked about our features",
        ),
        *(
            "met at a conference",
            "sent the contract",
            "good conversation",
            "price list sent",
            "waiting",
            "unqualified",
        ),
        "invested",
    ],
)
@pytest.mark.parametrize("outcome", [Outcome.DISQUALIFIED, Outcome.LOST])
def test_ambiguous_text_is_not_guessed(mappings: Mappings, raw: str, outcome: Outcome) -> None:
    match = mappings.reasons.match(raw, outcome)
    assert (match.code, match.rule) == (R.UNMAPPED, "")


@pytest.mark.parametrize("code", [code for code in ReasonCode if code is not R.UNMAPPED])
def test_every_code_is_reached_by_a_rule_of_the_shipped_file(
    code: ReasonCode, shipped: Callable[[str], str]
) -> None:
    assert f"- reason: {code}\n" in shipped("reasons.yaml")
    assert any(code in words for words in (REJECTED, LOST, WON))


def test_the_same_word_wins_or_loses_a_deal(mappings: Mappings) -> None:
    assert mappings.reasons.match("Price", Outcome.WON).code is R.WON_PRICE
    assert mappings.reasons.match("Price", Outcome.LOST).code is R.PRICE


def test_of_a_multi_select_the_first_counts_and_the_others_contribute(mappings: Mappings) -> None:
    match = mappings.reasons.match("Price; Missing features;;Price;Timing", Outcome.LOST)
    assert (match.code, match.contributing) == (R.PRICE, (R.PRODUCT_GAP, R.BAD_TIMING))


def test_nothing_but_separators_is_one_unmapped_reason(mappings: Mappings) -> None:
    assert mappings.reasons.match(";;", Outcome.LOST).code is R.UNMAPPED


def test_the_matcher_is_what_decisions_ask_for(mappings: Mappings) -> None:
    mapper: ReasonMapper = mappings.reasons.match
    assert mapper(None, Outcome.LOST).code is R.UNSPECIFIED


def test_the_rule_names_the_line_that_matched(own: Callable[[str, str], Mappings]) -> None:
    rules = (
        "version: 1\nrules:\n  - reason: price\n    exact:\n      - Teuer\n    patterns:\n      - 'dear'\n"
    )
    reasons = own("reasons.yaml", rules).reasons
    assert reasons.match("TEUER", Outcome.LOST).rule == "reasons.yaml:5"
    assert reasons.match("far too dear!", Outcome.LOST).rule == "reasons.yaml:7"


def test_exact_text_goes_before_any_case_and_both_before_patterns(
    own: Callable[[str, str], Mappings],
) -> None:
    rules = (
        "version: 1\nrules:\n  - {reason: price, exact: [IT]}\n  - {reason: no_fit, exact: [it]}\n"
        "  - {reason: spam, patterns: ['it', 'item']}\n  - {reason: partner, exact: [items]}\n"
    )
    reasons = own("reasons.yaml", rules).reasons
    found = [reasons.match(raw, Outcome.LOST).code for raw in ("IT", "it", "It", "ITEMS")]
    assert found == [R.PRICE, R.NO_FIT, R.SPAM, R.PARTNER]


def test_a_rule_may_hold_for_some_outcomes_only(own: Callable[[str, str], Mappings]) -> None:
    rules = "version: 1\nrules:\n  - {reason: bad_timing, outcomes: [recycled], exact: [Later]}\n"
    reasons = own("reasons.yaml", rules).reasons
    assert reasons.match("later", Outcome.RECYCLED).code is R.BAD_TIMING
    assert reasons.match("later", Outcome.DISQUALIFIED).code is R.UNMAPPED


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("NOT_A_GOOD_FIT", "not a good fit"),
        ("  Don’t   know!\n", "dont know"),
        ("w/ Acme w/o $$", "with acme without money"),
        ("N/A", "n a"),
        ("Größe", "grösse"),
        ("--", ""),
    ],
)
def test_folding_leaves_the_words(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("budget", "budget", 0),
        ("bugdet", "budget", 1),
        ("buget", "budget", 1),
        ("budgett", "budget", 1),
        ("badger", "budget", 2),
        ("", "abc", 3),
    ],
)
def test_distance_counts_letters(left: str, right: str, expected: int) -> None:
    assert distance(left, right) == distance(right, left) == expected


def test_spelling_repairs_slips_but_no_other_words() -> None:
    spelling = Spelling(["contact", "contract", "budget", "interested"])
    assert (
        spelling.repair("no bugdet for a contract not intrested") == "no budget for a contract not interested"
    )
    assert spelling.repair("gadget internet bud") == "gadget internet bud"


@given(st.text(), st.sampled_from(Outcome))
def test_any_text_ends_in_one_code(raw: str, outcome: Outcome) -> None:
    match = load_mappings().reasons.match(raw, outcome)
    assert isinstance(match.code, ReasonCode)
    assert (match.code is R.UNSPECIFIED) or raw.strip()


@pytest.mark.parametrize(
    "piece", ["no ", "not a ", "went with ", "already ", "a" * 30 + " ", "no budget ", "; "]
)
def test_a_long_note_is_matched_in_bounded_time(mappings: Mappings, piece: str) -> None:
    for outcome in (Outcome.LOST, Outcome.WON):
        mappings.reasons.match((piece * 20_000)[:100_000], outcome)
