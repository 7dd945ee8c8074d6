"""What a client of Salesforce meets when a plan says that something goes wrong."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from closedloop.sandbox.http import LocalServer
from closedloop.sandbox.salesforce import SalesforceSandbox

LEAD = {"LastName": "Lovelace", "Company": "Acme"}
PAGE = "text/html"


def following(sandbox: SalesforceSandbox, *rules: dict[str, Any]) -> None:
    sandbox.faults.use({"seed": 7, "rules": list(rules)})


@pytest.mark.parametrize(
    ("rule", "status", "said"),
    [
        ({"fault": "rate_limit"}, 403, "REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded."),
        (
            {"fault": "rate_limit", "policy": "ConcurrentRequests"},
            403,
            "REQUEST_LIMIT_EXCEEDED: ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
        ),
        ({"fault": "locked"}, 400, "UNABLE_TO_LOCK_ROW: unable to obtain exclusive access to this record"),
        ({"fault": "unavailable"}, 503, "SERVER_UNAVAILABLE: Server Unavailable"),
        ({"fault": "server_error"}, 500, "UNKNOWN_EXCEPTION: An unexpected error occurred. Please include"),
        ({"fault": "token_expired"}, 401, "INVALID_SESSION_ID: Session expired or invalid"),
        (
            {"fault": "error", "status": 400},
            400,
            "QUERY_TIMEOUT: Your query request was running for too long.",
        ),
        ({"fault": "error", "status": 400, "code": "X", "message": "y"}, 400, "X: y"),
        ({"fault": "error", "status": 502}, 502, "UNKNOWN_EXCEPTION: An unexpected error occurred."),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_a_refusal_is_salesforces_own(
    salesforce: SalesforceSandbox, sf: Any, rule: dict[str, Any], status: int, said: str
) -> None:
    following(salesforce, {**rule, "times": 1})
    made = len(salesforce.org.rows("Lead"))
    answer = sf("POST", "/sobjects/Lead", json=LEAD)
    (error,) = answer.json()
    assert answer.status_code == status
    assert f"{error['errorCode']}: {error['message']}".startswith(said)
    assert "Sforce-Limit-Info" in answer.headers
    assert len(salesforce.org.rows("Lead")) == made
    assert sf("POST", "/sobjects/Lead", json=LEAD).status_code == 201


def test_a_refusal_may_come_after_the_effect_and_say_when_to_come_back(
    salesforce: SalesforceSandbox, sf: Any
) -> None:
    following(salesforce, {"fault": "unavailable", "done": True, "retry_after": 2})
    made = len(salesforce.org.rows("Lead"))
    answer = sf("POST", "/sobjects/Lead", json=LEAD)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert len(salesforce.org.rows("Lead")) == made + 1


@pytest.mark.parametrize(
    ("rule", "error", "made"),
    [
        ({"fault": "reset"}, requests.ConnectionError, 0),
        ({"fault": "reset", "done": True}, requests.ConnectionError, 1),
        ({"fault": "timeout"}, requests.ReadTimeout, 0),
        ({"fault": "timeout", "done": True}, requests.ReadTimeout, 1),
        ({"fault": "timeout", "seconds": "1ms"}, requests.ConnectionError, 0),
        ({"fault": "truncated"}, requests.exceptions.ChunkedEncodingError, 1),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_no_answer_comes_before_the_effect_or_after(
    salesforce: SalesforceSandbox, sf: Any, rule: dict[str, Any], error: type[Exception], made: int
) -> None:
    following(salesforce, {**rule, "method": "POST"})
    before = len(salesforce.org.rows("Lead"))
    with pytest.raises(error):
        sf("POST", "/sobjects/Lead", json=LEAD, timeout=0.15)
    assert len(salesforce.org.rows("Lead")) == before + made
    assert sf("GET", "/limits").status_code == 200


def test_more_silences_than_threads_keep_nobody_waiting_for_long(
    salesforce: SalesforceSandbox, sf: Any
) -> None:
    following(salesforce, {"fault": "timeout", "path": "/limits"})
    for _ in range(10):
        with pytest.raises(requests.ReadTimeout):
            sf("GET", "/limits", timeout=0.05)
    assert sf("GET", "/sobjects", timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("rule", "status", "made"),
    [({}, 200, 0), ({"status": 502}, 502, 0), ({"status": 504, "done": True}, 504, 1)],
    ids=["200", "502", "504 after"],
)
def test_a_page_comes_instead(
    salesforce: SalesforceSandbox, sf: Any, rule: dict[str, Any], status: int, made: int
) -> None:
    following(salesforce, {"fault": "page", **rule})
    before = len(salesforce.org.rows("Lead"))
    answer = sf("POST", "/sobjects/Lead", json=LEAD)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PAGE)
    assert len(salesforce.org.rows("Lead")) == before + made


@pytest.mark.parametrize("before", [True, False])
def test_an_answer_is_late(salesforce: SalesforceSandbox, sf: Any, before: bool) -> None:
    following(salesforce, {"fault": "latency", "seconds": "40ms", "before": before})
    begun = time.monotonic()
    assert sf("GET", "/limits").status_code == 200
    assert time.monotonic() - begun >= 0.04


def test_a_body_drips(salesforce: SalesforceSandbox, sf: Any) -> None:
    following(salesforce, {"fault": "dripping", "seconds": 0})
    assert sf("GET", "/limits").json()["DailyApiRequests"]


def test_the_older_interfaces_refuse_in_their_own_forms(salesforce: SalesforceSandbox, sf: Any) -> None:
    following(salesforce, {"fault": "rate_limit"})
    headers = {"X-SFDC-Session": salesforce.access_token}
    bulk = requests.get(
        f"{salesforce.url}/services/async/62.0/job/750000000000001", headers=headers, timeout=5
    )
    assert (bulk.status_code, "<exceptionCode>ExceededQuota</exceptionCode>" in bulk.text) == (403, True)
    headers["Accept"] = "application/json"
    bulk = requests.get(
        f"{salesforce.url}/services/async/62.0/job/750000000000001", headers=headers, timeout=5
    )
    assert bulk.json()["exceptionCode"] == "ExceededQuota"
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">'
        f"<e:Header><SessionHeader><sessionId>{salesforce.access_token}</sessionId></SessionHeader></e:Header>"
        "<e:Body><getServerTimestamp/></e:Body></e:Envelope>"
    )
    headers = {"SOAPAction": '""', "Content-Type": "text/xml"}
    soap = requests.post(f"{salesforce.url}/services/Soap/u/62.0", envelope, headers=headers, timeout=5)
    assert (soap.status_code, "sf:REQUEST_LIMIT_EXCEEDED" in soap.text) == (500, True)
    assert sf("GET", "/limits").status_code == 403


def test_a_token_that_is_revoked_stays_so(salesforce: SalesforceSandbox, sf: Any) -> None:
    token = salesforce.sessions.issue()
    mine = {"headers": {"Authorization": f"Bearer {token}"}}
    following(salesforce, {"fault": "token_revoked", "times": 1})
    assert [sf("GET", "/limits", **mine).status_code for _ in range(2)] == [401, 401]
    assert sf("GET", "/limits").status_code == 200


def test_tokens_do_not_end_where_one_is_fetched(salesforce: SalesforceSandbox, sf: Any) -> None:
    following(salesforce, {"fault": "token_expired"})
    form = {"grant_type": "client_credentials", "client_id": salesforce.client_id}
    address = f"{salesforce.url}/services/oauth2/token"
    form["client_secret"] = salesforce.client_secret
    assert requests.post(address, data=form, timeout=5).status_code == 200
    assert sf("GET", "/limits").status_code == 401


def test_the_day_is_used_up_after_so_many_calls(salesforce: SalesforceSandbox, sf: Any) -> None:
    following(salesforce, {"fault": "quota_exhausted", "skip": 2})
    usage = salesforce.api.usage
    used = usage.used
    try:
        answers = [sf("GET", "/limits") for _ in range(4)]
    finally:
        usage.used = used
    assert [answer.status_code for answer in answers] == [200, 200, 403, 403]
    assert answers[-1].json()[0]["message"] == "TotalRequests Limit exceeded."
    assert answers[-1].headers["Sforce-Limit-Info"] == f"api-usage={usage.daily}/{usage.daily}"


@pytest.mark.parametrize("code", ["UNABLE_TO_LOCK_ROW", "FIELD_CUSTOM_VALIDATION_EXCEPTION"])
def test_some_records_of_a_batch_are_refused_and_always_the_same(
    salesforce: SalesforceSandbox, sf: Any, code: str
) -> None:
    records = [{"attributes": {"type": "Lead"}, **LEAD} for _ in range(20)]

    def outcomes() -> list[bool]:
        following(salesforce, {"fault": "partial_batch", "share": 0.3, "code": code})
        answer = sf("POST", "/composite/sobjects", json={"records": records})
        assert answer.status_code == 200
        assert {e["statusCode"] for row in answer.json() for e in row["errors"]} == {code}
        return [row["success"] for row in answer.json()]

    before = len(salesforce.org.rows("Lead"))
    first = outcomes()
    assert 0 < sum(first) < 20
    assert len(salesforce.org.rows("Lead")) == before + sum(first)
    assert outcomes() == first


def test_a_batch_that_wants_all_or_none_gets_none(salesforce: SalesforceSandbox, sf: Any) -> None:
    following(salesforce, {"fault": "partial_batch", "object": "lead"})
    records = [{"attributes": {"type": "Lead"}, **LEAD} for _ in range(10)]
    before = len(salesforce.org.rows("Lead"))
    rows = sf("POST", "/composite/sobjects", json={"records": records, "allOrNone": True}).json()
    assert {row["errors"][0]["statusCode"] for row in rows} == {
        "UNABLE_TO_LOCK_ROW",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    }
    assert len(salesforce.org.rows("Lead")) == before
    contacts = [{"attributes": {"type": "Contact"}, "LastName": "Lovelace"}] * 5
    assert all(row["success"] for row in sf("POST", "/composite/sobjects", json={"records": contacts}).json())
    assert sf("POST", "/sobjects/Lead", json=LEAD).status_code == 201


@pytest.mark.parametrize(
    ("shows_in", "date", "stamp"), [("all", True, True), ("date", True, False), ("records", False, True)]
)
def test_the_clock_is_wrong(
    salesforce: SalesforceSandbox, sf: Any, shows_in: str, date: bool, stamp: bool
) -> None:
    following(salesforce, {"fault": "clock_skew", "seconds": "-2h", "shows_in": shows_in, "method": "POST"})
    now = salesforce.org.clock()
    answer = sf("POST", "/sobjects/Lead", json=LEAD)
    created = salesforce.org.get("Lead", answer.json()["id"])["CreatedDate"]
    seen = parsedate_to_datetime(answer.headers["Date"])
    assert ((now - seen).total_seconds() > 7000, (now - created).total_seconds() > 7000) == (date, stamp)


def test_rules_find_the_object_in_the_address_and_in_a_query(salesforce: SalesforceSandbox, sf: Any) -> None:
    following(salesforce, {"fault": "unavailable", "object": "Campaign"})
    inner = "SELECT Id FROM Lead WHERE Id IN (SELECT LeadId FROM CampaignMember)"
    statuses = [
        sf("GET", "/sobjects/Campaign/describe").status_code,
        sf(
            "GET", "/query", params={"q": "SELECT Id, (SELECT Id FROM CampaignMembers) FROM Campaign"}
        ).status_code,
        sf("GET", "/query", params={"q": inner}).status_code,
        sf("GET", "/sobjects/Lead/describe").status_code,
    ]
    assert statuses == [503, 503, 200, 200]


def test_outbound_messages_are_lost_and_doubled(salesforce: SalesforceSandbox) -> None:
    bodies: list[bytes] = []

    def receive(environ: Any, start: Any) -> list[bytes]:
        bodies.append(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        start("200 OK", [("Content-Type", "text/xml")])
        ack = b'<Ack xmlns="http://soap.sforce.com/2005/09/outbound">true</Ack>'
        return [
            b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
            b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound">'
            + ack
            + b"</notificationsResponse></e:Body></e:Envelope>"
        ]

    with LocalServer(receive) as receiver:
        salesforce.org.subscribe("Account", ["Name"], receiver.url, when_changed=["Name"])
        following(
            salesforce,
            {"fault": "webhook_lost", "object": "account", "times": 1},
            {"fault": "webhook_duplicated", "times": 1},
            {"fault": "webhook_delayed", "seconds": "5ms"},
        )
        for name in ("lost", "doubled", "late"):
            salesforce.org.insert("Account", {"Name": name})
        assert salesforce.org.settle(10)
    sent = b"".join(bodies)
    assert [sent.count(name) for name in (b">lost<", b">doubled<", b">late<")] == [0, 2, 1]


def test_a_plan_is_given_at_the_start_and_changed_while_it_runs() -> None:
    with pytest.raises(ValueError, match="organization_id"):
        SalesforceSandbox(organization_id="x")
    with SalesforceSandbox(faults={"rules": [{"fault": "unavailable"}]}) as sandbox:
        address = f"{sandbox.url}/services/data"
        assert requests.get(address, timeout=5).status_code == 503
        sandbox.faults.use({})
        assert requests.get(address, timeout=5).status_code == 200
        assert [entry.fault for entry in sandbox.faults.log] == ["unavailable"]
