"""What a resource is given by mistake is refused before anything is sent, by a message that helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import pytest

import closedloop
from closedloop.crm.connected import ConnectedCrm
from closedloop.errors import BadValueError

NAIVE = datetime(2026, 11, 20, 14, 3)  # noqa: DTZ001 - what is refused


@pytest.fixture(params=["salesforce", "hubspot"])
def crm(request: pytest.FixtureRequest) -> Iterator[ConnectedCrm]:
    """A connection to nobody: whatever was sent would fail."""
    address = {"salesforce": "login_url", "hubspot": "base_url"}[request.param]
    credentials: dict[str, Any] = {"access_token": "x", address: "http://127.0.0.1:9"}
    with closedloop.connect(request.param, **credentials) as crm:
        yield crm


USES: list[tuple[Callable[[Any], Any], str, str]] = [
    (lambda it: it.get_many("123"), "not_a_list", "a list of ids, got one str"),
    (lambda it: it.get_many(123), "not_a_list", "a list of ids, got one int"),
    (lambda it: it.create_many({"last_name": "Meyer"}), "not_a_list", "a list of records, got one dict"),
    (lambda it: it.upsert_many({"email": "a@example.com"}, by="email"), "not_a_list", "got one dict"),
    (lambda it: it.delete_many("123"), "not_a_list", "a list of records or ids, got one str"),
    (lambda it: it.update_many([{"last_name": "Meyer"}]), "not_a_pair", "(record, {field: value})"),
    (lambda it: it.changes(NAIVE), "naive_datetime", "a datetime with a zone"),
    (lambda it: it.changes(date(2026, 11, 20)), "bad_cursor", "of type date"),
    (lambda it: it.changes(5), "bad_cursor", "of type int"),
    (lambda it: it.get(None), "bad_id", ""),
    (lambda it: it.update(None, {"last_name": "Meyer"}), "bad_id", ""),
    (lambda it: it.delete(None), "bad_id", ""),
    (lambda it: it.create(None), "wrong_type", "a mapping of our field names, or a record"),
]


@pytest.mark.parametrize(("use", "reason", "said"), USES)
def test_what_does_not_belong_is_refused_before_anything_is_sent(
    crm: ConnectedCrm, use: Callable[[Any], Any], reason: str, said: str
) -> None:
    with pytest.raises(BadValueError) as caught:
        use(crm.contacts)
    assert caught.value.reason == reason
    assert said in str(caught.value)


@pytest.mark.parametrize("path", [None, 5, b"/x"])
def test_a_raw_path_is_text(crm: ConnectedCrm, path: Any) -> None:
    with pytest.raises(BadValueError) as caught:
        crm.raw.get(path)
    assert caught.value.reason == "bad_path"
