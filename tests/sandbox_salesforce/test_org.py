"""The org as a whole: what it lacks, its currencies, many threads, and its server."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import requests

from closedloop.sandbox.http import LocalServer
from closedloop.sandbox.salesforce import Org, SalesforceSandbox


def ask(sandbox: SalesforceSandbox, path: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {sandbox.access_token}"}
    return requests.get(f"{sandbox.url}/services/data/v62.0{path}", headers=headers, timeout=10)


def test_a_field_that_is_hidden_looks_as_if_it_were_not_there() -> None:
    hidden = ("Lead.Disqualified_Reason__c", "Closed_Loop_Campaign_Reason__c")
    with SalesforceSandbox(without=hidden) as sandbox:
        names = [f["name"] for f in ask(sandbox, "/sobjects/Lead/describe").json()["fields"]]
        assert "Disqualified_Reason__c" not in names
        assert "Disqualified_Reason_Details__c" in names
        answer = ask(sandbox, "/query?q=SELECT Disqualified_Reason__c FROM Lead")
        assert answer.json()[0]["errorCode"] == "INVALID_FIELD"
        assert ask(sandbox, "/sobjects/Closed_Loop_Campaign_Reason__c/describe").status_code == 404


@pytest.mark.parametrize("name", ["Lead.Status", "Lead", "Lead.Foo__c", "Foo__c"])
def test_only_custom_things_can_be_missing(name: str) -> None:
    with pytest.raises(ValueError, match="only custom objects and fields"):
        SalesforceSandbox(without=[name])


def test_an_org_with_several_currencies_says_so_everywhere() -> None:
    with SalesforceSandbox(currencies=("EUR", "USD")) as sandbox:
        fields = {"Name": "X", "StageName": "Prospecting", "CloseDate": "2026-12-31", "Amount": 5}
        sandbox.org.insert("Opportunity", fields)
        sandbox.org.insert("Opportunity", fields | {"CurrencyIsoCode": "USD"})
        rows = ask(sandbox, "/query?q=SELECT CurrencyIsoCode FROM Opportunity").json()["records"]
        assert [row["CurrencyIsoCode"] for row in rows] == ["EUR", "USD"]
        row = ask(sandbox, "/query?q=SELECT DefaultCurrencyIsoCode FROM Organization").json()["records"][0]
        assert row["DefaultCurrencyIsoCode"] == "EUR"
        assert ask(sandbox, "/query?q=SELECT count() FROM CurrencyType").json()["totalSize"] == 2


def test_an_org_with_one_currency_has_no_fields_for_it(salesforce: SalesforceSandbox) -> None:
    for soql in ("SELECT CurrencyIsoCode FROM Opportunity", "SELECT Id FROM CurrencyType"):
        assert ask(salesforce, f"/query?q={soql}").status_code == 400
    assert salesforce.currency == "EUR"


def test_threads_do_not_lose_or_double_anything(org: Org, campaign: str) -> None:
    def work(number: int) -> str:
        lead = org.insert("Lead", {"LastName": f"L{number}", "Company": "C"})
        return org.insert("CampaignMember", {"CampaignId": campaign, "LeadId": lead, "Status": "Responded"})

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(work, range(200)))
    assert len(set(made)) == 200
    assert org.get("Campaign", campaign)["NumberOfResponses"] == 200


def test_requests_are_counted_by_method_and_path(http: Any, org: Org) -> None:
    http("GET", "/limits")
    http.query("SELECT Id FROM Lead")
    http.query("SELECT Id FROM Contact")
    assert org.requests["GET", "/services/data/v62.0/query"] == 2
    assert sum(org.requests.values()) == 3


@pytest.mark.parametrize("organization", ["", "00D", "not an id at all!"])
def test_an_organisation_has_an_id(organization: str) -> None:
    with pytest.raises(ValueError, match="organization_id"):
        SalesforceSandbox(organization_id=organization)


def test_the_short_organisation_id_becomes_the_long_one() -> None:
    assert SalesforceSandbox(organization_id="00DXx00000Qw3Rt").organization_id == "00DXx00000Qw3RtMAJ"


def hello(_: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def test_a_server_leaves_no_socket_open() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with LocalServer(hello) as server, requests.Session() as session:
            assert session.get(server.url, timeout=5).text == "hello"
        never_started = LocalServer(hello)
        never_started.stop()
        never_started.stop()
        LocalServer(hello)  # thrown away at once
        gc.collect()
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=1)


def test_a_stopped_server_does_not_start_again() -> None:
    server = LocalServer(hello)
    server.start()
    server.stop()
    with pytest.raises(RuntimeError, match="make a new one"):
        server.start()


def test_two_servers_do_not_share_a_port() -> None:
    with LocalServer(hello) as server, pytest.raises(OSError, match="in use"):
        LocalServer(hello, port=server.port)
