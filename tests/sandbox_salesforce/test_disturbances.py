"""What goes wrong on the way, as a client meets it."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from closedloop.sandbox.salesforce import Disturbance, Org, SalesforceSandbox

LEAD = {"LastName": "Lovelace", "Company": "Acme"}


def test_a_request_that_is_never_answered_does_nothing(
    salesforce: SalesforceSandbox, http: Any, org: Org
) -> None:
    salesforce.disturb(Disturbance.SILENCE, method="POST")
    address = f"{http.url}/sobjects/Lead"
    with pytest.raises(requests.ReadTimeout):
        http.session.post(address, json=LEAD, timeout=0.1)
    assert org.rows("Lead") == []
    assert http("GET", "/limits").status_code == 200


def test_a_connection_is_cut_before_or_after_the_effect(
    salesforce: SalesforceSandbox, http: Any, org: Org
) -> None:
    for what, made in ((Disturbance.RESET, 0), (Disturbance.LOST, 1)):
        salesforce.disturb(what, path="/sobjects/Lead")
        with pytest.raises(requests.ConnectionError):
            http("POST", "/sobjects/Lead", json=LEAD)
        assert len(org.rows("Lead")) == made
    assert http("POST", "/sobjects/Lead", json=LEAD).status_code == 201


def test_an_answer_ends_in_the_middle(salesforce: SalesforceSandbox, http: Any) -> None:
    salesforce.disturb(Disturbance.TRUNCATED, path="/limits")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        http("GET", "/limits")


def test_an_answer_drips(salesforce: SalesforceSandbox, http: Any, lead: str) -> None:
    salesforce.disturb(Disturbance.DRIPPING, seconds=0.0001)
    assert http("GET", f"/sobjects/Lead/{lead}").json()["Id"] == lead
    salesforce.disturb(Disturbance.DRIPPING, seconds=5)
    with http("GET", "/limits", stream=True) as answer:
        assert answer.status_code == 200
    begun = time.monotonic()
    salesforce.stop()
    assert time.monotonic() - begun < 5


def test_an_answer_comes_late(salesforce: SalesforceSandbox, http: Any) -> None:
    salesforce.disturb(Disturbance.DELAYED, seconds=0.05)
    begun = time.monotonic()
    assert http("GET", "/limits").status_code == 200
    assert time.monotonic() - begun >= 0.05


def test_a_page_comes_instead_as_often_as_asked(salesforce: SalesforceSandbox, http: Any, org: Org) -> None:
    salesforce.disturb(Disturbance.PAGE, times=2, path="/sobjects", method="POST")
    for _ in range(2):
        answer = http("POST", "/sobjects/Lead", json=LEAD)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")
    assert org.rows("Lead") == []
    assert http("POST", "/sobjects/Lead", json=LEAD).status_code == 201
