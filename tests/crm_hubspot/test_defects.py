"""The verified defects of hubspot-api-client 12.0.0: none of them reaches a user of ours."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.hubspot import client as module
from closedloop.crm.hubspot.batches import split
from closedloop.crm.hubspot.client import HubSpotClient
from closedloop.crm.tokens import Token
from closedloop.errors import AnswerError, CrmError, GoneError, RetryableError

CALLS: list[Callable[[HubSpotClient], Any]] = [
    lambda c: c.account(),
    lambda c: c.definitions("contacts"),
    lambda c: c.groups("contacts"),
    lambda c: c.pipelines("deals"),
    lambda c: list(c.owners()),
    lambda c: c.owner("1"),
    lambda c: c.page("contacts", wanted=["email"]),
    lambda c: c.record("contacts", "1", wanted=["email"]),
    lambda c: c.read("contacts", ["1"], wanted=["email"]),
    lambda c: c.create("contacts", []),
    lambda c: c.create_one("contacts", {}),
    lambda c: c.update("contacts", []),
    lambda c: c.upsert("contacts", []),
    lambda c: c.archive("contacts", ["1"]),
    lambda c: c.search("contacts", {}),
    lambda c: c.associated("leads", "contacts", []),
    lambda c: c.associate("leads", "contacts", []),
    lambda c: c.dissociate("leads", "contacts", []),
    lambda c: c.unlabel("leads", "contacts", []),
    lambda c: c.labels("leads", "contacts"),
    lambda c: c.campaigns(wanted=["hs_name"], after=None),
    lambda c: c.read_campaigns([], wanted=["hs_name"]),
    lambda c: c.create_campaigns([]),
    lambda c: c.update_campaigns([]),
    lambda c: c.archive_campaigns([]),
    lambda c: c.request("DELETE", "/crm/v3/objects/contacts/1"),
]
FOUND = {"id": "1", "results": [{"id": "1", "properties": {"email": "ada@example.com"}}]}
PATH = "/crm/v3/objects/contacts"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 423, 429, 521, 530])
def test_h1_every_call_fails_with_the_same_family_of_errors(
    double: Any, told: Any, client: HubSpotClient, waits: list[float], status: int
) -> None:
    body = {"category": "X", "correlationId": "c-1"}
    double.gate = lambda _: told(body, status)
    for call in CALLS:
        with pytest.raises(CrmError) as refused:
            call(client)
        assert (refused.value.status, refused.value.code, refused.value.correlation_id) == (
            status,
            "X",
            "c-1",
        )


def test_h2_no_exception_of_the_transport_comes_through(waits: list[float]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = HubSpotClient(
            HubSpotCredentials(access_token="t", base_url=f"http://127.0.0.1:{unused.getsockname()[1]}")
        )
        for call in CALLS:
            with pytest.raises(RetryableError) as refused:
                call(client)
            assert (refused.value.__cause__, refused.value.__context__) == (None, None)


def test_h3_a_partial_success_is_told_by_input(
    double: Any, told: Any, client: HubSpotClient, recorded: Callable[[str], Any]
) -> None:
    answer = recorded("amp-labs/batch_update_contacts_err-partial-success.json")
    double.answer("POST", f"{PATH}/batch/update", told(answer, 207))
    sent = [{"id": "171591000199", "properties": {}}, {"id": "unknownIdentifier888", "properties": {}}]
    done, failed = split(sent, client.update("contacts", sent))
    assert (done.error, type(failed.error)) == (None, GoneError)


def test_h4_a_page_of_html_is_no_record_and_no_field_is_dropped(
    double: Any, told: Any, client: HubSpotClient, recorded: Callable[[str], Any]
) -> None:
    answer = recorded("amp-labs/batch_create_contacts_success.json")
    record = answer["results"][0] | {"objectWriteTraceId": "t-1", "warnings": ["w"]}
    double.answer("GET", f"{PATH}/1", told(b"<html>ok</html>"), record)
    with pytest.raises(AnswerError):
        client.record("contacts", "1", wanted=["email"])
    assert client.record("contacts", "1", wanted=["email"]) == record


def test_h5_times_and_values_come_as_hubspot_wrote_them(double: Any, client: HubSpotClient) -> None:
    record = {"id": "1", "createdAt": "2025-11-03T23:36:13.632Z", "properties": {"num_notes": "0", "x": None}}
    double.answer("GET", f"{PATH}/1", record)
    assert client.record("contacts", "1", wanted=["num_notes"]) == record


def test_h6_debugging_prints_neither_bodies_nor_tokens(
    double: Any, told: Any, client: HubSpotClient, waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    for name in [None, *logging.root.manager.loggerDict]:
        caplog.set_level(logging.DEBUG, logger=name)
    for body, status in ((FOUND, 200), ({"message": "ada@example.com"}, 400)):
        double.gate = lambda _, body=body, status=status: told(body, status)
        for call in CALLS:
            with suppress(CrmError):
                call(client)
    assert logging.getLogger("urllib3").isEnabledFor(logging.DEBUG)
    assert "ada@example.com" not in caplog.text
    assert "tok-secret" not in caplog.text


def test_h6_an_address_that_a_record_is_read_by_is_in_no_url(double: Any, client: HubSpotClient) -> None:
    double.answer("POST", f"{PATH}/batch/read", FOUND)
    client.read("contacts", ["ada@example.com"], wanted=["email"], id_property="email")
    (asked,) = double.asked
    assert (asked.body["idProperty"], asked.query) == ("email", [])
    assert "ada" not in asked.path


def test_h7_calls_without_a_method_of_the_library_time_out_retry_and_raise(
    double: Any, told: Any, client: HubSpotClient, waits: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    double.answer("GET", "/marketing/v3/campaigns", told({}, 503), told({"results": []}))
    assert client.campaigns(wanted=["hs_name"], after=None) == ([], None)
    double.answer("GET", "/marketing/v3/campaigns", told({}, 404))
    with pytest.raises(GoneError):
        client.campaigns(wanted=["hs_name"], after=None)
    assert (
        double.asked[0].headers["User-Agent"] == f"hubspot-api-client-python; {version('hubspot-api-client')}"
    )
    assert capsys.readouterr() == ("", "")


def test_h8_all_calls_share_one_connection_and_threads_a_few(
    double: Any, told: Any, client: HubSpotClient
) -> None:
    double.gate = lambda _: told(FOUND)
    for call in CALLS:
        call(client)
    assert double.connections == 1
    threads = [threading.Thread(target=lambda: [call(client) for call in CALLS]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert double.connections <= 4


def test_h8_what_is_held_sees_a_renewed_token(double: Any, told: Any) -> None:
    tokens = [Token(value="old"), Token(value="new")]
    credentials = HubSpotCredentials(token_source=lambda: tokens.pop(0), base_url=double.url)
    held = HubSpotClient(credentials).definitions
    double.gate = lambda asked: told(
        {"results": []}, 200 if asked.headers["Authorization"] == "Bearer new" else 401
    )
    held("contacts")
    assert [asked.headers["Authorization"] for asked in double.asked] == ["Bearer old", "Bearer new"]


@pytest.mark.parametrize("paging", [{}, None, {"next": {}}, {"next": {"after": ""}}])
def test_h9_paging_may_end_in_any_way(double: Any, client: HubSpotClient, paging: Any) -> None:
    double.answer("GET", PATH, {"results": [{"id": "1"}], "paging": paging})
    assert client.page("contacts", wanted=["email"]) == ([{"id": "1"}], None)


def test_h9_pages_are_given_one_by_one(double: Any, client: HubSpotClient) -> None:
    page = {"results": [{"id": "1"}], "paging": {"next": {"after": "1"}}}
    double.answer("GET", "/crm/v3/owners/", page, {"results": [{"id": "2"}]})
    pages = client.owners()
    assert (next(pages), len(double.asked)) == ([{"id": "1"}], 1)


@pytest.mark.parametrize("name", ["hubspot.utils.signature", "hubspot.webhooks"])
def test_h10_and_h11_neither_the_librarys_verifier_nor_its_webhooks_are_used(name: str) -> None:
    sources = "".join(path.read_text() for path in Path(module.__file__).parent.glob("*.py"))
    assert f"import {name.rpartition('.')[2]}" not in sources
    assert name not in sources


def test_h12_the_transport_is_a_release_that_works() -> None:
    assert tuple(int(part) for part in version("urllib3").split(".")[:3]) >= (2, 6, 1)
