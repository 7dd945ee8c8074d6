"""Where a webhook may go: never to this machine, its neighbours or a cloud's own services."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.server.subscriptions.conftest import Receiver, Reply

from closedloop.sandbox.tls import Certificate
from closedloop_server.subscriptions.addresses import may_be_told
from closedloop_server.subscriptions.calling import Caller
from closedloop_server.subscriptions.destination import destination
from closedloop_server.subscriptions.problems import SubscriptionError

HERE = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",  # noqa: S104 - it is what must not be called
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",  # the metadata service of most clouds
        "100.64.0.1",
        "100.100.100.200",  # Alibaba's metadata service
        "168.63.129.16",  # Azure's
        "192.0.0.192",  # Oracle's
        "192.88.99.1",
        "198.18.0.1",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",  # Amazon's metadata service
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2001::1",  # Teredo
        "100::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::1",  # 6to4 of 127.0.0.1
        "2002:a00:1::1",
        "not an address",
        "",
    ],
)
def test_an_address_that_is_not_everybodys_is_not_called(address: str) -> None:
    assert not may_be_told(address, ())


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_a_public_address_may_be_called(address: str) -> None:
    assert may_be_told(address, ())


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203"])
def test_a_network_of_the_settings_may_be_called_and_its_neighbour_may_not(address: str) -> None:
    assert may_be_told(address, (ipaddress.ip_network("10.1.0.0/16"),))
    assert not may_be_told(address, (ipaddress.ip_network("10.2.0.0/16"), ipaddress.ip_network("fd00::/8")))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://user@example.com/", "must not hold a user"),
        ("https://user:secret@example.com/", "must not hold a user"),
        ("https://example.com@127.0.0.1/", "must not hold a user"),
        ("https://example.com/#here", "fragment"),
        ("ftp://example.com/", "must start with https://"),
        ("file:///etc/passwd", "must start with https://"),
        ("//example.com/", "must start with https://"),
        ("example.com", "must start with https://"),
        ("https://", "no name and no address"),
        ("https:///hook", "no name and no address"),
        ("https://exa mple.com/", "without blanks"),
        ("https://example.com\\@evil.example/", "backslashes"),
        ("https://example.com/\r\nX-Header: 1", "without blanks"),
        ("https://bücher.example/", "xn--"),
        ("https://１２７.0.0.1/", "xn--"),
        ("https://%31%32%37.0.0.1/", "no address in the usual form"),
        ("https://example.com:22/", "port must be"),
        ("https://example.com:0/", "port must be"),
        ("https://example.com:99999/", "its port is no number"),
        ("https://example.com:x/", "its port is no number"),
        ("https://2130706433/", "no address in the usual form"),
        ("https://0x7f000001/", "no address in the usual form"),
        ("https://0x7f.1/", "no address in the usual form"),
        ("https://0177.0.0.1/", "no address in the usual form"),
        ("https://127.1/", "no address in the usual form"),
        ("https://127.0.0.1..../", "no name and no address"),
        ("https://[::1/", "it is no URL"),
        ("https://[::g]/", "it is no URL"),
        ("https://a..example/", "no name and no address"),
        ("https://" + "a" * 2000, "at most 2000 characters"),
    ],
)
def test_a_url_that_no_webhook_should_go_to_is_refused_with_what_is_wrong(url: str, said: str) -> None:
    with pytest.raises(SubscriptionError, match="the URL cannot be used") as caught:
        destination(url)
    assert said in caught.value.message
    assert caught.value.reason == "bad_url"
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("url", "host", "port", "target", "header"),
    [
        ("https://Example.COM", "example.com", 443, "/", "example.com"),
        ("https://example.com./a?b=c", "example.com", 443, "/a?b=c", "example.com"),
        ("https://example.com:8443/", "example.com", 8443, "/", "example.com:8443"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"),
        (
            "https://[2606:2800:220:1::1]:8443/x",
            "2606:2800:220:1::1",
            8443,
            "/x",
            "[2606:2800:220:1::1]:8443",
        ),
        ("https://93.184.216.34./", "93.184.216.34", 443, "/", "93.184.216.34"),
        ("http://a_b.internal:80/", "a_b.internal", 80, "/", "a_b.internal"),
    ],
)
def test_a_url_comes_apart_in_one_form(url: str, host: str, port: int, target: str, header: str) -> None:
    place = destination(url)
    assert (place.host, place.port, place.target, place.host_header) == (host, port, target, header)


def test_a_name_is_looked_up_once_so_that_rebinding_it_changes_nothing(receiver: Receiver) -> None:
    """The first answer is allowed here, any further one would lead to where nobody listens."""
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    caller = Caller(allowed=HERE, resolver=lambda *_: answers.pop(0))
    url = receiver.url.replace("127.0.0.1", "subscriber.example")
    assert caller.call(url, {}, b"{}").accepted
    assert receiver.requests[0].headers["host"] == url.split("/")[2]
    refused = caller.call(url, {}, b"{}")
    assert refused.error.startswith("private_address: subscriber.example leads to 169.254.169.254")
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("addresses", [["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["::1"]])
def test_a_name_with_one_private_address_among_public_ones_is_refused(addresses: list[str]) -> None:
    answer = Caller(resolver=lambda *_: addresses).call("https://subscriber.example/", {}, b"")
    assert (answer.status, answer.error.split(":")[0]) == (None, "private_address")


def test_plain_http_is_for_the_allowed_networks_alone(receiver: Receiver) -> None:
    public = Caller(allowed=HERE, resolver=lambda *_: ["8.8.8.8"])
    assert public.call("http://subscriber.example/", {}, b"").error.startswith("plain_http: ")
    assert Caller(allowed=HERE).call(receiver.url, {}, b"").accepted


def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, make_receiver: Callable[[], Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = make_receiver()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, proxy.url)
    assert Caller(allowed=HERE).call(receiver.url, {}, b"{}").accepted
    assert not proxy.requests


def test_of_a_long_answer_only_the_beginning_is_read_and_nothing_is_unpacked(receiver: Receiver) -> None:
    packed = b"\x1f\x8b" + b"\0\x01\x02" * 1_000_000
    receiver.otherwise = Reply(status=500, headers={"content-encoding": "gzip"}, body=packed)
    answer = Caller(allowed=HERE).call(receiver.url, {}, b"{}")
    assert answer.status == 500
    assert 0 < len(answer.body) <= 1024
    assert "\0" not in answer.body
    assert "accept-encoding" not in receiver.requests[0].headers
    assert "cookie" not in receiver.requests[0].headers


def test_who_drips_an_answer_byte_by_byte_is_cut_off(drip: str) -> None:
    answer = Caller(allowed=HERE, total=0.3).call(drip, {}, b"{}")
    assert answer.error == "timeout: there was no answer in time"
    assert answer.seconds < 5


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "bad_answer"),
        (b"HTTP/1.1 abc\r\n\r\n", "bad_answer"),
        (b"", "broken_off"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n", "bad_answer"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000, "bad_answer"),
    ],
    ids=["no_http", "no_status", "nothing", "many_headers", "long_header"],
)
def test_whatever_is_answered_ends_in_a_word_of_ours(
    answers_raw: Callable[[bytes], str], raw: bytes, said: str
) -> None:
    answer = Caller(allowed=HERE).call(answers_raw(raw), {}, b"{}")
    assert answer.status is None
    assert answer.error.split(":")[0] == said


def test_a_body_that_breaks_off_changes_nothing_about_the_status(
    answers_raw: Callable[[bytes], str],
) -> None:
    url = answers_raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    answer = Caller(allowed=HERE).call(url, {}, b"{}")
    assert answer.accepted


def test_who_answers_and_then_keeps_the_connection_holds_nothing_up(
    answers_and_stays: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("closedloop_server.subscriptions.calling.BODY", 0.1)
    answer = Caller(allowed=HERE).call(answers_and_stays, {}, b"{}")
    assert (answer.accepted, answer.body) == (True, "")
    assert answer.seconds < 5


def test_nobody_listening_and_an_unknown_name_are_said() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert Caller(allowed=HERE).call(f"http://127.0.0.1:{port}/", {}, b"").error.startswith("refused: ")

    def unknown(*_: object) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    caller = Caller(resolver=unknown)
    assert caller.call("https://nowhere.example/", {}, b"").error.startswith("unknown_host: ")
    # It may be known tomorrow: an address that nobody knows yet can be subscribed.
    caller.check("https://nowhere.example/")


def test_over_tls_the_certificate_has_to_be_that_of_the_name(receiver: Receiver, tmp_path: Path) -> None:
    certificate = Certificate.make(tmp_path)
    trust = ssl.create_default_context(cafile=certificate.authority)
    with _encrypted(certificate, receiver) as port:
        caller = Caller(allowed=HERE, resolver=lambda *_: ["127.0.0.1"], trust=trust)
        assert caller.call(f"https://localhost:{port}/hook", {}, b"{}").accepted
        wrong = caller.call(f"https://subscriber.example:{port}/hook", {}, b"{}")
        assert wrong.error.startswith("bad_certificate: ")
        untrusted = Caller(allowed=HERE).call(f"https://127.0.0.1:{port}/hook", {}, b"{}")
        assert untrusted.error.startswith("bad_certificate: ")
    plain = Caller(allowed=HERE).call(receiver.url.replace("http:", "https:"), {}, b"{}")
    assert plain.error.startswith("bad_tls: ")
    assert len(receiver.requests) == 1


@contextmanager
def _encrypted(certificate: Certificate, receiver: Receiver) -> Iterator[int]:
    """The port at which the receiver is reached over TLS."""
    listener = socket.create_server(("127.0.0.1", 0))
    decrypting = certificate.decrypting(listener, to_port=receiver.port)
    decrypting.start()
    yield listener.getsockname()[1]
    decrypting.stop()
