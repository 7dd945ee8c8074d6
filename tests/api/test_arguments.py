"""What the API does with arguments that it cannot use."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Get = Callable[..., Any]
CAMPAIGN = "/campaigns/701Qy0000000000AAA"


@pytest.mark.parametrize(
    ("path", "arguments", "reason", "hint"),
    [
        ("/campaigns", {"colour": "red"}, "unknown_argument", "colour"),
        ("/campaigns", {"outcome": "won"}, "unknown_argument", "sort"),
        ("/reasons", {"model": "linear"}, "unknown_argument", "as_of"),
        (CAMPAIGN, {"limit": "1"}, "unknown_argument", "model"),
        (CAMPAIGN + "/dispositions", {"sort": "name"}, "unknown_argument", "outcome"),
        ("/campaigns", {"model": "markov"}, "bad_argument", "linear"),
        ("/campaigns", {"sort": "colour"}, "bad_argument", "last_decision"),
        ("/campaigns", {"limit": "0"}, "bad_argument", "limit"),
        ("/campaigns", {"limit": "201"}, "bad_argument", "200"),
        ("/campaigns", {"limit": "many"}, "bad_argument", "limit"),
        ("/campaigns", {"q": "x" * 201}, "bad_argument", "q"),
        ("/campaigns", {"q": "a\0b"}, "bad_argument", "NUL"),
        ("/campaigns", {"q": ["a", "b"]}, "bad_argument", "more than once"),
        (CAMPAIGN + "/dispositions", {"outcome": "reopened"}, "bad_argument", "accepted"),
        (CAMPAIGN + "/dispositions", {"reason": "bored"}, "bad_argument", "no_budget"),
        ("/unattributed", {"cause": "bad luck"}, "bad_argument", "no_person"),
    ],
)
def test_a_bad_argument_is_refused_and_the_answer_says_what_was_expected(
    get: Get, path: str, arguments: dict[str, Any], reason: str, hint: str
) -> None:
    answer = get(path, status=400, **arguments)
    assert answer["error"] == reason
    assert hint in answer["message"]


def test_a_blank_argument_counts_as_left_out(get: Get) -> None:
    assert get("/campaigns", q="", model="", connection="") == get("/campaigns")


def _cursor(parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "%%%",
        "é",
        _cursor({}),
        _cursor([1, 2, 3, 4]),
        _cursor(["NaN", "", "", ""]),
        _cursor(["Infinity", "", "", ""]),
        _cursor(["x", "", "", ""]),
        _cursor(["1", "", "a\0", ""]),
        _cursor(["2026-11-20T00:00:00", 1, "", ""]),
        _cursor(["0001-01-01T00:00:00+14:00", 1, "", ""]),
        _cursor(["2026-11-20T00:00:00Z", 2**70, "", ""]),
        _cursor(["2026-11-20T00:00:00Z", -1, "", ""]),
        _cursor(["2026-11-20T00:00:00Z", True, "", ""]),
        base64.urlsafe_b64encode(b"[" * 1400).decode().rstrip("="),
        "A" * 1999,
    ],
)
@pytest.mark.parametrize("path", ["/campaigns", "/unattributed"])
def test_a_cursor_that_no_list_gave_out_is_refused(get: Get, path: str, cursor: str) -> None:
    assert get(path, status=400, cursor=cursor)["error"] == "bad_cursor"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=300))
def test_no_text_as_a_cursor_ends_in_a_failure_of_the_server(site: Any, text: str) -> None:
    headers = {"Authorization": f"Bearer {site.token}"}
    for path in ("/campaigns", "/unattributed"):
        query = {"cursor": text.encode("utf-8", "replace")}
        answer = site.app.test_client().get(f"/api/v1{path}", query_string=query, headers=headers)
        assert answer.status_code in {200, 400}
        assert answer.is_json
