"""Calling HubSpot through its own client library, with its defects made good."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest

from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.hubspot import client as module
from closedloop.crm.hubspot.client import HubSpotClient
from closedloop.errors import (
    AnswerError,
    AuthenticationError,
    CrmError,
    QuotaError,
    RefusedError,
    RetryableError,
)

SEARCH = "/crm/v3/objects/contacts/search"
UPDATE = "/crm/v3/objects/contacts/batch/update"
CAMPAIGNS = "/marketing/v3/campaigns"
GUID = "430318c4-abb7-4bf7-a75e-9c5fa8f475a6"
FOUND = {"total": 1, "results": [{"id": "1", "properties": {"email": "ada@example.com"}}]}


def rate_limit(told: Any, policy: str, **headers: str) -> Any:
    body = {"status": "error", "errorType": "RATE_LIMIT", "policyName": policy}
    return told(body, 429, {name.replace("_", "-"): value for name, value in headers.items()})


def search(client: HubSpotClient) -> list[dict[str, Any]]:
    return client.search("contacts", {"limit": 200})[0]


CALLS: list[tuple[str, Callable[[HubSpotClient], Any], str, str, Any]] = [
    ("the account", lambda c: c.account(), "GET", "/account-info/v3/details", None),
    ("definitions", lambda c: c.definitions("leads"), "GET", "/crm/v3/properties/leads", None),
    ("a pipeline", lambda c: c.pipelines("deals"), "GET", "/crm/v3/pipelines/deals", None),
    ("groups", lambda c: c.groups("contacts"), "GET", "/crm/v3/properties/contacts/groups", None),
    (
        "a batch read",
        lambda c: c.read("leads", ["1"], wanted=["a"], history=["b"]),
        "POST",
        "/crm/v3/objects/leads/batch/read",
        {"inputs": [{"id": "1"}], "properties": ["a"], "propertiesWithHistory": ["b"]},
    ),
    (
        "a batch update",
        lambda c: c.update("contacts", [{"id": "1", "properties": {"a": "b"}}]),
        "POST",
        UPDATE,
        {"inputs": [{"id": "1", "properties": {"a": "b"}}]},
    ),
    ("a search", search, "POST", SEARCH, {"limit": 200}),
    (
        "associations",
        lambda c: c.associated("leads", "0-35", [{"id": "1"}]),
        "POST",
        "/crm/v4/associations/leads/0-35/batch/read",
        {"inputs": [{"id": "1"}]},
    ),
    (
        "a campaign read",
        lambda c: c.read_campaigns([GUID.upper()], wanted=["hs_name", "hs_notes"]),
        "POST",
        f"{CAMPAIGNS}/batch/read",
        {"inputs": [{"id": GUID}]},
    ),
    (
        "a campaign update",
        lambda c: c.update_campaigns([{"id": GUID, "properties": {}}]),
        "POST",
        f"{CAMPAIGNS}/batch/update",
        {"inputs": [{"id": GUID, "properties": {}}]},
    ),
    (
        "a report",
        lambda c: list(c.campaign_contacts(GUID, "contactFirstTouch")),
        "GET",
        f"{CAMPAIGNS}/{GUID}/reports/contacts/contactFirstTouch",
        None,
    ),
]


@pytest.mark.parametrize("case", CALLS, ids=[case[0] for case in CALLS])
def test_each_call_reaches_its_path_with_the_token(
    double: Any, client: HubSpotClient, case: tuple[str, Callable[[HubSpotClient], Any], str, str, Any]
) -> None:
    _, call, method, path, body = case
    double.answer(method, path, {"results": [], "portalId": 1})
    call(client)
    (asked,) = double.asked
    assert (asked.method, asked.path, asked.body) == (method, path, body)
    assert asked.headers["Authorization"] == "Bearer tok-secret"


def test_properties_of_campaigns_are_asked_for_in_one_comma_separated_parameter(
    double: Any, client: HubSpotClient
) -> None:
    double.answer("POST", f"{CAMPAIGNS}/batch/read", {"results": []})
    client.read_campaigns([GUID], wanted=["hs_name", "hs_notes"])
    assert double.asked[0].query == [("properties", "hs_name,hs_notes")]


def test_a_list_asks_for_half_pages_when_it_wants_histories(double: Any, client: HubSpotClient) -> None:
    double.answer("GET", "/crm/v3/objects/leads", {"results": []})
    client.page("leads", wanted=["a", "b"], history=[], after=None)
    client.page("leads", wanted=["a"], history=["h"], after="7")
    first, second = (dict(asked.query) for asked in double.asked)
    assert (first["limit"], second["limit"]) == ("100", "50")
    assert (second["propertiesWithHistory"], second["after"]) == ("h", "7")


def test_an_encoded_cursor_is_sent_on_once_encoded(double: Any, client: HubSpotClient) -> None:
    first = {"results": [{"id": GUID}], "paging": {"next": {"after": "Mg%3D%3D"}}}
    double.answer("GET", CAMPAIGNS, first, {"results": []})
    _, after = client.campaigns(wanted=["hs_name"], after=None)
    client.campaigns(wanted=["hs_name"], after=after)
    assert dict(double.asked[1].query)["after"] == "Mg=="


def test_owners_who_left_are_read_too(double: Any, client: HubSpotClient) -> None:
    page = {"results": [{"id": "1"}], "paging": {"next": {"after": "1"}}}
    double.answer("GET", "/crm/v3/owners/", page, {"results": [{"id": "2"}]}, {"results": [{"id": "3"}]})
    assert [owner["id"] for owners in client.owners() for owner in owners] == ["1", "2", "3"]
    assert [dict(asked.query)["archived"].lower() for asked in double.asked] == ["false", "false", "true"]


def test_paging_that_leads_back_to_itself_ends_in_an_error(double: Any, client: HubSpotClient) -> None:
    path = f"{CAMPAIGNS}/{GUID}/reports/contacts/contactFirstTouch"
    double.answer("GET", path, {"results": [], "paging": {"next": {"after": "2"}}})
    with pytest.raises(AnswerError) as refused:
        list(client.campaign_contacts(GUID, "contactFirstTouch"))
    assert refused.value.reason == "paging_loop"


def test_calls_share_one_connection(double: Any, client: HubSpotClient) -> None:
    double.answer("POST", SEARCH, FOUND)
    double.answer("GET", CAMPAIGNS, FOUND)
    for _ in range(3):
        search(client)
        client.campaigns(wanted=["hs_name"], after=None)
    assert double.connections == 1


@pytest.mark.parametrize("after", ["4", None])
def test_a_limited_post_waits_and_is_sent_again(
    double: Any, told: Any, client: HubSpotClient, waits: list[float], after: str | None
) -> None:
    headers = {"Retry_After": after} if after else {}
    double.answer("POST", UPDATE, rate_limit(told, "TEN_SECONDLY_ROLLING", **headers), {"results": []})
    client.update("contacts", [{"id": "1", "properties": {"a": "b"}}])
    assert len(double.asked) == 2
    assert len(waits) == 1
    assert waits[0] >= (4.0 if after else 10.0)


def test_the_daily_limit_is_not_tried_again(
    double: Any, told: Any, client: HubSpotClient, waits: list[float]
) -> None:
    double.answer("POST", SEARCH, rate_limit(told, "DAILY"))
    with pytest.raises(QuotaError):
        search(client)
    assert (len(double.asked), waits) == (1, [])


@pytest.mark.parametrize("status", [423, 500, 502, 503, 504, 521])
def test_a_passing_failure_is_tried_again(
    double: Any, told: Any, client: HubSpotClient, waits: list[float], status: int
) -> None:
    double.answer("POST", SEARCH, told(b"<html>unwell</html>", status), FOUND)
    assert search(client) == FOUND["results"]
    assert len(waits) == 1


def test_an_account_on_the_move_is_left_alone_for_as_long_as_it_says(
    double: Any, told: Any, client: HubSpotClient, waits: list[float]
) -> None:
    double.answer("POST", SEARCH, told({}, 477, {"Retry-After": "86400"}))
    with pytest.raises(RetryableError) as refused:
        search(client)
    assert (refused.value.retry_after, len(double.asked)) == (86400.0, 1)


FINAL = [
    (400, RefusedError),
    (401, AuthenticationError),
    (403, AuthenticationError),
    (404, RefusedError),
    (409, RefusedError),
    (525, AnswerError),
    (302, AnswerError),
]


@pytest.mark.parametrize(("status", "kind"), FINAL)
def test_a_final_refusal_is_asked_for_once(
    double: Any, told: Any, client: HubSpotClient, status: int, kind: type[CrmError]
) -> None:
    double.answer("POST", SEARCH, told({"category": "X", "correlationId": "c-9"}, status))
    with pytest.raises(kind) as refused:
        search(client)
    assert len(double.asked) == 1
    assert (refused.value.code, refused.value.correlation_id) == ("X", "c-9")


def test_a_redirect_does_not_take_the_token_along(double: Any, told: Any, client: HubSpotClient) -> None:
    double.answer("GET", CAMPAIGNS, told({}, 302, {"Location": f"{double.url}/elsewhere"}))
    with pytest.raises(AnswerError):
        client.campaigns(wanted=["hs_name"], after=None)
    assert [asked.path for asked in double.asked] == [CAMPAIGNS]


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"{}", b"null", b"[]", b'{"results": null}', b""])
def test_a_success_that_is_not_the_api_is_an_error(
    double: Any, told: Any, client: HubSpotClient, body: bytes
) -> None:
    double.answer("POST", SEARCH, told(body))
    with pytest.raises(AnswerError):
        search(client)


def test_an_error_whose_body_is_not_utf8_is_still_ours(double: Any, told: Any, client: HubSpotClient) -> None:
    double.answer("POST", SEARCH, told(b"\xff\xfe\xfa", 400))
    with pytest.raises(RefusedError):
        search(client)


def test_a_server_that_is_not_there_is_tried_again_and_then_reported(waits: list[float]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        client = HubSpotClient(HubSpotCredentials(access_token="t", base_url=url))
        with pytest.raises(RetryableError) as refused:
            client.account()
    assert (refused.value.reason, len(waits)) == ("no_connection", 4)


def test_a_server_that_never_answers_is_given_up(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", (0.05, 0.05))
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        client = HubSpotClient(HubSpotCredentials(access_token="t", base_url=url))
        for call in (client.account, lambda: search(client)):
            with pytest.raises(RetryableError) as refused:
                call()
            assert refused.value.reason == "timeout"


def test_a_server_without_tls_is_no_crash(double: Any, waits: list[float]) -> None:
    url = double.url.replace("http:", "https:")
    with pytest.raises(RetryableError) as refused:
        HubSpotClient(HubSpotCredentials(access_token="t", base_url=url)).account()
    assert refused.value.reason == "no_connection"


@pytest.mark.parametrize("guid", ["../../../oauth", "1", f"{GUID}/assets", "", GUID + "\n"])
def test_only_a_guid_reaches_the_path_of_a_campaign(double: Any, client: HubSpotClient, guid: str) -> None:
    with pytest.raises(RefusedError) as refused:
        list(client.campaign_contacts(guid, "contactFirstTouch"))
    assert (refused.value.reason, double.asked) == ("bad_id", [])


PERSONAL = FOUND | {"message": "ada@example.com"}


def test_what_is_read_is_not_logged(
    double: Any, client: HubSpotClient, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("urllib3", "hubspot.crm.objects.rest"):  # the library sets levels of its own
        caplog.set_level(logging.DEBUG, logger=name)
    double.answer("POST", SEARCH, PERSONAL)
    search(client)
    assert "urllib3" in {record.name.partition(".")[0] for record in caplog.records}
    assert "ada@example.com" not in caplog.text
    assert "tok-secret" not in caplog.text


@pytest.mark.parametrize("status", [400, 401])
def test_an_error_carries_neither_the_body_nor_the_librarys_exception(
    double: Any, told: Any, client: HubSpotClient, status: int
) -> None:
    double.answer("POST", SEARCH, told(PERSONAL, status))
    with pytest.raises(CrmError) as refused:
        search(client)
    assert (refused.value.__cause__, refused.value.__context__) == (None, None)
    assert "ada@" not in str(refused.value)
