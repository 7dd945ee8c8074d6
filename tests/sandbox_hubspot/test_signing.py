"""The portal signs its webhooks as HubSpot does: known answers, and HubSpot's own verifier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hubspot.utils.signature import Signature

from closedloop.sandbox.hubspot.webhooks.signing import decode_uri, signature_v1, signature_v3, signed_headers


@pytest.fixture(scope="module")
def vectors(corpus: Path) -> Any:
    return json.loads((corpus / "hubspot" / "signature_vectors.json").read_text("utf-8"))


def test_every_v3_vector_is_reproduced(vectors: Any) -> None:
    assert vectors["v3"]
    for v in vectors["v3"]:
        signed = signature_v3(v["secret"], v["method"], v["uri"], v["body"].encode(), v["timestamp"])
        assert signed == v["signature"], v["id"]


def test_every_v1_vector_is_reproduced(vectors: Any) -> None:
    assert vectors["v1"]
    for v in vectors["v1"]:
        assert signature_v1(v["secret"], v["body"].encode()) == v["signature"], v["id"]


def test_the_listed_escapes_are_decoded_once(vectors: Any) -> None:
    assert vectors["uri_decode"]
    for raw, decoded in vectors["uri_decode"]:
        assert decode_uri(raw) == decoded


def test_an_undecoded_uri_would_sign_differently(vectors: Any) -> None:
    (v,) = [v for v in vectors["v3"] if "negative_if_uri_not_decoded" in v]
    assert decode_uri(v["uri"]) == v["decoded_uri"]
    assert v["signature"] != v["negative_if_uri_not_decoded"]


def test_hubspots_own_verifier_accepts_the_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = signed_headers("secret", "POST", "https://a.example/hook", b"[1]", "1795000005000")
    # Its clock cannot be set: let it take any age.
    monkeypatch.setattr(Signature, "MAX_ALLOWED_TIMESTAMP", 10**12)
    common = {"client_secret": "secret", "request_body": "[1]"}
    assert Signature.is_valid(
        signature=headers["X-HubSpot-Signature-v3"],
        signature_version="v3",
        http_uri="https://a.example/hook",
        http_method="POST",
        timestamp="1795000005000",
        **common,
    )
    assert Signature.is_valid(signature=headers["X-HubSpot-Signature"], signature_version="v1", **common)
