"""Failures to order, and what becomes of a write whose answer is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from closedloop.sandbox.disturbance import Disturbance
from closedloop.sandbox.hubspot import HubSpotSandbox, Portal

Call = Callable[..., requests.Response]
CONTACTS = "/crm/v3/objects/contacts"
NEW = {"properties": {"email": "ada@example.com"}}


@pytest.mark.parametrize(("what", "made"), [(Disturbance.LOST, 1), (Disturbance.RESET, 0)])
def test_a_connection_is_cut_after_the_write_or_before(
    call: Call, sandbox: HubSpotSandbox, what: Disturbance, made: int
) -> None:
    sandbox.disturbances.plan(what, path=CONTACTS, method="POST")
    with pytest.raises(requests.ConnectionError):
        call("POST", CONTACTS, json=NEW)
    assert len(sandbox.portal.ids("contacts")) == made


def test_a_silence_keeps_nobody_else_waiting(call: Call, sandbox: HubSpotSandbox) -> None:
    sandbox.disturbances.plan(Disturbance.SILENCE, path=CONTACTS, method="POST")
    with pytest.raises(requests.ReadTimeout):
        requests.post(sandbox.url + CONTACTS, json=NEW, timeout=0.05)
    assert call("GET", CONTACTS).json()["results"] == []


def test_only_the_named_calls_fail_and_so_often(call: Call, portal: Portal) -> None:
    portal.faults.add(503, path="/deals", method="GET", times=2)
    assert call("GET", CONTACTS).status_code == 200
    assert [call("GET", "/crm/v3/objects/deals").status_code for _ in range(3)] == [503, 503, 200]
