"""The way to the org: certificates and proxies."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from closedloop.crm.salesforce.soql import Question
from closedloop.errors import CrmError, RetryableError

ASK = [Question("SELECT Id FROM Lead WHERE Email = 'jane@example.com'")]
ROWS = b'{"done": true, "records": []}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
WHOLE = HEAD % len(ROWS) + ROWS


def whole(connection: socket.socket, head: bytes) -> None:
    connection.sendall(WHOLE)


def slow(connection: socket.socket, head: bytes) -> None:
    for byte in WHOLE:
        connection.sendall(bytes([byte]))
        time.sleep(0.02)


def refuses(connection: socket.socket, head: bytes) -> None:
    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_that_nobody_vouches_for_ends_it_at_once(
    connect_to: Any, wire: Any, tls: ssl.SSLContext, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    server = wire(whole, tls)
    with pytest.raises(CrmError) as caught:
        connect_to(server.url).request("POST", "x", body={})
    assert (type(caught.value), caught.value.reason) == (CrmError, "bad_certificate")
    assert (server.asked, waits) == ([], [])


def test_an_authority_that_the_environment_names_is_trusted_and_the_deadline_holds_there_too(
    connect_to: Any, wire: Any, tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    server = wire(whole, tls)
    client = connect_to(server.url)
    assert client.query(ASK) == [[]]
    assert client.query(ASK) == [[]]
    assert server.connections == 1
    dripping = wire(slow, tls)
    with pytest.raises(RetryableError):
        connect_to(dripping.url, timeouts=(1.0, 1.0), deadline=0.3).get("x")


def test_the_environments_proxy_is_used_but_not_for_this_machine(
    connect_to: Any, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = wire(refuses)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy.url)
    with pytest.raises(RetryableError) as caught:
        connect_to("https://acme.my.salesforce.com").request("POST", "x", body={})
    assert caught.value.reason == "no_connection"
    assert {head.split(b" HTTP/")[0] for head in proxy.asked} == {b"CONNECT acme.my.salesforce.com:443"}
    assert b"Bearer" not in b"".join(proxy.asked)
    server = wire(whole)
    assert connect_to(server.url).query(ASK) == [[]]
    assert len(proxy.asked) == 5
