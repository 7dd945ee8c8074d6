"""Queries and writes over the connection: pages, composites, continuations, results of records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from closedloop.crm.salesforce.soql import Question
from closedloop.errors import AnswerError, RefusedError

QUERY = "/services/data/v62.0/query/"
COMPOSITE = "/services/data/v62.0/composite"
COLLECTION = "/services/data/v62.0/composite/sobjects"
ASK = [Question("SELECT Id FROM Lead")]


def rows(*records: dict[str, Any]) -> dict[str, Any]:
    return {"totalSize": len(records), "done": True, "records": list(records)}


def test_all_pages_of_a_query_are_read(client: Any, double: Any, laid_out: Any) -> None:
    following = "/services/data/v62.0/query/01gxx-2000"
    first = {"done": False, "records": [{"Id": "1"}], "nextRecordsUrl": following}
    double.answer("GET", QUERY, laid_out(200, first))
    double.answer("GET", following, laid_out(200, rows({"Id": "2"})))
    assert client.query(ASK) == [[{"Id": "1"}, {"Id": "2"}]]


def test_a_lost_locator_asks_the_query_anew(client: Any, double: Any, laid_out: Any) -> None:
    following = "/services/data/v62.0/query/01gxx-2000"
    first = {"done": False, "records": [{"Id": "1"}], "nextRecordsUrl": following}
    lost = [{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]
    double.answer("GET", QUERY, laid_out(200, first))
    double.answer("GET", following, laid_out(400, lost), laid_out(200, rows({"Id": "2"})))
    assert client.query(ASK) == [[{"Id": "1"}, {"Id": "2"}]]


@pytest.mark.parametrize(
    "following", [".evil.example/x", "@evil.example/", "//evil.example", "/services/x/../y"]
)
def test_a_continuation_that_leaves_the_api_is_not_followed(
    client: Any, double: Any, laid_out: Any, following: str
) -> None:
    first = {"done": False, "records": [{"Id": "1"}], "nextRecordsUrl": following}
    double.answer("GET", QUERY, laid_out(200, first))
    with pytest.raises(AnswerError):
        client.query(ASK)
    assert len(double.asked) == 2


def test_several_queries_share_a_request_and_a_long_one_leaves_the_url(
    client: Any, double: Any, laid_out: Any
) -> None:
    def part(number: int) -> dict[str, Any]:
        return {
            "body": rows({"n": number}),
            "httpHeaders": {},
            "httpStatusCode": 200,
            "referenceId": f"q{number}",
        }

    double.answer(
        "POST",
        COMPOSITE,
        laid_out(200, {"compositeResponse": [part(number) for number in (4, 3, 2, 1, 0)]}),
        laid_out(200, {"compositeResponse": [part(0)]}),
    )
    assert client.query(ASK * 6) == [[{"n": n}] for n in (0, 1, 2, 3, 4, 0)]
    assert [len(asked.json["compositeRequest"]) for asked in double.asked[1:]] == [5, 1]
    client.query([Question("SELECT Id FROM Lead WHERE Id IN (" + "x" * 2000 + ")", deleted=True)])
    (request,) = double.asked[-1].json["compositeRequest"]
    assert request["url"].startswith("/services/data/v62.0/queryAll?q=SELECT%20Id%20FROM%20Lead%20WHERE")


def test_the_error_of_a_subrequest_is_the_error(client: Any, double: Any, laid_out: Any) -> None:
    bad = [{"errorCode": "INVALID_FIELD", "message": "No such column 'X'"}]
    part = {"body": bad, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": "q1"}
    good = {"body": rows(), "httpHeaders": {}, "httpStatusCode": 200, "referenceId": "q0"}
    double.answer("POST", COMPOSITE, laid_out(200, {"compositeResponse": [good, part]}))
    with pytest.raises(RefusedError) as caught:
        client.query(ASK * 2)
    assert caught.value.code == "INVALID_FIELD"


@pytest.mark.parametrize("status", [200, 400])
def test_results_of_records_are_results_with_either_status(
    client: Any, double: Any, laid_out: Any, corpus: Path, status: int
) -> None:
    body = json.loads(
        (corpus / "salesforce" / "amp-labs" / "batch_update_contacts_err-each-no-ids.json").read_text()
    )
    double.answer("PATCH", COLLECTION, laid_out(status, body))
    assert client.update([{"id": "1"}, {"id": "2"}]) == body


def test_a_result_for_another_number_of_records_is_no_answer(client: Any, double: Any, laid_out: Any) -> None:
    double.answer("PATCH", COLLECTION, laid_out(200, [{"id": "1", "success": True, "errors": []}]))
    with pytest.raises(AnswerError):
        client.update([{"id": "1"}, {"id": "2"}])


def test_an_object_that_the_org_lacks_is_described_as_none(client: Any, double: Any, laid_out: Any) -> None:
    missing = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
    double.answer("GET", "/services/data/v62.0/sobjects/Nothing__c/describe", laid_out(404, missing))
    assert client.describe("Nothing__c") is None
    with pytest.raises(ValueError, match="no API name"):
        client.describe("../limits")
