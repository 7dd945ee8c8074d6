"""What searches find, and how the answers and refusals look."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.sandbox_salesforce.reading import World
from werkzeug.test import Client

from closedloop.sandbox.salesforce import SalesforceSandbox


@pytest.fixture(scope="module")
def world() -> World:
    world = World(SalesforceSandbox())
    insert, ids = world.sandbox.org.insert, world.ids
    ids["acme"] = insert("Account", {"Name": "Acme GmbH", "Phone": "+49 30 1234", "Industry": "Energy"})
    ids["acorn"] = insert("Account", {"Name": "Acorn & Sons", "Description": "sells to Acme, mostly"})
    ids["jane"] = insert(
        "Contact",
        {"FirstName": "Jane", "LastName": "Doe", "Email": "jane.doe@acme.example", "AccountId": ids["acme"]},
    )
    ids["lead"] = insert("Lead", {"LastName": "Müller", "Company": "ACME", "Title": "Jane of all trades"})
    ids["deal"] = insert(
        "Opportunity", {"Name": "Acme renewal", "StageName": "Prospecting", "CloseDate": "2026-12-31"}
    )
    gone = insert("Account", {"Name": "Acme was here"})
    world.sandbox.org.delete("Account", gone)
    return world


def search(world: World, sosl: str, **options: Any) -> Any:
    return world.get("/search", query_string={"q": sosl}, **options)


def found(world: World, sosl: str) -> list[str]:
    """The names that we gave the records found."""
    answer = search(world, sosl)
    assert answer.status_code == 200, answer.text
    names = {record_id: name for name, record_id in world.ids.items()}
    return [names[row["attributes"]["url"].rpartition("/")[2]] for row in answer.get_json()["searchRecords"]]


TERMS = [
    ("{Acme}", "acme acorn jane lead deal"),
    ("{ACME} RETURNING Account", "acme acorn"),
    ("{acme} IN NAME FIELDS", "acme lead deal"),
    ("{acme} IN EMAIL FIELDS", "jane"),
    ("{1234} IN PHONE FIELDS", "acme"),
    ("{acme} IN SIDEBAR FIELDS RETURNING Account, Contact", "acme jane"),
    ("{Acme GmbH}", "acme"),
    ("{GmbH Acme}", "acme"),
    ('{"Acme GmbH"}', "acme"),
    ('{"GmbH Acme"}', ""),
    ("{Acme AND Sons}", "acorn"),
    ("{GmbH OR renewal}", "acme deal"),
    ("{Acme AND NOT renewal} IN ALL FIELDS RETURNING Opportunity, Account", "acme acorn"),
    ("{(GmbH OR Sons) AND (Acme AND NOT mostly)}", "acme"),
    ("{ac*} IN NAME FIELDS RETURNING Account", "acme acorn"),
    ("{ac?e} IN NAME FIELDS RETURNING Account", "acme"),
    ("{a*n} RETURNING Account", "acorn"),
    ("{acm}", ""),
    ("{müller}", "lead"),
    ("{jane.doe@acme.example}", "jane"),
    ("{Acorn \\& Sons}", "acorn"),
    ("{Energy}", ""),
    ("{was here}", ""),
    ("{Acme} RETURNING Contact(Id WHERE Account.Name LIKE 'acme%'), Lead", "jane lead"),
    ("{Acme} RETURNING Account(Id ORDER BY Name DESC)", "acorn acme"),
    ("{Acme} RETURNING Account(Id ORDER BY Name DESC LIMIT 1)", "acorn"),
    ("{Acme} RETURNING Account(Id ORDER BY Name LIMIT 1 OFFSET 1)", "acorn"),
    ("{Acme} RETURNING Account, Lead, Contact LIMIT 3", "acme acorn lead"),
    (
        "{Acme} RETURNING Lead WITH HIGHLIGHT WITH SNIPPET (target_length=120) UPDATE TRACKING, VIEWSTAT",
        "lead",
    ),
    ("{Acme} RETURNING Lead WITH DIVISION = 'global' WITH NETWORK IN ('a', 'b') LIMIT 5", "lead"),
]


@pytest.mark.parametrize(("rest", "names"), TERMS, ids=[rest for rest, _ in TERMS])
def test_a_search_finds(world: World, rest: str, names: str) -> None:
    assert found(world, f"FIND {rest}") == names.split()


def test_an_answer_has_the_fields_asked_for(world: World) -> None:
    (row,) = search(
        world, "find {jane} in name fields returning Contact(Name, Account.Name, toLabel(LeadSource) source)"
    ).get_json()["searchRecords"]
    assert row == {
        "attributes": {
            "type": "Contact",
            "url": f"/services/data/v62.0/sobjects/Contact/{world.ids['jane']}",
        },
        "Name": "Jane Doe",
        "Account": {
            "attributes": {
                "type": "Account",
                "url": f"/services/data/v62.0/sobjects/Account/{world.ids['acme']}",
            },
            "Name": "Acme GmbH",
        },
        "source": None,
    }
    (plain,) = search(world, "FIND {renewal}").get_json()["searchRecords"]
    assert (set(plain), plain["Id"]) == ({"attributes", "Id"}, world.ids["deal"])


def test_labels_come_where_they_are_asked_for(world: World) -> None:
    body = search(world, "FIND {gmbh} RETURNING Account(Name) WITH METADATA='LABELS'").get_json()
    assert body["metadata"]["entityMetadata"] == [
        {"entityName": "Account", "fieldMetadata": [{"name": "Name", "label": "Account Name"}]}
    ]


def test_what_was_written_since_is_found(world: World) -> None:
    org = world.sandbox.org
    assert found(world, "FIND {zephyr}") == []
    world.ids["new"] = org.insert("Account", {"Name": "Zephyr"})
    assert found(world, "FIND {zephyr}") == ["new"]
    org.update("Account", world.ids["new"], {"Name": "Boreas"})
    assert found(world, "FIND {zephyr}") == []
    assert found(world, "FIND {boreas}") == ["new"]
    org.delete("Account", world.ids["new"])
    assert found(world, "FIND {boreas}") == []


REFUSED = [
    ("", "MALFORMED_SEARCH", "The search term must be enclosed in braces"),
    ("FIND 'Acme'", "MALFORMED_SEARCH", "The search term must be enclosed in braces"),
    ("FIND {}", "INVALID_SEARCH", "longer than one character"),
    ("FIND {A}", "INVALID_SEARCH", "longer than one character: A"),
    ("FIND {*}", "INVALID_SEARCH", "longer than one character"),
    ("FIND {(Acme}", "MALFORMED_SEARCH", "No search term found"),
    ("FIND {--}", "MALFORMED_SEARCH", "No search term found"),
    ("FIND {Acme} IN FOO FIELDS", "MALFORMED_SEARCH", "unexpected token: 'FOO'"),
    ("FIND {Acme} IN NAME", "MALFORMED_SEARCH", "unexpected token: '<EOF>'"),
    ("FIND {Acme} RETURNING", "MALFORMED_SEARCH", "unexpected token: '<EOF>'"),
    ("FIND {Acme} RETURNING Account(", "MALFORMED_SEARCH", "unexpected token"),
    ("FIND {Acme} RETURNING Account()", "MALFORMED_SEARCH", "unexpected token: ')'"),
    ("FIND {Acme} RETURNING Account(Id LIMIT x)", "MALFORMED_SEARCH", "unexpected token: 'x'"),
    ("FIND {Acme} LIMIT", "MALFORMED_SEARCH", "unexpected token: '<EOF>'"),
    ("FIND {Acme} WITH FOO", "MALFORMED_SEARCH", "unexpected token: 'FOO'"),
    ("FIND {Acme} and more", "MALFORMED_SEARCH", "unexpected token: 'and'"),
    ("SELECT Id FROM Account", "MALFORMED_SEARCH", "No search term found"),
    ("FIND {Acme} RETURNING Foo", "INVALID_TYPE", "sObject type 'Foo' is not supported"),
    ("FIND {Acme} RETURNING Account(Foo)", "INVALID_FIELD", "No such column 'Foo' on entity 'Account'"),
    ("FIND {Acme} RETURNING Account(Id WHERE Foo = 1)", "INVALID_FIELD", "No such column 'Foo'"),
    (
        "FIND {Acme} RETURNING Account(Id WHERE Id IN (SELECT AccountId FROM Contact))",
        "MALFORMED_SEARCH",
        "'SELECT'",
    ),
]


@pytest.mark.parametrize(("sosl", "code", "words"), REFUSED, ids=[sosl for sosl, _, _ in REFUSED])
def test_a_search_is_refused(world: World, sosl: str, code: str, words: str) -> None:
    answer = search(world, sosl)
    assert answer.status_code == 400
    (error,) = answer.get_json()
    assert (error["errorCode"], words in error["message"]) == (code, True), error


def test_a_search_needs_its_parameter_and_a_session(world: World) -> None:
    assert world.get("/search").get_json()[0]["errorCode"] == "MALFORMED_SEARCH"
    answer = search(world, "FIND {acme}", headers={"Authorization": "Bearer no"})
    assert (answer.status_code, answer.get_json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")


def test_parameters_in_the_address_make_a_search(world: World) -> None:
    def asked(address: str) -> list[dict[str, Any]]:
        body = world.get(f"/parameterizedSearch/?{address}").get_json()
        return [
            {k: v for k, v in row.items() if k != "attributes"} | {"type": row["attributes"]["type"]}
            for row in body["searchRecords"]
        ]

    ids = world.ids
    assert asked("q=gmbh") == [{"type": "Account", "Id": ids["acme"]}]
    assert asked("q=Acme&sobject=Account&Account.fields=id,name&Account.limit=1") == [
        {"type": "Account", "Id": ids["acme"], "Name": "Acme GmbH"}
    ]
    assert asked("q=Acme&sobject=Contact&sobject=Lead&fields=id&defaultLimit=1&overallLimit=1") == [
        {"type": "Contact", "Id": ids["jane"]}
    ]
    assert asked("q=Acme&in=EMAIL") == [{"type": "Contact", "Id": ids["jane"]}]
    assert asked("q=Acme&sobject=Account&Account.where=Name+LIKE+'%25sons'") == [
        {"type": "Account", "Id": ids["acorn"]}
    ]


def post(world: World, body: Any) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body)
    headers = {"Authorization": f"Bearer {world.sandbox.access_token}", "Content-Type": "application/json"}
    return Client(world.sandbox.api).post(
        "/services/data/v62.0/parameterizedSearch", headers=headers, data=data
    )


def test_parameters_in_a_body_make_a_search(world: World) -> None:
    body = {
        "q": "Acme",
        "fields": ["id", "name"],
        "sobjects": [{"name": "Account", "where": "Phone != null"}, {"name": "Lead", "fields": ["Company"]}],
        "in": "ALL",
        "overallLimit": 100,
        "defaultLimit": 10,
        "metadata": "LABELS",
    }
    answer = post(world, body)
    assert answer.status_code == 200
    first, second = answer.get_json()["searchRecords"]
    assert (first["Id"], first["Name"]) == (world.ids["acme"], "Acme GmbH")
    assert second["Company"] == "ACME"
    assert [e["entityName"] for e in answer.get_json()["metadata"]["entityMetadata"]] == ["Account", "Lead"]


WRONG: list[tuple[Any, str]] = [
    (b"{", "JSON_PARSER_ERROR"),
    (b"", "JSON_PARSER_ERROR"),
    ([], "JSON_PARSER_ERROR"),
    ({}, "MALFORMED_SEARCH"),
    ({"q": ""}, "MALFORMED_SEARCH"),
    ({"q": 5}, "MALFORMED_SEARCH"),
    ({"q": "Acme", "in": "FOO"}, "MALFORMED_SEARCH"),
    ({"q": "Acme", "sobjects": "Account"}, "MALFORMED_SEARCH"),
    ({"q": "Acme", "sobjects": ["Account"]}, "MALFORMED_SEARCH"),
    ({"q": "Acme", "sobjects": [{"name": "Foo"}]}, "INVALID_TYPE"),
    ({"q": "Acme", "sobjects": [{"name": "Account) LIMIT 1"}]}, "MALFORMED_SEARCH"),
    ({"q": "Acme", "sobjects": [{"name": "Account", "fields": ["Foo"]}]}, "INVALID_FIELD"),
    ({"q": "Acme", "sobjects": [{"name": "Account", "fields": "Id"}]}, "MALFORMED_SEARCH"),
    ({"q": "Acme", "sobjects": [{"name": "Account", "limit": "x"}]}, "MALFORMED_SEARCH"),
    ({"q": "Acme", "sobjects": [{"name": "Account"}], "defaultLimit": 2001}, "MALFORMED_SEARCH"),
    ({"q": "Acme", "overallLimit": -1}, "MALFORMED_SEARCH"),
    ({"q": "Acme", "sobjects": [{"name": "Account", "where": "Name ="}]}, "MALFORMED_SEARCH"),
]


@pytest.mark.parametrize(("body", "code"), WRONG, ids=[str(body) for body, _ in WRONG])
def test_wrong_parameters_are_refused(world: World, body: Any, code: str) -> None:
    answer = post(world, body)
    assert (answer.status_code, answer.get_json()[0]["errorCode"]) == (400, code)


def test_braces_in_a_parameter_are_text(world: World) -> None:
    answer = post(world, {"q": "Acme} RETURNING Account {GmbH", "sobjects": [{"name": "Account"}]})
    assert (answer.status_code, answer.get_json()["searchRecords"]) == (200, [])


def test_the_vendors_client_searches(client: Any, lead: str) -> None:
    assert [row["Id"] for row in client.search("FIND {Lena}")["searchRecords"]] == [lead]
    assert [row["Id"] for row in client.quick_search("Lead")["searchRecords"]] == [lead]
