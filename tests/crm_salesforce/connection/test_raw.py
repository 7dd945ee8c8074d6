"""What is never sent and never said: addresses elsewhere, broken requests, people."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from closedloop.crm.raw import Raw
from closedloop.crm.salesforce.soql import Question
from closedloop.errors import BadValueError, RetryableError

ASK = [Question("SELECT Id FROM Lead WHERE Email = 'jane@example.com'")]
ROWS = b'{"done": true, "records": []}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
WHOLE = HEAD % len(ROWS) + ROWS


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/x",
        "https://evil.example/x",
        "sobjects/Lead/../../x",
        "/..",
        "a/%2e%2E/b",
        "a//b",
        "x y",
        "x\r\ny",
        "",
        "x?q=1",
        "x#y",
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused_before_anything_is_sent(
    connect_to: Any, double: Any, path: str
) -> None:
    client = connect_to(double.url)
    with pytest.raises(BadValueError):
        client.request("GET", path)
    with pytest.raises(BadValueError):
        Raw(client).get(path)
    assert double.asked == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"headers": {"X-A": "a\r\nAuthorization: b"}},
        {"headers": {"X-A": "é\u20ac"}},
        {"headers": {"X A\n": "b"}},
        {"params": {"q": "half \ud83d"}},
        {"body": {"Amount": float("nan")}},
        {"body": {"Name": "\ud83d"}},
    ],
)
def test_what_cannot_be_sent_is_a_bad_value(connect_to: Any, double: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadValueError):
        connect_to(double.url).request("POST", "x", **{"body": {}, **wrong})
    assert double.asked == []


@pytest.mark.parametrize("method", ["GET\r\nX: y", "G T"])
def test_a_method_that_is_none_is_a_bad_value(connect_to: Any, double: Any, method: str) -> None:
    with pytest.raises(BadValueError):
        connect_to(double.url).request(method, "x")
    assert double.asked == []


def test_no_log_names_anybody(
    connect_to: Any, double: Any, laid_out: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    double.answer("GET", "/services/data/v62.0/query/", laid_out(200, ROWS))
    double.answer("PATCH", "/services/data/v62.0/sobjects/Lead/Mail__c/jane@example.com", laid_out(204))
    client = connect_to(double.url)
    client.query(ASK)
    client.request("PATCH", "sobjects/Lead/Mail__c/jane@example.com", body={"Phone": "555"})
    messages = [record.getMessage() for record in caplog.records if not record.name.startswith("waitress")]
    assert "PATCH sobjects/Lead was answered with 204" in messages
    assert not [text for text in messages if "jane" in text or "555" in text or "SELECT" in text]


def test_an_error_says_nothing_of_what_was_asked_not_even_in_its_cause(connect_to: Any) -> None:
    with pytest.raises(RetryableError) as caught:
        connect_to("http://127.0.0.1:9").query(ASK)
    told: BaseException | None = caught.value
    while told is not None:
        assert "jane" not in str(told)
        told = told.__cause__ or told.__context__
