"""The defects of simple-salesforce 1.12.10, each found by running it: none of them reaches our users."""

from __future__ import annotations

import ast
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import closedloop.crm.salesforce as package
from closedloop.crm.raw import Raw
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.crm.salesforce.client import DEADLINE, TIMEOUTS, Client
from closedloop.crm.salesforce.soql import Question, one_of, quoted
from closedloop.errors import AuthenticationError, BadValueError

ROOT = "/services/data/v62.0"
QUERY = f"{ROOT}/query/"
TOKEN = "/services/oauth2/token"
ASK = [Question("SELECT Id FROM Lead")]
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
PATHS = [
    "sobjects/Lead/00Q000000000001EAA",
    "jobs/ingest",
    "jobs/query",
    "composite",
    "limits",
    "tooling/query/",
]


@pytest.mark.parametrize("path", PATHS)
def test_d1_a_new_token_that_is_refused_too_does_not_go_round_in_circles(
    client: Client, double: Any, laid_out: Any, path: str
) -> None:
    double.answer("GET", f"{ROOT}/{path}", laid_out(401, EXPIRED))
    with pytest.raises(AuthenticationError):
        Raw(client).get(path)
    assert double.paths() == [f"POST {TOKEN}", f"GET {ROOT}/{path}"] * 2


def test_d2_the_callers_headers_survive_a_renewal(client: Client, double: Any, laid_out: Any) -> None:
    path = f"{ROOT}/sobjects/Lead"
    double.answer("POST", path, laid_out(401, EXPIRED), laid_out(201, {"id": "1", "success": True}))
    client.request(
        "POST", "sobjects/Lead", body={}, headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    )
    asked = [each.headers for each in double.asked if each.path == path]
    assert [each["sforce-duplicate-rule-header"] for each in asked] == ["allowSave=true"] * 2


def test_d2_the_callers_headers_cannot_replace_the_token(client: Client, double: Any, laid_out: Any) -> None:
    double.answer("GET", f"{ROOT}/limits", laid_out(200, {}))
    client.request(
        "GET", "limits", headers={"authorization": "Bearer other", "Authorization": "Bearer third"}
    )
    assert double.asked[-1].headers["authorization"] == "Bearer token-1"


@pytest.mark.parametrize("path", [*PATHS, "/services/apexrest/mine", "/services/async/62.0/job"])
def test_d3_and_d5_after_a_renewal_every_address_is_the_new_hosts_with_the_new_token(
    client: Client, double: Any, laid_out: Callable[..., Any], path: str
) -> None:
    moved = double.url.replace("127.0.0.1", "localhost")
    double.answer(
        "POST", TOKEN,
        laid_out(200, {"access_token": "one", "instance_url": double.url}),
        laid_out(200, {"access_token": "two", "instance_url": moved}),
    )  # fmt: skip
    whole = path if path.startswith("/") else f"{ROOT}/{path}"
    double.answer("GET", whole, laid_out(200, {}), laid_out(401, EXPIRED), laid_out(200, {}))
    for _ in range(3):
        client.request("GET", path)
    asked = [each.headers for each in double.asked if each.path == whole]
    assert [(each["host"].partition(":")[0], each["authorization"]) for each in asked] == [
        ("127.0.0.1", "Bearer one"), ("127.0.0.1", "Bearer one"),
        ("localhost", "Bearer two"), ("localhost", "Bearer two"),
    ]  # fmt: skip


@pytest.mark.parametrize("body", [{"error": "x"}, {}, [], "<html>Who?</html>", "", "null", "5", [5], b"\xff"])
def test_d4_a_401_of_any_shape_is_an_authentication_error(
    client: Client, double: Any, laid_out: Any, body: Any
) -> None:
    double.answer("GET", f"{ROOT}/limits", laid_out(401, body))
    with pytest.raises(AuthenticationError):
        client.get("limits")


def test_d6_there_are_timeouts_and_a_deadline_without_asking_for_them(
    double: Any, laid_out: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    seen: list[tuple[float, float]] = []
    send = requests.Session.send

    def noting(self: requests.Session, *args: Any, **kwargs: Any) -> requests.Response:
        seen.append(kwargs["timeout"])
        return send(self, *args, **kwargs)

    monkeypatch.setattr(requests.Session, "send", noting)
    double.answer("POST", TOKEN, laid_out(200, {"access_token": "t", "instance_url": double.url}))
    double.answer("GET", QUERY, laid_out(503), laid_out(200, {"done": True, "records": []}))
    credentials = SalesforceCredentials(login_url=double.url, client_id="i", client_secret="s")
    Client(credentials).query(ASK)
    assert seen == [TIMEOUTS] * 3
    assert sum(TIMEOUTS) < DEADLINE < float("inf")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", [200, 404, 500])
def test_d7_and_d8_the_usage_is_known_from_every_answer_in_any_order(
    client: Client, double: Any, laid_out: Any, path: str, status: int
) -> None:
    header = {"Sforce-Limit-Info": "per-app-api-usage=17/250(appName=sample); api-usage=18/5000"}
    double.answer("GET", f"{ROOT}/{path}", laid_out(status, {}, header))
    try:
        client.request("GET", path, repeatable=False)
    except Exception:  # noqa: BLE001 - which one is told elsewhere
        assert status != 200
    assert (client.quota.used, client.quota.total) == (18, 5000)


def test_d9_numbers_are_exact_on_every_way_in_and_out(client: Client, double: Any, laid_out: Any) -> None:
    path = f"{ROOT}/sobjects/Opportunity/006000000000001AAA"
    double.answer("GET", path, laid_out(200, '{"Amount": 0.10}'))
    double.answer("PATCH", path, laid_out(204))
    found = client.get("sobjects/Opportunity/006000000000001AAA")
    assert (found["Amount"], str(found["Amount"])) == (Decimal("0.10"), "0.10")
    client.request("PATCH", "sobjects/Opportunity/006000000000001AAA", body=found)
    assert double.asked[-1].body == b'{"Amount":0.10}'


@pytest.mark.parametrize(
    "record_id", ["//evil.example/x", "http://evil.example/x", "../../../x", "..", "00Q?x", "00Q#x"]
)
def test_d10_no_id_leads_the_token_to_another_place(client: Client, double: Any, record_id: str) -> None:
    with pytest.raises(BadValueError):
        client.request("GET", f"sobjects/Lead/{record_id}")
    with pytest.raises(ValueError, match="not a Salesforce id"):
        quoted(record_id)
    assert double.asked == []


def test_d11_only_ids_are_ever_quoted() -> None:
    assert one_of("Id", ["00Q000000000001"]) == "Id IN ('00Q000000000001EAA')"
    with pytest.raises(ValueError, match="not a Salesforce id"):
        one_of("Id", ["x' OR Name != '"])


def test_d5_d12_d14_nothing_of_ours_uses_the_librarys_bulk_deploy_or_metadata_calls() -> None:
    avoided = {"bulk", "bulk2", "mdapi", "deploy", "query_all", "query_all_iter", "query_more", "restful"}
    source = Path(package.__file__).parent
    importing = [path.name for path in source.glob("*.py") if "import Salesforce\n" in path.read_text()]
    assert importing == ["client.py"]
    used = {
        node.attr
        for node in ast.walk(ast.parse((source / "client.py").read_text()))
        if isinstance(node, ast.Attribute)
    }
    assert used & avoided == set()


def test_d13_a_continuation_is_followed_as_the_address_that_it_is(
    client: Client, double: Any, laid_out: Any
) -> None:
    following = f"{ROOT}/query/01gRO0000016PIAYA2-2000"
    double.answer("GET", QUERY, laid_out(200, {"done": False, "records": [], "nextRecordsUrl": following}))
    double.answer("GET", following, laid_out(200, {"done": True, "records": [{"Id": "1"}]}))
    assert client.query(ASK) == [[{"Id": "1"}]]
