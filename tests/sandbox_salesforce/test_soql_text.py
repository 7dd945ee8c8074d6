"""What the parser reads, held against the queries of another parser's own tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.soql.parser import parse


def queries(corpus: Path, verdict: str) -> list[str]:
    found: list[str] = json.loads((corpus / "salesforce/soql/soql_parser_js.json").read_text())[verdict]
    return found


def refused(soql: str) -> bool:
    try:
        parse(soql)
    except Refusal as refusal:
        return refusal.code == "MALFORMED_QUERY"
    return False


def test_every_valid_query_is_read(corpus: Path) -> None:
    valid = queries(corpus, "valid")
    assert len(valid) == 217
    assert [soql for soql in valid if refused(soql)] == []


@pytest.mark.parametrize(("verdict", "count"), [("invalid", 47), ("apex_only", 6)])
def test_every_invalid_query_is_refused(corpus: Path, verdict: str, count: int) -> None:
    invalid = queries(corpus, verdict)
    assert len(invalid) == count
    assert [soql for soql in invalid if not refused(soql)] == []


READ = [
    "SELECT Id FROM Order ORDER BY Id",
    "SELECT Id, Order.Name, Group.Name FROM Group GROUP BY Id",
    "SELECT COUNT() FROM Contact c, c.Account a WHERE a.Name = 'Acme'",
    "SELECT Id FROM Lead WHERE CreatedDate = N_DAYS_AGO:3 OR CreatedDate > n_fiscal_quarters_ago:2",
    "SELECT Id FROM Lead WHERE CreatedDate > LAST_90_DAYS AND CreatedDate < 2026-01-01T00:00:00+0130",
    "SELECT Id FROM Opportunity WHERE Amount > 1.5e3 AND Amount < +7 AND Amount > -.5",
    "SELECT Id, (SELECT Id, (SELECT Id FROM Cases) FROM Contacts ORDER BY Id LIMIT 5 OFFSET 2) FROM Account",
    "SELECT TYPEOF Owner WHEN User THEN Id, Profile.Name ELSE Name END, Id FROM Lead FOR VIEW, REFERENCE",
    "SELECT Id FROM FAQ__kav WITH DATA CATEGORY A__c BELOW b__c UPDATE TRACKING, VIEWSTAT",
    "SELECT Id FROM Account WITH RecordVisibilityContext (maxDescriptorPerRecord=100, supportsDomains=true)",
    "SELECT FORMAT(convertCurrency(Amount)) x, MAX(CreatedDate) y FROM Opportunity GROUP BY CUBE(Type, Name)",
    "SELECT A__c, B__r.C__r.D__c FROM Ns__E__c WHERE F__c EXCLUDES ('a;b', 'c') AND G__c NOT IN (1, NULL)",
    "select id from lead where (not name like 'a%') and ((name = 'b' or name = 'c'))",
    "SELECT\tId\r\nFROM\nLead\n",
    "SELECT Id FROM Lead GROUP BY DAY_ONLY(convertTimezone(CreatedDate)) HAVING COUNT(Id) > 1",
    r"SELECT Id FROM Lead WHERE Name LIKE 'a\_b\%%' AND Name = '\u0041\'\\'",
    "SELECT Id FROM Lead WHERE Name = ''",
]


@pytest.mark.parametrize("soql", READ)
def test_a_query_is_read(soql: str) -> None:
    assert parse(soql).columns


MALFORMED = [
    "SELECT Id",
    "SELECT Id FROM",
    "SELECT Id, FROM Lead",
    "SELECT , Id FROM Lead",
    "SELECT * FROM Lead",
    "SELECT DISTINCT(Id) FROM Lead",
    "SELECT Id FROM Lead WHERE Name IS NULL",
    "SELECT Id FROM Lead WHERE Name == 'a'",
    'SELECT Id FROM Lead WHERE Name = "a"',
    "SELECT Id FROM Lead WHERE Name = 'a' AND NOT Name = 'b'",
    "SELECT Id FROM Lead WHERE NOT NOT Name = 'b'",
    "SELECT Id FROM Lead WHERE A = 1 OR B = 2 AND C = 3",
    "SELECT Id FROM Lead WHERE Name IN ()",
    "SELECT Id FROM Lead WHERE Name IN 'a'",
    "SELECT Id FROM Lead WHERE Name BETWEEN 1 AND 2",
    "SELECT Id FROM Lead WHERE Name LIKE NULL",
    "SELECT Id FROM Lead WHERE Name LIKE 5",
    "SELECT Id FROM Lead WHERE Name = yesterday_",
    "SELECT Id FROM Lead WHERE CreatedDate = LAST_N_DAYS",
    "SELECT Id FROM Lead WHERE CreatedDate = LAST_N_DAYS:x",
    "SELECT Id FROM Lead WHERE CreatedDate = 2026-01-01T00:00:00",
    "SELECT Id FROM Lead WHERE MSP__c INCLUDES (1)",
    "SELECT Id FROM Lead GROUP BY",
    "SELECT Id FROM Lead GROUP BY ROLLUP(",
    "SELECT Id FROM Lead ORDER Id",
    "SELECT Id FROM Lead ORDER BY Id UP",
    "SELECT Id FROM Lead ORDER BY Id NULLS",
    "SELECT Id FROM Lead LIMIT 5 LIMIT 6",
    "SELECT Id FROM Lead OFFSET 5 LIMIT 6",
    "SELECT Id FROM Lead ORDER BY Id WHERE Id = null",
    "SELECT Id FROM Lead ALL ROWS",
    "SELECT Id FROM Lead WHERE Id = null ALL ROWS",
    "SELECT Id FROM Lead USING everything",
    "SELECT Id FROM Lead FOR SHARE",
    "SELECT Id FROM Lead; DROP TABLE Lead",
    "SELECT Id FROM Lead, Contact WHERE",
    "SELECT FIELDS(SOME) FROM Lead",
    "SELECT COUNT(*) FROM Lead",
    "SELECT SUM() FROM Lead",
    "SELECT UPPER(Name) FROM Lead",
    "SELECT convertCurrency(calendar_year(convertTimezone(LastModifiedDate))) FROM Account",
    "SELECT TYPEOF What END FROM Event",
    "SELECT TYPEOF What ELSE Name END FROM Event",
    "SELECT TYPEOF What WHEN Account THEN Phone FROM Event",
    "SELECT Id FROM Lead WHERE Name = 'a /* b */",
    "SELECT Id FROM Lead /* never closed",
    "SELECT Name FROM Lead WHERE Name = 'a'b'",
    "UPDATE Lead SET Name = 'x'",
    "DELETE FROM Lead",
    "FIND {x}",
    "SELECT Id FROM Lead WHERE (Name = 'a'",
    "SELECT Id FROM Lead WHERE Name = 'a')",
    "SELECT Id FROM Lead WHERE ()",
    "SELECT (SELECT Id FROM Contacts FROM Account",
    "\N{ZERO WIDTH SPACE}SELECT Id FROM Lead",
]


@pytest.mark.parametrize("soql", MALFORMED)
def test_a_query_that_is_none_is_refused(soql: str) -> None:
    assert refused(soql)


@pytest.mark.parametrize("part", ["SELECT Id FROM Lead WHERE ", "SELECT "])
def test_a_query_nested_too_deep_is_too_complicated(part: str) -> None:
    with pytest.raises(Refusal, match="QUERY_TOO_COMPLICATED"):
        parse(part + ("(" if part.endswith("WHERE ") else "(SELECT ") * 4000)


def test_a_query_that_was_read_before_is_not_read_again() -> None:
    soql = "SELECT Id FROM Lead WHERE Name = 'once'"
    assert parse(soql) is parse(soql)


def test_a_variable_is_known_in_apex_only() -> None:
    for value in (":leads", "leads"):
        with pytest.raises(Refusal, match="Bind variables only allowed in Apex code"):
            parse(f"SELECT Id FROM Lead WHERE Name = {value}")  # noqa: S608  the sandbox's own


@pytest.mark.parametrize(
    ("soql", "line", "column", "token"),
    [
        ("SELECT Id FRM Lead", 1, 15, "'Lead'"),
        ("SELECT Id FROM Lead WHERE", 1, 26, "'<EOF>'"),
        ("SELECT Id FROM Lead WHERE A = 1 AND B = 2 OR C = 3", 1, 43, "'OR'"),
        ("SELECT Id\nFROM Lead\nWHERE A == 1", 3, 10, "'='"),
        ("SELECT Id FROM Lead WHERE Name = 'open", 1, 34, "'''"),
        ("", 1, 1, "'<EOF>'"),
        ("SELECT Id FROM Lead LIMIT 1.5", 1, 27, "'1.5'"),
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


@pytest.mark.parametrize(
    ("pattern", "texts", "others"),
    [
        ("a%", "a abc A1", "ba"),
        ("%a", "a ba", "ab"),
        ("%a%b%", "ab xaxbx aab", "ba a"),
        ("a%b%a", "aba abba axbxa", "aa ab"),
        ("_%_", "ab abc", "a"),
        ("%%", "a abc", ""),
        ("a.c", "a.c", "abc"),
        ("%ab%ab", "abab abxab", "ab aab"),
        (r"%\%", "% a%", "a %a"),
    ],
)
def test_a_pattern_matches(pattern: str, texts: str, others: str) -> None:
    like: Any = parse(f"SELECT Id FROM Lead WHERE Name LIKE '{pattern}'").where  # noqa: S608  the sandbox's own
    assert [text for text in texts.split() if not like.pattern.fullmatch(text)] == []
    assert [text for text in others.split() if like.pattern.fullmatch(text)] == []


def test_a_pattern_with_many_gaps_is_answered_at_once() -> None:
    like: Any = parse(f"SELECT Id FROM Lead WHERE Name LIKE '{'%a' * 60}%b'").where  # noqa: S608  the same
    assert like.pattern.fullmatch("a" * 255) is None
    assert like.pattern.fullmatch("a" * 254 + "b")
