"""JSON on its way to and from a CRM, and the headers that both CRMs send."""

from __future__ import annotations

import json
from collections import UserDict
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import pytest

from closedloop.crm.wire import dumps, loads, moment, retry_after
from closedloop.errors import AnswerError, BadValueError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Word(StrEnum):
    LOST = "lost"


class Number(IntEnum):
    TWO = 2


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (2**70, "1180591620717411303424"),
        (Number.TWO, "2"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (Decimal("0.10"), "0.10"),
        (Decimal("12345678901234567890.123456789"), "12345678901234567890.123456789"),
        (Decimal("1E+3"), "1E+3"),
        (Decimal("-0"), "-0"),
        ("", '""'),
        ('a"b\\c\n\t\x00', r'"a\"b\\c\n\t\u0000"'),
        ("Zoë 🎈", '"Zoë 🎈"'),
        (Word.LOST, '"lost"'),
        ([], "[]"),
        ({}, "{}"),
        ([[], {}], "[[],{}]"),
        ((1, "a"), '[1,"a"]'),
        ({"a": 1, "b": {"c": [Decimal("1.50"), None]}}, '{"a":1,"b":{"c":[1.50,null]}}'),
        (MappingProxyType({"a": 1}), '{"a":1}'),
        (UserDict({"a": 1}), '{"a":1}'),
    ],
)
def test_what_json_can_hold_is_written_exactly(value: Any, written: str) -> None:
    assert dumps(value) == written.encode()
    json.loads(dumps(value))


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"Amount": float("nan")}, "Amount"),
        ({"Amount": float("inf")}, "Amount"),
        ({"Amount": float("1e400")}, "Amount"),
        ({"Amount": Decimal("NaN")}, "Amount"),
        ({"Amount": Decimal("sNaN")}, "Amount"),
        ({"Amount": Decimal("-Infinity")}, "Amount"),
        ({"Name": "half \ud83d"}, "Name"),
        ({"records": [{"Name": "\udc00"}]}, "Name"),
        ({"half \ud83d": 1}, "half \\ud83d"),
        ({"Day": date(2026, 1, 1)}, "Day"),
        ({"Body": b"bytes"}, "Body"),
        ({"Ids": {"a"}}, "Ids"),
        ({1: "a"}, "1"),
        (object(), ""),
    ],
)
def test_what_json_cannot_hold_is_refused_by_its_name(value: Any, field: str) -> None:
    with pytest.raises(BadValueError) as caught:
        dumps(value)
    assert caught.value.field == field
    str(caught.value).encode()


def test_a_value_that_contains_itself_is_refused() -> None:
    value: dict[str, Any] = {}
    value["self"] = value
    with pytest.raises(BadValueError):
        dumps(value)


def test_numbers_come_back_exactly() -> None:
    assert loads(b'{"a": 0.10, "b": 3, "c": 1e400}') == {
        "a": Decimal("0.10"), "b": 3, "c": Decimal("1e400"),
    }  # fmt: skip
    assert dumps(loads(b"[0.10,12345678901234567890.5]")) == b"[0.10,12345678901234567890.5]"


def test_an_empty_body_is_nothing() -> None:
    assert loads(b"") is None


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Down for maintenance</html>",
        b'{"records": [',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b"\xff\xfe\xfa",
        b'{"a": "\xe9"}',
        b"\x1f\x8b\x08garbage",
        b"[" * 100_000,
        b'{"a": 1e99999999999999999999}',
        b"1" * 5_000,
    ],
)
def test_what_is_not_json_is_an_answer_error_without_the_body(body: bytes) -> None:
    with pytest.raises(AnswerError) as caught:
        loads(body)
    assert "maintenance" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("0", 0.0),
        (" 30 ", 30.0),
        ("86401", 86_400.0),
        ("9" * 400, 86_400.0),
        ("Sun, 22 Nov 2026 12:00:20 GMT", 20.0),
        ("Sun, 22 Nov 2026 12:00:20 -0000", 20.0),
        ("Sun, 22 Nov 2026 14:00:20 +0200", 20.0),
        ("Sun, 22 Nov 2020 12:00:20 GMT", 0.0),
        ("Sun, 22 Nov 9020 12:00:20 GMT", 86_400.0),
        ("Sun, 99 Nov 2026 12:00:20 GMT", None),
        ("Sun, 22 Nov 99999 12:00:20 GMT", None),
    ],
)
def test_a_retry_after_header_of_any_kind_is_a_wait_or_none(
    header: str | None, seconds: float | None
) -> None:
    assert retry_after(header, NOW) == seconds


def test_a_date_header_is_a_moment_in_utc() -> None:
    assert moment("Sun, 22 Nov 2026 12:00:00 GMT") == NOW
    assert moment("Sun, 22 Nov 2026 12:00:00") == NOW
    assert moment("0") is None
    assert moment(None) is None
