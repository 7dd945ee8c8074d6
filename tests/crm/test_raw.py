"""Raw calls: what they may not carry."""

from __future__ import annotations

from typing import Any

import pytest

from closedloop.crm.raw import Answer, Raw
from closedloop.errors import AnswerError, BadValueError


class Recorder:
    """A client that answers nothing and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, method: str, path: str, **more: Any) -> Answer:
        self.asked.append((method, path, more))
        return Answer(status=200, body=b'{"amount": 0.1}')


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_a_raw_call_cannot_carry_another_token(name: str) -> None:
    recorder = Recorder()
    with pytest.raises(BadValueError) as caught:
        Raw(recorder).request("GET", "/x", headers={name: "Bearer other"})
    assert caught.value.reason == "own_authorization"
    assert recorder.asked == []


def test_other_headers_and_parameters_are_handed_on() -> None:
    recorder = Recorder()
    Raw(recorder).request("get", "/x", params={"a": "b"}, headers={"Sforce-Call-Options": "client=x"})
    method, path, more = recorder.asked[0]
    assert (method, path) == ("GET", "/x")
    assert more["params"] == {"a": "b"}
    assert more["headers"] == {"Sforce-Call-Options": "client=x"}


@pytest.mark.parametrize(
    ("call", "repeatable"),
    [("get", None), ("post", None), ("patch", True), ("put", None), ("delete", None)],
)
def test_a_verb_says_whether_it_may_be_repeated(call: str, repeatable: bool | None) -> None:
    recorder = Recorder()
    getattr(Raw(recorder), call)("/x")
    assert recorder.asked[0][2]["repeatable"] is repeatable


def test_an_answer_is_exact_json_or_an_error_without_its_body() -> None:
    assert str(Answer(status=200, body=b'{"amount": 0.1}').json()["amount"]) == "0.1"
    assert Answer(status=204).json() is None
    with pytest.raises(AnswerError) as caught:
        Answer(status=200, body=b"<html>secret</html>").json()
    assert caught.value.__context__ is None
