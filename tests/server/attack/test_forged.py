"""Forged, replayed and downgraded signatures, clocks that lie, bodies that are packed or that grow."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import time
import tracemalloc
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient

from closedloop.crm.hubspot import events as hubspot
from closedloop.crm.salesforce import events as salesforce

if TYPE_CHECKING:
    from tests.server.attack.conftest import Forms
    from tests.server.conftest import Loop

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

URI = "https://loop.example.com/webhooks/hubspot/marketing"


def version_1(secret: str, body: bytes) -> dict[str, str]:
    digest = hashlib.sha256(secret.encode() + body).hexdigest()
    return {"X-HubSpot-Signature": digest, "X-HubSpot-Signature-Version": "v1"}


def version_2(secret: str, body: bytes) -> dict[str, str]:
    digest = hashlib.sha256(f"{secret}POST{URI}".encode() + body).hexdigest()
    return {"X-HubSpot-Signature": digest, "X-HubSpot-Signature-Version": "v2"}


BESIDE = {
    "alone": ({}, "no_signature"),
    "beside an empty one": ({"X-HubSpot-Signature-v3": ""}, "no_signature"),
    "beside a wrong one": ({"X-HubSpot-Signature-v3": "AAAA"}, "bad_signature"),
    "beside a made-up header": ({"X-HubSpot-Signature-v2": "AAAA"}, "no_signature"),
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("older", [version_1, version_2], ids=["v1", "v2"])
@pytest.mark.parametrize("beside", BESIDE)
def test_a_right_signature_of_an_older_version_opens_nothing(
    loop: Loop,
    client: FlaskClient,
    forms: type[Forms],
    older: Callable[[str, bytes], dict[str, str]],
    beside: str,
) -> None:
    body = forms.events()
    others, reason = BESIDE[beside]
    moment = forms.signed(body, loop.clock())["X-HubSpot-Request-Timestamp"]
    headers = {"X-HubSpot-Request-Timestamp": moment, **older(forms.secret, body), **others}
    answer = client.post(forms.hubspot, data=body, headers=headers, content_type="application/json")
    assert (answer.status_code, (answer.json or {})["error"]) == (401, reason)


def test_a_right_signature_of_version_3_is_good_beside_wrong_older_ones(
    loop: Loop, client: FlaskClient, forms: type[Forms]
) -> None:
    """HubSpot is reported to send both."""
    body = forms.events()
    headers = {**forms.signed(body, loop.clock()), **version_1("wrong", body)}
    answer = client.post(forms.hubspot, data=body, headers=headers, content_type="application/json")
    assert answer.status_code == 200


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "timestamp",
    [
        "",
        "0",
        "-1",
        "1e13",
        "0x1",
        "１７",
        " 1",
        "NaN",
        "99999999999999",
        "9" * 400,
        "1;2",
        "2026-11-02T09:00:00Z",
    ],
)
def test_a_timestamp_that_is_none_or_of_another_time_is_refused_though_it_is_signed(
    client: FlaskClient, forms: type[Forms], timestamp: str
) -> None:
    body = forms.events()
    text = f"POST{URI}".encode() + body + timestamp.encode()
    headers = {
        "X-HubSpot-Signature-v3": hmac.new(forms.secret.encode(), text, hashlib.sha256).hexdigest(),
        "X-HubSpot-Request-Timestamp": timestamp.encode().decode("latin-1"),
    }
    answer = client.post(forms.hubspot, data=body, headers=headers, content_type="application/json")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("seconds", "status"), [(-301, 401), (-299, 200), (299, 200), (301, 401), (-86_400, 401), (10**9, 401)]
)
def test_a_delivery_is_good_for_five_minutes_on_either_side(
    loop: Loop, client: FlaskClient, forms: type[Forms], seconds: int, status: int
) -> None:
    body = forms.events()
    headers = forms.signed(body, loop.clock() + timedelta(seconds=seconds))
    answer = client.post(forms.hubspot, data=body, headers=headers, content_type="application/json")
    assert answer.status_code == status


def test_a_delivery_that_is_replayed_in_time_leaves_no_second_row_and_no_second_work(
    loop: Loop, client: FlaskClient, forms: type[Forms]
) -> None:
    body = forms.events()
    headers = forms.signed(body, loop.clock())
    for known in (False, True, True):
        answer = client.post(forms.hubspot, data=body, headers=headers, content_type="application/json")
        assert answer.json == {"stored": True, "known": known}
        loop.one_round()
    assert len(loop.rows("inbox")) == 1


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("method", ["PUT", "GET", "PATCH"])
@pytest.mark.parametrize("override", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_a_header_does_not_change_the_method(
    loop: Loop, client: FlaskClient, forms: type[Forms], method: str, override: str
) -> None:
    body = forms.events()
    headers = {**forms.signed(body, loop.clock()), override: "POST"}
    answer = client.open(
        forms.hubspot, method=method, data=body, headers=headers, content_type="application/json"
    )
    assert answer.status_code == 405


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("changed", ["?x=1", "?%00", "?a=%2F", ";x"])
def test_a_signature_for_one_address_is_none_for_another(
    loop: Loop, client: FlaskClient, forms: type[Forms], changed: str
) -> None:
    body = forms.events()
    headers = forms.signed(body, loop.clock())
    answer = client.post(forms.hubspot + changed, data=body, headers=headers, content_type="application/json")
    assert answer.status_code in {401, 404}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP", "identity, gzip", "x"])
@pytest.mark.parametrize("crm", ["hubspot", "salesforce"])
def test_a_packed_body_is_refused_before_it_is_unpacked(
    loop: Loop, client: FlaskClient, forms: type[Forms], encoding: str, crm: str
) -> None:
    """Ten megabytes of it would be ten gigabytes."""
    packed = (
        gzip.compress(b" " * 10_000_000) if "gzip" in encoding.lower() else zlib.compress(b" " * 10_000_000)
    )
    mime = "application/json" if crm == "hubspot" else "text/xml"
    headers = {**forms.signed(packed, loop.clock()), "Content-Encoding": encoding}
    path = forms.hubspot if crm == "hubspot" else forms.salesforce
    answer = client.post(path, data=packed, headers=headers, content_type=mime)
    assert (answer.status_code, (answer.json or {})["error"]) == (415, "wrong_content_encoding")
    assert answer.headers["Accept-Encoding"] == "identity"


def test_an_encoding_that_changes_nothing_may_be_named(
    loop: Loop, client: FlaskClient, forms: type[Forms]
) -> None:
    headers = {**forms.signed(forms.events(), loop.clock()), "Content-Encoding": "identity"}
    answer = client.post(forms.hubspot, data=forms.events(), headers=headers, content_type="application/json")
    assert answer.status_code == 200


BOMB = '<!DOCTYPE lolz [<!ENTITY a0 "lol">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
)
LAUGHS = {
    "billion laughs": (BOMB + "]>", "&a11;"),
    "quadratic blow-up": (f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>', "&a;" * 10_000),
    "external entity": ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', "&e;"),
    "entity over HTTP": ('<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:1/">]>', "&e;"),
    "parameter entity": ('<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/"> %p;]>', ""),
    "external DTD": ('<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">', ""),
    "lower case": ("<!doctype x>", ""),
    "entity without a DTD": ("", "&lol;"),
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("laugh", LAUGHS)
def test_xml_that_grows_or_that_fetches_is_refused_at_once(
    client: FlaskClient, forms: type[Forms], laugh: str
) -> None:
    before, inner = LAUGHS[laugh]
    body = forms.message(before=before, inner=f"<sf:Name>{inner}</sf:Name>")
    tracemalloc.start()
    began = time.process_time()
    answer = client.post(forms.salesforce, data=body, content_type="text/xml")
    spent, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 400
    assert spent < 5
    assert peak < 20_000_000


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "utf-16-be", "utf-32", "cp037"])
def test_another_encoding_hides_no_document_type(
    client: FlaskClient, forms: type[Forms], charset: str
) -> None:
    hidden = forms.message(before='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>').decode()
    body = f'<?xml version="1.0" encoding="{charset}"?>{hidden}'.encode(charset)
    answer = client.post(forms.salesforce, data=body, content_type=f"text/xml; charset={charset}")
    assert answer.status_code == 400


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("depth", [300, 100_000], ids=["deep", "very deep"])
def test_xml_that_is_nested_deeply_is_refused_or_harmless(
    client: FlaskClient, forms: type[Forms], depth: int
) -> None:
    answer = client.post(
        forms.salesforce,
        data=forms.message(inner="<sf:a>" * depth + "</sf:a>" * depth),
        content_type="text/xml",
    )
    assert (answer.status_code, (answer.json or {})["error"]) == (400, "not_xml")


@pytest.mark.parametrize("many", ["attributes", "elements", "namespaces"])
def test_a_message_full_of_names_is_answered_soon(
    loop: Loop, client: FlaskClient, forms: type[Forms], many: str
) -> None:
    """Two megabytes of what makes some parsers take the square of the time."""
    inner = {
        "attributes": "<sf:a " + " ".join(f'b{n}="1"' for n in range(100_000)) + "/>",
        "elements": "<sf:a/>" * 200_000,
        "namespaces": "".join(f'<n{n}:a xmlns:n{n}="urn:{n}"/>' for n in range(40_000)),
    }[many]
    body = forms.message(inner=inner)
    assert len(body) < salesforce.LARGEST
    began = time.process_time()
    answer = client.post(forms.salesforce, data=body, content_type="text/xml")
    assert answer.status_code in {200, 400}
    assert time.process_time() - began < 10
    assert len(loop.rows("inbox")) == (answer.status_code == 200)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 9_000_000,
        b'{"a":' * 1_500_000,
        b"[" + b"{}," * 3_000_000 + b"{}]",
        b"[" + b'{"portalId":26051000},' * 400_000 + b"{}]",
        b"[" + b"1" * 9_000_000 + b"]",
        json.dumps([{"portalId": 1, "x" * 9_000_000: 1}]).encode(),
    ],
    ids=["lists", "objects", "many", "many events", "a number", "a name"],
)
def test_json_that_is_large_in_any_way_is_refused_soon(
    loop: Loop, client: FlaskClient, forms: type[Forms], body: bytes
) -> None:
    """Signed: nobody but the CRM itself could send it."""
    assert len(body) < hubspot.LARGEST
    began = time.process_time()
    headers = forms.signed(body, loop.clock())
    answer = client.post(forms.hubspot, data=body, headers=headers, content_type="application/json")
    assert answer.status_code in {400, 403}
    assert time.process_time() - began < 20
