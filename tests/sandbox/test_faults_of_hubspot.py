"""What a client of HubSpot meets when a plan says that something goes wrong."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import HubSpotSandbox

CONTACTS = "/crm/v3/objects/contacts"


def following(sandbox: HubSpotSandbox, *rules: dict[str, Any]) -> None:
    sandbox.faults.use({"seed": 7, "rules": list(rules)})


def contacts(sandbox: HubSpotSandbox, count: int) -> list[str]:
    return [sandbox.portal.create("contacts", {"firstname": str(n)}) for n in range(count)]


@pytest.mark.parametrize("policy", ["TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"])
@pytest.mark.parametrize("retry_after", [None, 3])
def test_a_limit_is_named_with_or_without_a_time_to_wait(
    hubspot: HubSpotSandbox, hs: Any, policy: str, retry_after: int | None
) -> None:
    following(
        hubspot, {"fault": "rate_limit", "policy": policy, "retry_after": retry_after, "path": CONTACTS}
    )
    answer = hs("POST", CONTACTS, json={"properties": {}})
    assert (answer.status_code, answer.json()["policyName"]) == (429, policy)
    assert answer.json()["correlationId"] == answer.headers["X-HubSpot-Correlation-Id"]
    assert answer.headers.get("Retry-After") == (None if retry_after is None else "3")
    assert hs("GET", "/crm/v3/owners").status_code == 200


@pytest.mark.parametrize(
    ("rule", "status", "said"),
    [
        ({"fault": "server_error"}, 500, "internal error"),
        ({"fault": "unavailable"}, 503, "The request could not be processed."),
        ({"fault": "locked"}, 423, "The resource is locked. Please try again."),
        ({"fault": "error", "status": 477, "retry_after": 60}, 477, "Migration in progress"),
        ({"fault": "error", "status": 400, "code": "VALIDATION_ERROR", "message": "no"}, 400, "no"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_a_refusal_is_hubspots_own(
    hubspot: HubSpotSandbox, hs: Any, rule: dict[str, Any], status: int, said: str
) -> None:
    following(hubspot, rule)
    answer = hs("GET", CONTACTS)
    body = answer.json()
    assert (answer.status_code, body["status"], body["message"]) == (status, "error", said)
    assert body.get("category") == rule.get("code")


@pytest.mark.parametrize("status", [502, 504, 521, 523, 524])
def test_the_proxy_before_hubspot_answers_with_a_page(hubspot: HubSpotSandbox, hs: Any, status: int) -> None:
    following(hubspot, {"fault": "error", "status": status})
    answer = hs("GET", CONTACTS)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html;charset=utf-8")


def test_a_write_is_done_and_its_answer_lost(hubspot: HubSpotSandbox, hs: Any) -> None:
    made = len(hubspot.portal.ids("contacts"))
    following(hubspot, {"fault": "error", "status": 504, "done": True})
    assert hs("POST", CONTACTS, json={"properties": {"firstname": "Ada"}}).status_code == 504
    assert len(hubspot.portal.ids("contacts")) == made + 1


def test_a_token_is_told_that_it_expired(hubspot: HubSpotSandbox, hs: Any) -> None:
    following(hubspot, {"fault": "token_expired", "times": 1})
    answer = hs("GET", CONTACTS)
    assert (answer.status_code, answer.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert hs("GET", CONTACTS).status_code == 200


def test_a_token_that_is_revoked_stays_so_and_another_is_fetched(hubspot: HubSpotSandbox, hs: Any) -> None:
    form = {
        "grant_type": "refresh_token",
        "client_id": hubspot.client_id,
        "client_secret": hubspot.client_secret,
        "refresh_token": hubspot.refresh_token,
    }

    def fetched() -> dict[str, Any]:
        answer = requests.post(f"{hubspot.url}/oauth/v1/token", data=form, timeout=5)
        return {"headers": {"Authorization": f"Bearer {answer.json()['access_token']}"}}

    mine = fetched()
    following(hubspot, {"fault": "token_revoked", "times": 1})
    assert [hs("GET", CONTACTS, **mine).status_code for _ in range(2)] == [401, 401]
    assert hs("GET", CONTACTS, **fetched()).status_code == 200
    assert hs("GET", CONTACTS).status_code == 200


def test_a_private_apps_token_is_revoked_until_it_is_renewed() -> None:
    with HubSpotSandbox(faults={"rules": [{"fault": "token_revoked", "times": 1}]}) as sandbox:

        def status(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return requests.get(sandbox.url + CONTACTS, headers=headers, timeout=5).status_code

        assert [status(sandbox.access_token), status(sandbox.access_token), status("")] == [401, 401, 401]
        assert status(sandbox.renew_token()) == 200


def test_the_day_is_used_up_after_so_many_calls() -> None:
    with HubSpotSandbox(faults={"rules": [{"fault": "quota_exhausted", "skip": 1}]}) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.access_token}"}
        first, second, third = (
            requests.get(sandbox.url + CONTACTS, headers=headers, timeout=5) for _ in range(3)
        )
    assert first.status_code == 200
    for answer in (second, third):
        assert (answer.status_code, answer.json()["policyName"]) == (429, "DAILY")
        assert answer.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "0"


def test_some_inputs_of_a_batch_are_refused_by_id(hubspot: HubSpotSandbox, hs: Any) -> None:
    ids = contacts(hubspot, 12)
    following(hubspot, {"fault": "partial_batch", "share": 0.4})
    inputs = [{"id": each, "properties": {"firstname": "Ada"}} for each in ids]
    answer = hs("POST", f"{CONTACTS}/batch/update", json={"inputs": inputs})
    body = answer.json()
    assert (answer.status_code, body["numErrors"], len(body["errors"])) == (207, 1, 1)
    refused = body["errors"][0]["context"]["ids"]
    assert body["errors"][0]["category"] == "OBJECT_NOT_FOUND"
    assert sorted([*refused, *(row["id"] for row in body["results"])]) == sorted(ids)
    names = {each: hubspot.portal.get("contacts", each)["properties"]["firstname"] for each in ids}
    assert {each for each, name in names.items() if name == "Ada"} == set(ids) - set(refused)


def test_inputs_with_trace_ids_are_refused_one_by_one(hubspot: HubSpotSandbox, hs: Any) -> None:
    following(hubspot, {"fault": "partial_batch", "code": "CONFLICT", "message": "taken"})
    inputs = [{"objectWriteTraceId": str(n), "properties": {"firstname": str(n)}} for n in range(10)]
    body = hs("POST", f"{CONTACTS}/batch/create", json={"inputs": inputs}).json()
    assert body["numErrors"] == len(body["errors"]) == 10 - len(body["results"])
    assert {(error["category"], error["message"]) for error in body["errors"]} == {("CONFLICT", "taken")}
    traces = [error["context"]["objectWriteTraceId"] for error in body["errors"]]
    traces += [[row["objectWriteTraceId"]] for row in body["results"]]
    assert sorted(traces) == [[str(n)] for n in range(10)]


def test_inputs_without_trace_ids_are_created_together_or_not_at_all(
    hubspot: HubSpotSandbox, hs: Any
) -> None:
    made = len(hubspot.portal.ids("contacts"))
    following(hubspot, {"fault": "partial_batch"})
    inputs = [{"properties": {"firstname": str(n)}} for n in range(10)]
    answer = hs("POST", f"{CONTACTS}/batch/create", json={"inputs": inputs})
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
    assert len(hubspot.portal.ids("contacts")) == made


@pytest.mark.parametrize("share", [0, 1])
def test_of_a_batch_nothing_or_everything_is_refused(hubspot: HubSpotSandbox, hs: Any, share: int) -> None:
    ids = contacts(hubspot, 3)
    following(hubspot, {"fault": "partial_batch", "share": share})
    answer = hs("POST", f"{CONTACTS}/batch/archive", json={"inputs": [{"id": each} for each in ids]})
    assert answer.status_code == (207 if share else 204)
    assert set(ids).isdisjoint(hubspot.portal.ids("contacts")) is not bool(share)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"inputs": 1}', b'{"inputs": [1]}', b""])
def test_a_bad_batch_is_refused_as_ever(hubspot: HubSpotSandbox, hs: Any, body: bytes) -> None:
    following(hubspot, {"fault": "partial_batch", "share": 1})
    assert hs("POST", f"{CONTACTS}/batch/read", data=body).status_code in {400, 415}


def test_searches_see_changes_late(hubspot: HubSpotSandbox, hs: Any) -> None:
    query = {
        "filterGroups": [{"filters": [{"propertyName": "firstname", "operator": "EQ", "value": "Slow"}]}]
    }

    def found() -> int:
        return int(hs("POST", f"{CONTACTS}/search", json=query).json()["total"])

    following(hubspot, {"fault": "slow_index", "seconds": 3600})
    contact = hubspot.portal.create("contacts", {"firstname": "Slow"})
    assert (found(), hs("GET", f"{CONTACTS}/{contact}").status_code) == (0, 200)
    following(hubspot)
    hubspot.portal.create("contacts", {"firstname": "Slow"})
    assert found() == 1


def test_rules_find_the_object_by_any_of_its_names(hubspot: HubSpotSandbox, hs: Any) -> None:
    following(hubspot, {"fault": "unavailable", "object": "contact"})
    paths = (CONTACTS, "/crm/v3/objects/0-1", "/crm/v3/properties/contact", "/crm/v3/objects/deals")
    assert [hs("GET", path).status_code for path in paths] == [503, 503, 503, 200]
