"""What is refused of queries that can be read, with Salesforce's codes and words."""

from __future__ import annotations

import pytest
from tests.sandbox_salesforce.reading import World, filled


@pytest.fixture(scope="module")
def world() -> World:
    return filled()


SAME = "should point to the same object type"
REFUSED = [
    ("Account WHERE Id IN (SELECT AccountId FROM Contact) OR Name = 'x'", "MALFORMED_QUERY", "'OR' operator"),
    (
        "Account WHERE Name = 'x' AND (Name = 'y' OR Id IN (SELECT AccountId FROM Contact))",
        "MALFORMED_QUERY",
        "not in nested WHERE",
    ),
    ("Account WHERE NOT Id IN (SELECT AccountId FROM Contact)", "MALFORMED_QUERY", "not in nested WHERE"),
    ("Account WHERE Id IN (SELECT Id FROM Contact)", "MALFORMED_QUERY", SAME),
    ("Account WHERE OwnerId NOT IN (SELECT AccountId FROM Contact)", "MALFORMED_QUERY", SAME),
    ("Account WHERE Id IN (SELECT Name FROM Contact)", "MALFORMED_QUERY", "cannot use: 'Name'"),
    ("Contact WHERE Email IN (SELECT OwnerId FROM Lead)", "MALFORMED_QUERY", "cannot use: 'Email'"),
    ("Lead WHERE Id IN (SELECT Id FROM Lead WHERE Name = 'x')", "MALFORMED_QUERY", "on the same object type"),
    ("Account WHERE Id NOT IN (SELECT ParentId FROM Account)", "MALFORMED_QUERY", "on the same object type"),
    (
        "Account WHERE Id IN (SELECT AccountId FROM Contact WHERE Id IN (SELECT WhoId FROM Event))",
        "MALFORMED_QUERY",
        "Nesting of semi join",
    ),
    (
        " AND ".join(["Account WHERE Id = null", *["Id IN (SELECT AccountId FROM Contact)"] * 3]),
        "MALFORMED_QUERY",
        "Maximum 2 semi join",
    ),
    ("Account WHERE Id IN (SELECT AccountId FROM Contact GROUP BY AccountId)", "MALFORMED_QUERY", "'GROUP'"),
    ("Account WHERE Id IN (SELECT Foo FROM Contact)", "INVALID_FIELD", "No such column 'Foo'"),
    ("Account WHERE Id IN (SELECT AccountId FROM Foo)", "INVALID_TYPE", "'Foo' is not supported"),
    ("Account WHERE NumberOfEmployees = 'x'", "INVALID_FIELD", "must be of type int and should not"),
    ("Account WHERE CreatedDate = TODAY AND Name = TODAY", "INVALID_FIELD", "must be of type string"),
    ("Account WHERE LastActivityDate = ''", "INVALID_FIELD", "must be of type date and should not"),
    ("Account WHERE Id = 5", "INVALID_FIELD", "must be of type string and should be"),
    ("Account WHERE Id LIKE 'a%'", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on id field"),
    ("Account WHERE Name INCLUDES ('a')", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on string"),
    ("Account WHERE BillingAddress = 'x'", "INVALID_FIELD", "'BillingAddress' can not be filtered"),
    ("Account ORDER BY BillingAddress", "INVALID_FIELD", "'BillingAddress' can not be sorted"),
    ("Account ORDER BY Owner.Foo", "INVALID_FIELD", "No such column 'Foo' on entity 'User'"),
    ("Account WHERE CALENDAR_YEAR(Name) = 2026", "INVALID_FIELD", "CALENDAR_YEAR"),
    ("Lead WHERE Owner.Department = 'x'", "INVALID_FIELD", "No such column 'Department' on entity 'Name'"),
    ("Lead WHERE Owner.Manager.Name = 'x'", "INVALID_FIELD", "relationship 'Manager'"),
    ("Account USING SCOPE team", "INVALID_QUERY_SCOPE", "team"),
]


@pytest.mark.parametrize(("rest", "code", "words"), REFUSED, ids=[rest for rest, _, _ in REFUSED])
def test_a_condition_is_refused_and_pointed_at(world: World, rest: str, code: str, words: str) -> None:
    answer = world.get("/query", query_string={"q": f"SELECT Id FROM {rest}"})  # noqa: S608
    assert answer.status_code == 400
    (error,) = answer.get_json()
    assert (error["errorCode"], words in error["message"]) == (code, True), error
    assert "\nERROR at Row:1:Column:" in error["message"]


SELECTS = [
    ("Id, CALENDAR_YEAR(CreatedDate) y FROM Account ORDER BY CreatedDate", "Ordered field must be grouped"),
    ("CALENDAR_YEAR(CreatedDate) FROM Account", "Field must be grouped or aggregated: CreatedDate"),
    ("MAX(Name) a, MIN(Name) a FROM Account", "duplicate alias: a"),
    ("COUNT(IsDeleted) FROM Account", "IsDeleted does not support aggregate operator COUNT"),
    ("COUNT(Description) FROM Account", "Description does not support aggregate operator COUNT"),
    ("AVG(CreatedDate) FROM Account", "CreatedDate does not support aggregate operator AVG"),
    ("(SELECT COUNT(Id) FROM Contacts) FROM Account", "only root queries support aggregate expressions"),
    ("(SELECT Name n FROM Contacts) FROM Account", "only aggregate expressions use field aliasing"),
    ("GROUPING(Type) FROM Account GROUP BY Type", "Field must be grouped"),
    ("COUNT(Id) FROM Account GROUP BY CUBE(Type, Name, Phone, Fax)", "up to 3 fields"),
    ("COUNT(Id), (SELECT Id FROM Contacts) FROM Account", "no child queries"),
    ("FIELDS(CUSTOM) FROM Account LIMIT 201", "must have a LIMIT of at most 200"),
    ("Id, (SELECT FIELDS(ALL) FROM Contacts) FROM Account LIMIT 5", "must have a LIMIT of at most 200"),
]


@pytest.mark.parametrize(("rest", "words"), SELECTS, ids=[rest for rest, _ in SELECTS])
def test_a_selection_is_refused(world: World, rest: str, words: str) -> None:
    (error,) = world.get("/query", query_string={"q": f"SELECT {rest}"}).get_json()
    assert error["errorCode"] == "MALFORMED_QUERY"
    assert words in error["message"]
