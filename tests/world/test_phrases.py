"""What reps write is understood as a colleague would understand it."""

from __future__ import annotations

import pytest

from closedloop.mapping import Mappings, load_mappings
from closedloop.sandbox.world.phrases import HUBSPOT_LEAD_LABELS
from closedloop.sandbox.world.reps import every_phrase
from closedloop.schema.vocabulary import Outcome, ReasonCode

PHRASES = sorted(
    {
        *every_phrase(),
        *((Outcome.DISQUALIFIED, code, label) for code, (label,) in HUBSPOT_LEAD_LABELS.items()),
    }
)


@pytest.fixture(scope="module")
def mappings() -> Mappings:
    return load_mappings()


@pytest.mark.parametrize(("outcome", "code", "raw"), PHRASES)
def test_every_phrase_of_the_reps_is_mapped_to_what_it_means(
    mappings: Mappings, outcome: Outcome, code: ReasonCode, raw: str
) -> None:
    assert mappings.reasons.match(raw, outcome).code is code
    assert mappings.reasons.match(raw.upper(), outcome).code is code
