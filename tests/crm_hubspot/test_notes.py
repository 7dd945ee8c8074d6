"""The block in a campaign's notes, and the marketer's own text around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedloop.crm.hubspot.notes import END, START, removed, replaced

LINES = ["Accepted: 12", "Reasons:", "- Disqualified, No budget: 4", "Attribution: primary."]
OTHER = ["Accepted: 13", "Attribution: linear. Last decision: 2026-11-20T14:03:00Z."]
BLOCK = "\n".join([START, *LINES, END])

text = st.text(st.characters(codec="utf-8"), max_size=60).filter(lambda t: START not in t and END not in t)


def test_an_empty_note_becomes_the_block_alone() -> None:
    assert replaced("", LINES) == BLOCK


def test_the_block_is_added_after_the_marketers_text() -> None:
    assert replaced("Call the agency.", LINES) == f"Call the agency.\n\n{BLOCK}"


def test_the_block_reads_as_a_marketer_expects() -> None:
    assert BLOCK == (
        "--- Closed Loop: what sales did with this campaign's people "
        "(rewritten automatically; write above this line) ---\n"
        "Accepted: 12\nReasons:\n- Disqualified, No budget: 4\nAttribution: primary.\n"
        "--- End of Closed Loop ---"
    )


@given(before=text, after=text)
def test_the_marketers_text_around_the_block_stays_byte_for_byte(before: str, after: str) -> None:
    shown = before + BLOCK + after
    changed = replaced(shown, OTHER)
    assert changed == before + "\n".join([START, *OTHER, END]) + after


@given(notes=text)
def test_writing_the_same_twice_changes_nothing(notes: str) -> None:
    once = replaced(notes, LINES)
    assert replaced(once, LINES) == once
    assert once.startswith(notes)


@given(notes=text)
def test_taking_the_block_out_gives_the_marketers_text_back(notes: str) -> None:
    assert removed(replaced(notes, LINES)) == notes
    assert removed(notes) == notes


@given(before=text, after=text.filter(bool))
def test_taking_the_block_out_keeps_what_was_written_below_it(before: str, after: str) -> None:
    assert removed(before + BLOCK + after) == before + after


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_a_block_with_other_line_ends_is_the_same_block(line_end: str) -> None:
    shown = f"Mine.\n\n{BLOCK}".replace("\n", line_end)
    assert replaced(shown, LINES) == shown


@given(before=text, between=text, after=text)
def test_a_duplicated_block_is_left_once_where_the_first_one_was(
    before: str, between: str, after: str
) -> None:
    old = "\n".join([START, *OTHER, END])
    shown = before + BLOCK + between + old + after
    assert replaced(shown, LINES) == before + BLOCK + between + after
    assert removed(shown).count(START) == 0


TORN = [
    (f"Mine.\n\n{START}\nAccepted: 12\n- Lost, Price: 2\nKeep this.", "Mine.\n\n{block}\nKeep this."),
    (f"Mine.\n\n{START}", "Mine.\n\n{block}"),
    (f"{START}\nWon: 2", "{block}"),
    (f"{START}\r\nWon amount: EUR 1.00\r\n\r\nKeep: 5 things", "{block}\r\n\r\nKeep: 5 things"),
    (f"{START}\nWon: 2\nThe rest is mine\nWon: 3", "{block}\nThe rest is mine\nWon: 3"),
    (f"{START}\nWon: 2{START}\nWon: 2\n{END}", "{block}"),
]


@pytest.mark.parametrize(("shown", "expected"), TORN)
def test_of_a_block_that_lost_its_end_only_our_own_lines_go(shown: str, expected: str) -> None:
    assert replaced(shown, LINES) == expected.format(block=BLOCK)


@given(st.lists(st.sampled_from([START, END, "\n", "\r\n", "Won: 2", "mine", "- x: 1"]), max_size=12))
def test_however_damaged_the_notes_writing_settles_at_once(parts: list[str]) -> None:
    once = replaced("".join(parts), LINES)
    assert once.count(START) == 1
    assert replaced(once, LINES) == once
    assert once.count("mine") == parts.count("mine") or END in parts
