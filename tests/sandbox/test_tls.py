"""HTTPS: clients that know nothing else run as they are, once they trust the sandbox's certificate."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce

from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.sandbox.tls import Certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def salesforce(certificate: Certificate) -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox(certificate=certificate) as sandbox:
        yield sandbox


def test_simple_salesforce_runs_as_it_is(
    salesforce: SalesforceSandbox, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.authority))
    client: Any = Salesforce(session_id=salesforce.access_token, instance_url=salesforce.url)
    made = client.Lead.create({"LastName": "Lovelace", "Company": "Acme"})
    assert client.Lead.get(made["id"])["LastName"] == "Lovelace"
    assert client.query("SELECT Id FROM Lead")["totalSize"] == 1


def test_answers_larger_than_a_buffer_arrive_whole(
    salesforce: SalesforceSandbox, certificate: Certificate
) -> None:
    for number in range(200):
        salesforce.org.insert("Account", {"Name": f"A{number}", "Description": "x" * 5000})
    answer = requests.get(
        f"{salesforce.url}/services/data/v62.0/query",
        params={"q": "SELECT Name, Description FROM Account"},
        headers={"Authorization": f"Bearer {salesforce.access_token}"},
        verify=str(certificate.authority),
        timeout=10,
    )
    assert len(answer.json()["records"]) == 200


def test_the_addresses_in_answers_are_https_too(certificate: Certificate) -> None:
    with HubSpotSandbox(certificate=certificate) as sandbox:
        assert sandbox.url.startswith("https://127.0.0.1:")
        for name in ("Ada", "Grace"):
            sandbox.portal.create("contacts", {"firstname": name})
        answer = requests.get(
            f"{sandbox.url}/crm/v3/objects/contacts?limit=1",
            headers={"Authorization": f"Bearer {sandbox.access_token}"},
            verify=str(certificate.authority),
            timeout=10,
        )
        assert answer.json()["paging"]["next"]["link"].startswith(f"{sandbox.url}/")


def test_a_client_that_does_not_trust_it_is_refused(salesforce: SalesforceSandbox) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(salesforce.url, timeout=10)


def test_what_is_no_encryption_is_hung_up_on(salesforce: SalesforceSandbox) -> None:
    port = int(salesforce.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            said = connection.recv(1000)
        except ConnectionResetError:
            said = b""
        assert b"200" not in said


def test_it_stops_while_a_connection_is_open(certificate: Certificate) -> None:
    sandbox = SalesforceSandbox(certificate=certificate)
    sandbox.start()
    port = int(sandbox.url.rpartition(":")[2])
    trusting = ssl.create_default_context(cafile=str(certificate.authority))
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        sandbox.stop()
        assert connection.recv(100) == b""


def test_one_that_never_started_stops(certificate: Certificate) -> None:
    SalesforceSandbox(certificate=certificate).stop()


def test_the_key_is_not_in_the_file_that_clients_trust(certificate: Certificate) -> None:
    files = list(Path(certificate.authority).parent.iterdir())
    assert files == [certificate.authority]
    assert b"PRIVATE" not in certificate.authority.read_bytes()
