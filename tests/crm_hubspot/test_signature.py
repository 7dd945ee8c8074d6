"""Who may speak for HubSpot."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from closedloop.crm.hubspot.events import verify
from closedloop.crm.hubspot.signature import decoded_uri
from closedloop.errors import DeliveryRefusedError

SECRET = "example-client-secret-0001"
URI = "https://hooks.example.com/hubspot/events"
STAMP = "1795000004000"
NOW = datetime.fromtimestamp(1795000004, UTC)


@pytest.fixture(scope="module")
def vectors(corpus: Path) -> Any:
    return json.loads((corpus / "hubspot" / "signature_vectors.json").read_text())


def moment(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def arguments(vector: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {
        "secrets": [vector["secret"]],
        "method": vector["method"],
        "uri": vector["uri"],
        "body": vector["body"].encode(),
        "signature": vector["signature"],
        "timestamp": vector["timestamp"],
        "now": moment(vector["timestamp"]),
    } | changed


def reason(**given: Any) -> str:
    with pytest.raises(DeliveryRefusedError) as refused:
        verify(**given)
    assert refused.value.status == 401
    return refused.value.reason


def test_every_published_and_computed_v3_signature_is_accepted(vectors: Any) -> None:
    assert len(vectors["v3"]) >= 6
    for vector in vectors["v3"]:
        verify(**arguments(vector))


def test_the_uri_is_decoded_exactly_as_hubspot_does(vectors: Any) -> None:
    for uri, expected in vectors["uri_decode"]:
        assert decoded_uri(uri) == expected


def test_a_signature_over_the_undecoded_uri_is_refused(vectors: Any) -> None:
    vector = next(v for v in vectors["v3"] if "negative_if_uri_not_decoded" in v)
    wrong = arguments(vector, signature=vector["negative_if_uri_not_decoded"])
    assert reason(**wrong) == "bad_signature"


def test_neither_v1_nor_v2_signatures_are_accepted(vectors: Any) -> None:
    for vector in [*vectors["v1"], *vectors["v2"]]:
        full = {"method": "POST", "uri": URI, "timestamp": STAMP} | vector
        assert reason(**arguments(full)) == "bad_signature"


CHANGES = {
    "a byte of the body": {"body": b"[] "},
    "the method": {"method": "PUT"},
    "the host": {"uri": "https://hooks.example.org/hubspot/events"},
    "the scheme": {"uri": "http://hooks.example.com/hubspot/events"},
    "the secret": {"secrets": ["example-client-secret-0002"]},
    "the signature's case": {"signature": "vpPAhNk9xWnGCfSBwWgvWoLJRBYuiL5Q+dkZSNmNWGe="},
    "a signature that is not ASCII": {"signature": "größe"},
    "a signature with a lone surrogate": {"signature": "\ud800"},
    "a path that is not ASCII": {"uri": URI + "/\udcff"},
}


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_anything_else_than_what_was_signed_is_refused(vectors: Any, changed: dict[str, Any]) -> None:
    vector = next(v for v in vectors["v3"] if v["id"] == "V3-TWO-EVENTS")
    assert reason(**arguments(vector, **changed)) == "bad_signature"


def test_any_of_several_secrets_will_do_while_they_are_changed(vectors: Any) -> None:
    vector = vectors["v3"][2]
    verify(**arguments(vector, secrets=["old", vector["secret"], ""]))


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_secret_nothing_is_accepted(vectors: Any, secrets: list[str]) -> None:
    assert reason(**arguments(vectors["v3"][0], secrets=secrets)) == "no_secret"


@pytest.mark.parametrize("signature", [None, ""])
def test_a_delivery_without_a_v3_signature_is_refused(vectors: Any, signature: str | None) -> None:
    assert reason(**arguments(vectors["v3"][0], signature=signature)) == "no_signature"


@pytest.mark.parametrize(
    "timestamp",
    [None, "", "now", "1e13", "-1", "1795000004000.0", " 1795000004000", "١٧٩٥", "9" * 16, "0x1A"],
)
def test_a_timestamp_that_is_not_digits_is_refused(vectors: Any, timestamp: str | None) -> None:
    assert reason(**arguments(vectors["v3"][0], timestamp=timestamp)) == "bad_timestamp"


@pytest.mark.parametrize(
    ("milliseconds", "fresh"),
    [(0, True), (300_000, True), (300_001, False), (-300_000, True), (-300_001, False)],
)
def test_five_minutes_are_fresh_both_ways_and_no_millisecond_more(
    vectors: Any, milliseconds: int, fresh: bool
) -> None:
    vector = vectors["v3"][0]
    given = arguments(vector, now=moment(vector["timestamp"]) + timedelta(milliseconds=milliseconds))
    if fresh:
        verify(**given)
    else:
        assert reason(**given) == "stale"


def test_a_naive_now_is_a_mistake_of_the_caller(vectors: Any) -> None:
    with pytest.raises(ValueError, match="time zone"):
        verify(**arguments(vectors["v3"][0], now=datetime(2026, 1, 1)))  # noqa: DTZ001 - what is tested


@given(
    body=st.binary(max_size=50),
    uri=st.text(max_size=50),
    signature=st.none() | st.text(max_size=50),
    timestamp=st.none() | st.text(max_size=20) | st.just(STAMP),
)
def test_whatever_a_stranger_sends_ends_in_a_refusal(
    body: bytes, uri: str, signature: str | None, timestamp: str | None
) -> None:
    with pytest.raises(DeliveryRefusedError):
        verify(
            secrets=[SECRET],
            method="POST",
            uri=uri,
            body=body,
            signature=signature,
            timestamp=timestamp,
            now=NOW,
        )
