"""What the grammar reads, held against the queries of another parser's own tests."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.soql import parse

# The part of SOQL that is left for later, by what gives it away.
LEFT_OUT = re.compile(
    r"\bTYPEOF\b"  # polymorphic selects
    r"|\bDATA CATEGORY\b|\bUPDATE (TRACKING|VIEWSTAT)\b|\bFOR VIEW UPDATE\b"  # knowledge articles
    r"|GEOLOCATION\("
    r"|\(\s*(MIN|convertCurrency|convertTimezone)\("  # functions of functions
    r"|[( ]usd-?\d"  # currency literals
    r"|//|/\*",  # comments, which Salesforce does not know either
    re.IGNORECASE,
)
# Valid for that parser alone: OFFSET as an alias, and comment marks inside literals are none.
ODD = {"SELECT Name FROM Account OFFSET"}


def queries(corpus: Path, verdict: str) -> list[str]:
    found: list[str] = json.loads((corpus / "salesforce/soql/soql_parser_js.json").read_text())[verdict]
    return found


def readable(soql: str) -> bool:
    try:
        parse(soql)
    except Refusal as refusal:
        return refusal.code != "MALFORMED_QUERY"
    return True


def test_every_valid_query_of_our_subset_is_read(corpus: Path) -> None:
    valid = [q for q in queries(corpus, "valid") if not LEFT_OUT.search(q) and q not in ODD]
    assert len(valid) >= 175
    assert [q for q in valid if not readable(q)] == []


def test_invalid_queries_are_refused(corpus: Path) -> None:
    refused = queries(corpus, "invalid") + queries(corpus, "apex_only")
    assert len(refused) >= 50
    # Grammatical: LeadSourceCOUNT could be a function. It is refused when it is run.
    assert [q for q in refused if readable(q)] == [
        "SELECT LeadSourceCOUNT(Name) FROM Lead GROUP BY LeadSource"
    ]


@pytest.mark.parametrize(
    ("soql", "line", "column", "token"),
    [
        ("SELECT Id FRM Lead", 1, 15, "'Lead'"),
        ("SELECT Id FROM Lead WHERE", 1, 26, "<EOF>"),
        ("SELECT Id FROM Lead WHERE A = 1 AND B = 2 OR C = 3", 1, 43, "'OR'"),
        ("SELECT Id\nFROM Lead\nWHERE A == 1", 3, 10, "'='"),
        ("SELECT Id FROM Lead WHERE Name = 'open", 1, 34, "'''"),
        ("", 1, 1, "<EOF>"),
        ("SELECT Id FROM Lead LIMIT 1.5", 1, 28, "'.5'"),
        ("SELECT Id FROM Lead ;", 1, 21, "';'"),
    ],
)
def test_a_malformed_query_is_pointed_at(soql: str, line: int, column: int, token: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse(soql)
    _, _, pointer, place, message = caught.value.message.split("\n")
    assert place == f"ERROR at Row:{line}:Column:{column}"
    assert message == f"unexpected token: {token}"
    assert pointer == " " * (column - 1) + "^"


@pytest.mark.parametrize(
    ("literal", "meant"),
    [
        (r"'O\'Reilly'", "O'Reilly"),
        (r"'a\\b'", "a\\b"),
        (r"'line\nbreak'", "line\nbreak"),
        (r"'\"quoted\"'", '"quoted"'),
        ("'// no comment'", "// no comment"),
    ],
)
def test_escapes_in_text_are_undone(literal: str, meant: str) -> None:
    condition = parse(f"SELECT Id FROM Lead WHERE Name = {literal}").where  # noqa: S608  the sandbox's own
    assert getattr(condition, "literal", None) == meant


def test_an_escape_that_soql_does_not_know_is_refused() -> None:
    with pytest.raises(Refusal, match="MALFORMED_QUERY"):
        parse(r"SELECT Id FROM Lead WHERE Name = 'a\qb'")


@pytest.mark.parametrize("day", ["2026-02-30", "2026-13-01", "2026-11-20T25:00:00Z"])
def test_days_that_do_not_exist_are_refused(day: str) -> None:
    with pytest.raises(Refusal, match="MALFORMED_QUERY"):
        parse(f"SELECT Id FROM Lead WHERE CreatedDate > {day}")  # noqa: S608  the sandbox's own
