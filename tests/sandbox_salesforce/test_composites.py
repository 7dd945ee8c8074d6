"""Requests that hold others: composite, graph, batch and tree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from closedloop.sandbox.salesforce import Org

V = "/services/data/v62.0"


def part(reference: str, method: str, path: str, **more: Any) -> dict[str, Any]:
    return {"referenceId": reference, "method": method, "url": f"{V}{path}", **more}


def composite(http: Any, *parts: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    answer = http("POST", "/composite", json={"compositeRequest": list(parts), **more})
    assert answer.status_code == 200, answer.text
    response: list[dict[str, Any]] = answer.json()["compositeResponse"]
    return response


ACCOUNT = part("acc", "POST", "/sobjects/Account", body={"Name": 'A "quoted"\nname'})


def test_a_reference_stands_for_what_an_earlier_part_answered(http: Any, org: Org) -> None:
    people = {"records": [{"attributes": {"type": "Lead"}, "LastName": "A", "Company": "B"}]}
    done = composite(
        http,
        ACCOUNT,
        part("got", "GET", "/sobjects/Account/@{acc.id}?fields=Name,IsDeleted"),
        part("con", "POST", "/sobjects/Contact", body={"LastName": "@{got.Name}", "AccountId": "@{acc.id}"}),
        part("many", "POST", "/composite/sobjects", body=people),
        part("lead", "PATCH", "/sobjects/Lead/@{many[0].id}", body={"Title": "of @{got.Name}!"}),
        part("q", "GET", "/query?q=SELECT Id, Name FROM Contact WHERE AccountId = '@{acc.id}'"),
        part("opp", "PATCH", "/sobjects/Contact/@{q.records[0].Id}", body={"Title": "CFO"}),
    )
    assert [row["httpStatusCode"] for row in done] == [201, 200, 201, 200, 204, 200, 204]
    assert done[0]["httpHeaders"]["Location"].endswith(done[0]["body"]["id"])
    assert org.rows("Contact")[0]["LastName"] == 'A "quoted"\nname'
    assert org.rows("Lead")[0]["Title"] == 'of A "quoted"\nname!'
    assert org.rows("Contact")[0]["Title"] == "CFO"


@pytest.mark.parametrize("path", ["acc.Id", "acc[0].id", "nobody.id"])
def test_a_reference_to_nothing_halts_the_part_alone(http: Any, path: str) -> None:
    body = {"LastName": "A", "AccountId": f"@{{{path}}}"}
    done = composite(http, ACCOUNT, part("con", "POST", "/sobjects/Contact", body=body))
    name = path.partition(".")[0].partition("[")[0]
    assert [row["httpStatusCode"] for row in done] == [201, 400]
    assert done[1]["body"] == [
        {
            "errorCode": "PROCESSING_HALTED",
            "message": f"Invalid reference specified. No value for {path} found in {name}",
        }
    ]


def test_all_or_none_undoes_what_was_done(http: Any, org: Org) -> None:
    bad = part("bad", "POST", "/sobjects/Account", body={"Nonsense": 1})
    last = part("last", "GET", "/sobjects/Account/@{acc.id}")
    done = composite(http, ACCOUNT, bad, last, allOrNone=True, collateSubrequests=True)
    assert [row["body"][0]["errorCode"] for row in done] == [
        "PROCESSING_HALTED",
        "INVALID_FIELD",
        "PROCESSING_HALTED",
    ]
    assert org.rows("Account") == []


def test_parts_that_cannot_be_parts_are_not_found(http: Any, org: Org) -> None:
    done = composite(
        http,
        part("nested", "POST", "/composite", body={"compositeRequest": []}),
        part("tree", "POST", "/composite/tree/Account", body={"records": []}),
        part("job", "POST", "/jobs/query", body={}),
        part("none", "GET", "/nothing"),
        part("method", "DELETE", "/query"),
        part("lower", "get", "/limits", httpHeaders={"Authorization": "x", "If-None-Match": "y"}),
        part("broken", "GE T", "/limits"),
    )
    assert [row["httpStatusCode"] for row in done] == [404, 404, 404, 404, 405, 200, 405]
    assert org.rows("Account") == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"compositeRequest": {}},
        {"compositeRequest": [1]},
        {"compositeRequest": [{"method": "GET"}]},
        {"compositeRequest": [part("a", "GET", "/limits")] * 2},
        {"compositeRequest": [part("a.b", "GET", "/limits")]},
        {"compositeRequest": [part("_a", "GET", "/limits")]},
        {"compositeRequest": [part(f"r{n}", "GET", "/limits") for n in range(26)]},
        {"compositeRequest": [part(f"r{n}", "GET", "/query?q=x") for n in range(6)]},
    ],
    ids=["none", "object", "number", "incomplete", "twice", "dot", "underscore", "26", "6 queries"],
)
def test_a_request_that_is_no_composite_is_refused(http: Any, body: Any) -> None:
    answer = http("POST", "/composite", json=body)
    assert (answer.status_code, list(answer.json()[0])) == (400, ["message", "errorCode"])


def test_the_resources_are_listed(http: Any) -> None:
    assert http("GET", "/composite").json() == {
        name: f"{V}/composite/{name}" for name in ("tree", "batch", "sobjects", "graph")
    }


def test_a_graph_is_done_as_a_whole_or_not_at_all(http: Any, org: Org) -> None:
    contact = part("con", "POST", "/sobjects/Contact", body={"LastName": "A", "AccountId": "@{acc.id}"})
    bad = part("bad", "POST", "/sobjects/Contact", body={"AccountId": "@{acc.id}"})
    good = {"graphId": "1", "compositeRequest": [ACCOUNT, contact]}
    failing = {"graphId": "g2", "compositeRequest": [ACCOUNT, bad]}
    graphs = http("POST", "/composite/graph", json={"graphs": [good, failing]}).json()["graphs"]
    assert [list(graph) for graph in graphs] == [["graphId", "graphResponse", "isSuccessful"]] * 2
    assert [graph["isSuccessful"] for graph in graphs] == [True, False]
    first, second = (graph["graphResponse"]["compositeResponse"] for graph in graphs)
    assert [row["httpStatusCode"] for row in first] == [201, 201]
    assert [row["body"][0]["errorCode"] for row in second] == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert (len(org.rows("Account")), len(org.rows("Contact"))) == (1, 1)


@pytest.mark.parametrize(
    "graphs",
    [
        None,
        [1],
        [{"graphId": "1"}],
        [{"compositeRequest": [ACCOUNT]}],
        [{"graphId": "a.b", "compositeRequest": [ACCOUNT]}],
        [{"graphId": "1", "compositeRequest": [ACCOUNT]}] * 2,
        [{"graphId": str(n), "compositeRequest": [ACCOUNT]} for n in range(76)],
        [{"graphId": "1", "compositeRequest": [part(f"r{n}", "GET", "/sobjects/X/1") for n in range(501)]}],
        [{"graphId": "1", "compositeRequest": [part("q", "GET", "/query?q=SELECT Id FROM Lead")]}],
    ],
    ids=["none", "number", "no nodes", "no name", "dot", "twice", "76 graphs", "501 nodes", "query"],
)
def test_what_is_no_set_of_graphs_is_refused(http: Any, org: Org, graphs: Any) -> None:
    answer = http("POST", "/composite/graph", json={"graphs": graphs})
    assert (answer.status_code, list(answer.json()[0])) == (400, ["message", "errorCode"])
    assert org.rows("Account") == []


def test_a_batch_runs_each_request_on_its_own(http: Any, org: Org, lead: str) -> None:
    requests = [
        {"method": "PATCH", "url": f"v62.0/sobjects/Lead/{lead}", "richInput": {"Title": "CFO"}},
        {"method": "GET", "url": f"{V}/sobjects/Lead/{lead}?fields=Title"},
        {"method": "POST", "url": "v62.0/sobjects/Lead", "richInput": {}},
        {"method": "GET", "url": "v62.0/limits"},
    ]
    done = http("POST", "/composite/batch", json={"batchRequests": requests}).json()
    assert done["hasErrors"] is True
    assert [row["statusCode"] for row in done["results"]] == [204, 200, 400, 200]
    assert (done["results"][0]["result"], done["results"][1]["result"]["Title"]) == (None, "CFO")
    halted = http("POST", "/composite/batch", json={"haltOnError": True, "batchRequests": requests}).json()
    assert halted["results"][3] == {
        "statusCode": 412,
        "result": [
            {"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}
        ],
    }
    wrongs: list[dict[str, Any]] = [{}, {"batchRequests": [{}]}, {"batchRequests": requests * 7}]
    for wrong in wrongs:
        assert http("POST", "/composite/batch", json=wrong).status_code == 400


def node(kind: str, reference: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": kind, "referenceId": reference}, **fields}


def test_a_tree_makes_parents_and_children(http: Any, org: Org) -> None:
    tree = {
        "records": [
            node(
                "Account",
                "r1",
                Name="A",
                Contacts={
                    "records": [node("Contact", "r3", LastName="C"), node("Contact", "r4", LastName="D")]
                },
            ),
            node("Account", "r2", Name="B"),
        ]
    }
    answer = http("POST", "/composite/tree/Account/", json=tree)
    assert answer.status_code == 201
    body = answer.json()
    assert body["hasErrors"] is False
    assert [(list(row), row["referenceId"]) for row in body["results"]] == [
        (["referenceId", "id"], name) for name in ("r1", "r2", "r3", "r4")
    ]
    first = org.rows("Account")[0]["Id"]
    assert [(row["LastName"], row["AccountId"]) for row in org.rows("Contact")] == [
        ("C", first),
        ("D", first),
    ]


def test_a_tree_with_a_bad_record_makes_nothing(http: Any, org: Org) -> None:
    child = node("Contact", "r2", LastName="C", Email="123")
    tree = {"records": [node("Account", "r1", Name="A", Contacts={"records": [child]})]}
    answer = http("POST", "/composite/tree/Account", json=tree)
    assert answer.status_code == 400
    assert answer.json() == {
        "hasErrors": True,
        "results": [
            {
                "referenceId": "r2",
                "errors": [
                    {
                        "statusCode": "INVALID_EMAIL_ADDRESS",
                        "message": "Email: invalid email address: 123",
                        "fields": ["Email"],
                    }
                ],
            }
        ],
    }
    assert org.rows("Account") == []


@pytest.mark.parametrize(
    "records",
    [
        [],
        [1],
        [{"Name": "A"}],
        [node("Account", "r", Name="A")] * 2,
        [node("Contact", "r", LastName="A")],
        [node("Account", f"r{n}", Name="A") for n in range(201)],
    ],
    ids=["none", "number", "no reference", "twice", "other type", "201"],
)
def test_a_tree_that_is_none_is_refused(http: Any, org: Org, records: list[Any]) -> None:
    answer = http("POST", "/composite/tree/Account", json={"records": records})
    assert (answer.status_code, answer.json()["hasErrors"]) == (400, True)
    assert answer.json()["results"][0]["errors"][0]["statusCode"] == "INVALID_INPUT"
    assert org.rows("Account") == []


def test_a_tree_of_an_unknown_object_is_not_found(http: Any) -> None:
    assert http("POST", "/composite/tree/Nothing", json={"records": []}).status_code == 404
    assert http("POST", "/composite/tree/Account", json={}).json()[0]["errorCode"] == "JSON_PARSER_ERROR"


def test_recorded_parts_are_answered_in_the_same_shape(http: Any, org: Org, corpus: Path) -> None:
    org.insert("Account", {"Name": "Smith Corp."})
    name = "TestCompositeParallelSalesforce.test_composite_parallel_salesforce.json"
    session = json.loads((corpus / "salesforce" / "cumulusci" / name).read_text(encoding="utf-8"))
    turn = next(i for i in session["interactions"] if i["request"]["url"].endswith("/composite"))
    request = json.loads(json.dumps(turn["request"]["body"]).replace("vxx.0", "v62.0"))
    ours = http("POST", "/composite", json=request).json()
    theirs = turn["response"]["body"]
    assert shape(ours) == shape(theirs)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value)
