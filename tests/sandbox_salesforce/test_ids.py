"""Record ids in both forms."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from closedloop.sandbox.salesforce.ids import long_id, new_id

# Ids of the recorded bodies, among them every letter case; made-up ones of the recordings excluded.
_RECORDED = re.compile(r'"id": ?"([A-Za-z0-9]{18})"')


def test_the_suffix_is_that_of_recorded_ids(corpus: Path) -> None:
    texts = [path.read_text() for path in (corpus / "salesforce").glob("*/Test*.json")]
    ids = {found for text in texts for found in _RECORDED.findall(text) if "0x" not in found}
    assert len(ids) > 50
    assert {long_id(found[:15]) for found in ids} == ids


@pytest.mark.parametrize("value", ["", "003", "003ak00000luKU", "003ak00000luKU1!", None, 7, "a" * 17])
def test_what_has_not_15_or_18_letters_and_digits_is_no_id(value: object) -> None:
    assert long_id(value) is None


def test_new_ids_rise_and_never_repeat() -> None:
    made = [new_id("00Q", number) for number in range(1, 5000)]
    assert made == sorted(set(made))
    assert {len(i) for i in made} == {18}


def test_the_recorded_create_answer_has_a_well_formed_id(corpus: Path) -> None:
    body = json.loads((corpus / "salesforce/amp-labs/create-ok.json").read_text())
    assert long_id(body["id"][:15]) == body["id"]
