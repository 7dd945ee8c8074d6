"""What queries find, in which order, and how the records look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from closedloop.sandbox.salesforce import Org


@pytest.fixture
def deals(org: Org) -> dict[str, str]:
    """Four opportunities, by name; the amount and the campaign of one are unknown."""
    web = org.insert("Campaign", {"Name": "Web"})
    fair = org.insert("Campaign", {"Name": "Fair"})
    rows: list[tuple[str, str, Any, str, str | None, int]] = [
        ("alpha", "Closed Won", 100, "2026-11-20", web, 1),
        ("Beta", "Closed Lost", "250.50", "2026-11-10", web, 2),
        ("gamma", "Prospecting", None, "2026-12-01", fair, 3),
        ("Delta 100%", "Closed Lost", 50, "2025-11-20", None, 4),
    ]
    return {
        name: org.insert(
            "Opportunity",
            {
                "Name": name,
                "StageName": stage,
                "Amount": amount,
                "CloseDate": close,
                "CampaignId": campaign,
                "Loss_Reason__c": "Price" if stage == "Closed Lost" else None,
            },
            at=datetime(2026, 10, day, 12, tzinfo=UTC),
        )
        for name, stage, amount, close, campaign, day in rows
    }


CONDITIONS = [
    ("Name = 'BETA'", "Beta"),
    ("Name != 'beta'", "alpha gamma Delta"),
    ("Name LIKE '%a'", "alpha Beta gamma"),
    ("Name LIKE '_eta'", "Beta"),
    (r"Name LIKE '%100\%'", "Delta"),
    (r"Name LIKE '%1\%'", ""),
    ("Name IN ('alpha', 'GAMMA')", "alpha gamma"),
    ("Name NOT IN ('alpha', 'GAMMA')", "Beta Delta"),
    ("NOT Name = 'alpha'", "Beta gamma Delta"),
    ("(NOT Name = 'alpha') AND IsClosed = TRUE", "Beta Delta"),
    ("Amount > 50", "alpha Beta"),
    ("Amount >= 50.0 AND Amount < 250.5", "alpha Delta"),
    ("Amount <> 100", "Beta gamma Delta"),
    ("Amount = NULL", "gamma"),
    ("Amount != null", "alpha Beta Delta"),
    ("Amount IN (100, 50)", "alpha Delta"),
    ("IsWon = true", "alpha"),
    ("IsWon != TRUE", "Beta gamma Delta"),
    ("CloseDate = 2026-11-20", "alpha"),
    ("CloseDate = TODAY", "alpha"),
    ("CloseDate < TODAY", "Beta Delta"),
    ("CloseDate = THIS_MONTH", "alpha Beta"),
    ("CloseDate = LAST_YEAR", "Delta"),
    ("CloseDate > LAST_N_DAYS:5", "gamma"),
    ("CloseDate = LAST_N_DAYS:10", "alpha Beta"),
    ("CreatedDate >= 2026-10-02T12:00:00Z AND CreatedDate < 2026-10-04T14:00:00+02:00", "Beta gamma"),
    ("CreatedDate = LAST_MONTH", "alpha Beta gamma Delta"),
    ("CALENDAR_YEAR(CloseDate) = 2025", "Delta"),
    ("Campaign.Name = 'web'", "alpha Beta"),
    ("Campaign.Name = NULL", "Delta"),
    ("Owner.Name LIKE 'Ada%'", "alpha Beta gamma Delta"),
    ("CampaignId IN (SELECT Id FROM Campaign WHERE Name = 'Web')", "alpha Beta"),
    ("CampaignId NOT IN (SELECT Id FROM Campaign WHERE Name = 'Web') AND CampaignId != null", "gamma"),
    ("Loss_Reason__c = 'Price' AND (Amount > 60 OR CampaignId = NULL)", "Beta Delta"),
    ("Opportunity.Name = 'Beta'", "Beta"),
    ("Loss_Reason__c = ''", "alpha gamma"),
]


@pytest.mark.parametrize(("condition", "names"), CONDITIONS)
def test_a_condition_finds(http: Any, deals: dict[str, str], condition: str, names: str) -> None:
    rows = http.records(f"SELECT Name FROM Opportunity WHERE {condition}")  # noqa: S608  the sandbox's own
    assert [row["Name"].removesuffix(" 100%") for row in rows] == names.split()


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("Name", "alpha Beta Delta gamma"),
        ("Name DESC", "gamma Delta Beta alpha"),
        ("Amount", "gamma Delta alpha Beta"),
        ("Amount DESC", "Beta alpha Delta gamma"),
        ("Amount NULLS LAST", "Delta alpha Beta gamma"),
        ("Amount DESC NULLS FIRST", "gamma Beta alpha Delta"),
        ("StageName, Name", "Beta Delta alpha gamma"),
        ("StageName DESC, Name DESC", "gamma alpha Delta Beta"),
        ("Campaign.Name, Name DESC", "Delta gamma Beta alpha"),
        ("Name LIMIT 2", "alpha Beta"),
        ("Name LIMIT 2 OFFSET 1", "Beta Delta"),
        ("Name OFFSET 3", "gamma"),
    ],
)
def test_an_order_is_kept(http: Any, deals: dict[str, str], order: str, names: str) -> None:
    rows = http.records(f"SELECT Name FROM Opportunity ORDER BY {order}")  # noqa: S608  the sandbox's own
    assert [row["Name"].removesuffix(" 100%") for row in rows] == names.split()


def test_a_keyset_reads_on_where_the_last_page_ended(http: Any, org: Org) -> None:
    at = datetime(2026, 10, 1, tzinfo=UTC)
    made = [org.insert("Lead", {"LastName": f"L{n}", "Company": "C"}, at=at) for n in range(5)]
    later = org.insert("Lead", {"LastName": "later", "Company": "C"})
    soql = (
        "SELECT Id FROM Lead WHERE (SystemModstamp = 2026-10-01T00:00:00Z AND Id > '{}') "
        "OR SystemModstamp > 2026-10-01T00:00:00Z ORDER BY SystemModstamp, Id"
    )
    rows = http.records(soql.format(made[2]))
    assert [row["Id"] for row in rows] == [*made[3:], later]


def test_ids_are_compared_in_either_form(http: Any, deals: dict[str, str]) -> None:
    short = deals["Beta"][:15]
    for condition in (f"Id = '{short}'", f"Id IN ('{short}')"):
        soql = f"SELECT Id, Name FROM Opportunity WHERE {condition}"  # noqa: S608  the sandbox's own
        assert http.records(soql) == [{"Id": deals["Beta"], "Name": "Beta"}]


def test_parents_are_objects_and_missing_ones_null(http: Any, deals: dict[str, str]) -> None:
    rows = http.query("SELECT Name, Campaign.Name, Campaign.Owner.Name FROM Opportunity ORDER BY Name")[
        "records"
    ]
    campaign = rows[0]["Campaign"]
    assert campaign["attributes"]["type"] == "Campaign"
    assert campaign["Name"] == "Web"
    assert campaign["Owner"]["Name"] == "Ada Admin"
    assert rows[2]["Campaign"] is None


def test_a_parent_of_several_kinds_shows_as_a_name(http: Any, org: Org, lead: str) -> None:
    queue = org.insert("Group", {"Name": "Inbound", "Type": "Queue"})
    org.update("Lead", lead, {"OwnerId": queue})
    row = http.query("SELECT Owner.Name, Owner.Type FROM Lead")["records"][0]["Owner"]
    assert row["attributes"]["type"] == "Name"
    assert row["attributes"]["url"].endswith(f"/Group/{queue}")
    assert row["Name"] == "Inbound"


def test_children_come_with_their_own_conditions(http: Any, deals: dict[str, str]) -> None:
    rows = http.query(
        "SELECT Name, (SELECT Name, Amount FROM Opportunities WHERE IsWon = false ORDER BY Name LIMIT 1) "
        "FROM Campaign ORDER BY Name DESC"
    )["records"]
    assert [r["Opportunities"] and r["Opportunities"]["records"][0]["Name"] for r in rows] == [
        "Beta",
        "gamma",
    ]


def test_without_children_the_relationship_is_null(http: Any, campaign: str) -> None:
    assert http.records("SELECT (SELECT Id FROM CampaignMembers) FROM Campaign") == [
        {"CampaignMembers": None}
    ]


AGGREGATES = [
    ("COUNT(Id)", [{"expr0": 4}]),
    ("COUNT(Amount) n, SUM(Amount), MAX(Name) most", [{"n": 3, "expr0": 400.5, "most": "gamma"}]),
    ("AVG(Amount) mean, MIN(CloseDate)", [{"mean": 133.5, "expr0": "2025-11-20"}]),
    ("COUNT_DISTINCT(StageName) n", [{"n": 3}]),
]


@pytest.mark.parametrize(("select", "rows"), AGGREGATES)
def test_aggregates_are_computed(http: Any, deals: dict[str, str], select: str, rows: Any) -> None:
    soql = f"SELECT {select} FROM Opportunity"  # noqa: S608  the sandbox's own
    assert http.records(soql) == rows
    assert http.query(soql)["records"][0]["attributes"] == {"type": "AggregateResult"}


def test_groups_are_counted_filtered_and_ordered(http: Any, deals: dict[str, str]) -> None:
    rows = http.records(
        "SELECT CampaignId, IsWon, COUNT(Id) n, SUM(Amount) total FROM Opportunity WHERE CampaignId != null "
        "GROUP BY CampaignId, IsWon ORDER BY SUM(Amount) DESC NULLS LAST"
    )
    assert [(row["IsWon"], row["n"], row["total"]) for row in rows] == [
        (False, 1, 250.5),
        (True, 1, 100.0),
        (False, 1, None),
    ]
    busy = "SELECT StageName, COUNT(Id) n FROM Opportunity GROUP BY StageName HAVING COUNT(Id) > 1"
    assert http.records(busy) == [{"StageName": "Closed Lost", "n": 2}]
    parents = (
        "SELECT Campaign.Name, COUNT(Id) n FROM Opportunity GROUP BY Campaign.Name ORDER BY Campaign.Name"
    )
    assert [row["Name"] for row in http.records(parents)] == [None, "Fair", "Web"]


def test_no_rows_aggregate_to_one_row_without_groups_and_to_none_with(http: Any) -> None:
    assert http.records("SELECT COUNT(Id) n, SUM(Amount) s FROM Opportunity") == [{"n": 0, "s": None}]
    assert http.records("SELECT StageName, COUNT(Id) FROM Opportunity GROUP BY StageName") == []


def test_count_has_a_total_and_no_records(http: Any, deals: dict[str, str]) -> None:
    assert http.query("SELECT COUNT() FROM Opportunity WHERE IsWon = false") == {
        "totalSize": 3,
        "done": True,
        "records": [],
    }


def test_fields_functions_stand_for_many_fields(http: Any, campaign: str) -> None:
    row = http.query("SELECT FIELDS(CUSTOM) FROM Campaign LIMIT 200")["records"][0]
    assert len(row) == 1 + 11
    assert "Name" in http.query("SELECT FIELDS(STANDARD) FROM Campaign")["records"][0]


REFUSED = [
    ("SELECT Foo FROM Lead", "INVALID_FIELD", "No such column 'Foo' on entity 'Lead'. If you are attempting"),
    ("SELECT Id FROM Lead WHERE Foo = 1", "INVALID_FIELD", "No such column 'Foo' on entity 'Lead'."),
    ("SELECT Id FROM Foo", "INVALID_TYPE", "sObject type 'Foo' is not supported. If you are attempting"),
    ("SELECT Foo.Name FROM Lead", "INVALID_FIELD", "Didn't understand relationship 'Foo' in field path."),
    (
        "SELECT (SELECT Id FROM Foos) FROM Lead",
        "INVALID_TYPE",
        "Didn't understand relationship 'Foos' in FROM part",
    ),
    ("SELECT (SELECT Foo FROM CampaignMembers) FROM Lead", "INVALID_FIELD", "No such column 'Foo' on entity"),
    ("SELECT Id FROM Lead WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: x"),
    (
        "SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01'",
        "INVALID_FIELD",
        "must be of type dateTime and should not be enclosed in quotes",
    ),
    (
        "SELECT Id FROM Lead WHERE Name = 5",
        "INVALID_FIELD",
        "must be of type string and should be enclosed in quotes",
    ),
    ("SELECT Id FROM Opportunity WHERE Amount = '5'", "INVALID_FIELD", "must be of type double"),
    (
        "SELECT Id FROM Opportunity WHERE CloseDate > 2026-01-01T00:00:00Z",
        "INVALID_FIELD",
        "must be of type date",
    ),
    ("SELECT Id FROM Opportunity WHERE IsWon = 'true'", "INVALID_FIELD", "must be of type boolean"),
    (
        "SELECT Id FROM Lead WHERE Description = 'x'",
        "INVALID_FIELD",
        "field 'Description' can not be filtered",
    ),
    ("SELECT Id FROM Lead ORDER BY Description", "INVALID_FIELD", "field 'Description' can not be sorted"),
    (
        "SELECT COUNT(Id) FROM Opportunity GROUP BY Amount",
        "INVALID_FIELD",
        "field 'Amount' can not be grouped",
    ),
    ("SELECT Name, COUNT(Id) FROM Lead", "MALFORMED_QUERY", "Field must be grouped or aggregated: Name"),
    ("SELECT LeadSourceCOUNT(Name) FROM Lead GROUP BY LeadSource", "MALFORMED_QUERY", "LeadSourceCOUNT"),
    ("SELECT Name n FROM Lead", "MALFORMED_QUERY", "only aggregate expressions use field aliasing"),
    ("SELECT Id, Id FROM Lead", "INVALID_FIELD", "duplicate field selected: Id"),
    ("SELECT SUM(Name) FROM Lead", "MALFORMED_QUERY", "does not support aggregate operator SUM"),
    ("SELECT Id FROM Lead OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"),
    ("SELECT FIELDS(ALL) FROM Lead", "MALFORMED_QUERY", "must have a LIMIT of at most 200"),
    ("SELECT Id FROM Lead WHERE IsConverted > true", "INVALID_QUERY_FILTER_OPERATOR", "on boolean field"),
    ("SELECT Id FROM Lead WHERE IsConverted LIKE 'x'", "INVALID_QUERY_FILTER_OPERATOR", "on boolean field"),
    ("SELECT Id FROM Lead USING SCOPE my_territory", "INVALID_QUERY_SCOPE", "scope"),
    ("SELECT Id FROM Lead WHERE Id IN (SELECT Id, Name FROM Lead)", "MALFORMED_QUERY", "exactly one field"),
]


REFUSED += [
    (
        "SELECT Id FROM Lead WHERE * Name = 'x'".replace("*", "(NOT " * 1500),
        "QUERY_TOO_COMPLICATED",
        "too complicated",
    ),
    ("SELECT Id FROM Lead WHERE CreatedDate > LAST_N_DAYS:99999999999", "NUMBER_OUTSIDE_VALID_RANGE", "days"),
    ("SELECT Id FROM Lead WHERE CreatedDate > LAST_N_YEARS:9999", "NUMBER_OUTSIDE_VALID_RANGE", "days"),
    ("SELECT Id FROM Lead LIMIT *".replace("*", "9" * 5000), "MALFORMED_QUERY", "unexpected token"),
    ("SELECT Id\u2028FROM\x0bLead\x85?", "MALFORMED_QUERY", "unexpected token"),
]


@pytest.mark.parametrize(("soql", "code", "words"), REFUSED)
def test_a_query_is_refused(http: Any, soql: str, code: str, words: str) -> None:
    answer = http("GET", "/query", params={"q": soql})
    assert answer.status_code == 400
    (error,) = answer.json()
    assert error["errorCode"] == code
    assert words in error["message"]
