"""What the org has left of its API requests, and what this connection may take of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from closedloop.crm.results import Quota
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.crm.salesforce.client import Client, Usage
from closedloop.crm.salesforce.soql import Question
from closedloop.errors import CrmError, QuotaError, RetryableError

QUERY = "/services/data/v62.0/query/"
TOKEN = "/services/oauth2/token"
ASK = [Question("SELECT Id FROM Lead")]
ROWS = {"done": True, "records": []}
LOCKED = [{"message": "unable to obtain exclusive access", "errorCode": "UNABLE_TO_LOCK_ROW"}]


@pytest.fixture
def limited(double: Any, laid_out: Callable[..., Any]) -> Callable[[int | None], Client]:
    double.answer("GET", QUERY, laid_out(200, ROWS))
    double.answer("POST", TOKEN, laid_out(200, {"access_token": "t", "instance_url": double.url}))

    def open_client(budget: int | None) -> Client:
        return Client(
            SalesforceCredentials(login_url=double.url, client_id="i", client_secret="s", daily_budget=budget)
        )

    return open_client


def test_nothing_is_known_before_the_first_answer(limited: Any, double: Any) -> None:
    assert limited(None).quota == Quota()
    assert limited(7).quota == Quota(budget=7)
    assert limited(7).server_time is None
    assert double.asked == []


@pytest.mark.parametrize("status", [200, 204, 400, 403, 404, 500])
@pytest.mark.parametrize(
    "header",
    ["api-usage=18/5000", "api-usage=18/5000; per-app-api-usage=17/250(appName=sample)",
     "per-app-api-usage=17/250(appName=sample); api-usage=18/5000"],
)  # fmt: skip
def test_the_usage_is_read_in_any_order_and_from_every_answer(
    client: Client, double: Any, laid_out: Any, header: str, status: int
) -> None:
    double.answer(
        "GET", QUERY, laid_out(status, ROWS if status == 200 else "", {"Sforce-Limit-Info": header})
    )
    if status >= 400:
        with pytest.raises(CrmError):
            client.request("GET", "query/")
    else:
        client.request("GET", "query/")
    assert client.usage == Usage(used=18, total=5000)
    assert (client.quota.total, client.quota.used, client.quota.remaining) == (5000, 18, 4982)
    assert client.quota.resets_at is None


@pytest.mark.parametrize(
    "header", ["", "api-usage=", "api-usage=a/b", "per-app-api-usage=17/250(appName=x)", "x"]
)
def test_a_header_of_another_kind_says_nothing(
    client: Client, double: Any, laid_out: Any, header: str
) -> None:
    double.answer("GET", QUERY, laid_out(200, ROWS, {"Sforce-Limit-Info": header}))
    client.query(ASK)
    assert client.usage is None
    assert client.quota == Quota(own=1)


def test_the_newest_answer_counts(client: Client, double: Any, laid_out: Any) -> None:
    double.answer(
        "GET", QUERY,
        *(laid_out(200, ROWS, {"Sforce-Limit-Info": f"api-usage={used}/5000"}) for used in (18, 19)),
        laid_out(200, ROWS),
    )  # fmt: skip
    for _ in range(3):
        client.query(ASK)
    assert client.quota == Quota(total=5000, used=19, own=3)


def test_the_time_is_that_of_the_org(client: Client, double: Any, laid_out: Any) -> None:
    double.answer(
        "GET", QUERY,
        laid_out(200, ROWS, {"Date": "Sun, 22 Nov 2026 12:00:00 GMT"}), laid_out(200, ROWS, {"Date": "noon"}),
    )  # fmt: skip
    client.query(ASK)
    client.query(ASK)
    assert client.server_time is not None
    assert client.server_time.isoformat() == "2026-11-22T12:00:00+00:00"


def test_the_budget_counts_every_attempt_but_no_token(limited: Any, double: Any, laid_out: Any) -> None:
    double.answer("GET", QUERY, laid_out(400, LOCKED), laid_out(401), laid_out(200, ROWS))
    client = limited(10)
    client.query(ASK)
    assert double.paths().count(f"POST {TOKEN}") == 2
    assert (client.calls, client.quota.own, client.quota.remaining) == (3, 3, 7)


def test_a_spent_budget_sends_nothing_more(limited: Any, double: Any) -> None:
    client = limited(2)
    client.query(ASK)
    client.query(ASK)
    with pytest.raises(QuotaError) as caught:
        client.query(ASK)
    assert (caught.value.reason, double.paths().count(f"GET {QUERY}")) == ("budget_spent", 2)
    assert caught.value.resets_at is not None
    assert client.quota.remaining == 0


def test_a_budget_that_ends_between_attempts_is_told_as_such(
    limited: Any, double: Any, laid_out: Any
) -> None:
    double.answer("GET", QUERY, laid_out(400, LOCKED))
    client = limited(2)
    with pytest.raises(RetryableError) as caught:
        client.query(ASK)
    assert caught.value.reason == "budget_spent"
    assert double.paths().count(f"GET {QUERY}") == 2


def test_threads_share_the_budget(limited: Any, double: Any) -> None:
    client = limited(20)

    def ask(_: int) -> bool:
        try:
            client.query(ASK)
        except QuotaError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        went = list(pool.map(ask, range(40)))
    assert (went.count(True), double.paths().count(f"GET {QUERY}")) == (20, 20)
