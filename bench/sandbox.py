"""Measures the sandboxes: how soon they answer, how many simple requests, and how fast a world is drawn."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.asker import ask
from bench.result import Figure, race
from closedloop.sandbox.http import LocalServer
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.sandbox.world import Market

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_BODY = b'{"id":"1"}'
_COMMAND = [sys.executable, "-c", "from closedloop.cli import main; main()", "sandbox", "--json"]
_FREE = [part for name in ("--port", "--salesforce-port", "--hubspot-port") for part in (name, "0")]
_STARTS = 5
_ROUNDS = 5


def sandbox_requests_per_s(n: int) -> list[Figure]:
    """Records read by id over one connection, from each sandbox and from a server that does nothing."""
    with LocalServer(_nothing) as server:
        most = _pace(server.url, "none", n)
    with SalesforceSandbox() as salesforce, HubSpotSandbox() as hubspot:
        lead = salesforce.org.insert("Lead", {"LastName": "Lovelace", "Company": "Analytical Engines"})
        contact = hubspot.portal.create("contacts", {"email": "ada@example.com", "lastname": "Lovelace"})
        questions = {
            "salesforce": (
                f"{salesforce.url}/services/data/v62.0/sobjects/Lead/{lead}",
                salesforce.access_token,
            ),
            "hubspot": (f"{hubspot.url}/crm/v3/objects/contacts/{contact}", hubspot.access_token),
        }
        paces = {crm: _pace(url, token, n) for crm, (url, token) in questions.items()}
    figures = [_figure("sandbox_requests_per_s", min(paces.values()), most, n)]
    return figures + [_figure(f"sandbox_requests_per_s_{crm}", pace, most, n) for crm, pace in paces.items()]


def sandbox_start_s(n: int) -> list[Figure]:
    """Fresh processes of `closedloop sandbox`, a world of n people in them, until both CRMs have answered.

    One that is not counted goes before, so that the bytecode is there, as pip puts it there.
    """
    with tempfile.TemporaryDirectory() as folder:
        known = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        starts = 1 + min(_STARTS, n // 100)
        took = [_start(n, known | {"PYTHONPYCACHEPREFIX": folder}) for _ in range(starts)]
    return [Figure(name="sandbox_start_s", value=statistics.median(took[1:] or took), unit="s", n=n)]


def _start(people: int, environment: Mapping[str, str]) -> float:
    """The seconds until both have answered."""
    command = [*_COMMAND, *_FREE, "--people", str(people)]
    began = time.perf_counter()
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, env=environment) as process:  # noqa: S603 - our own program
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            sheet: dict[str, Any] = json.loads(process.stdout.readline())
            salesforce, hubspot = sheet["salesforce"], sheet["hubspot"]
            query = f"{salesforce['url']}/services/data/v62.0/query?q=SELECT+Id+FROM+Lead+LIMIT+1"
            ask(query, salesforce["access_token"], 0)
            ask(f"{hubspot['url']}/crm/v3/objects/contacts?limit=1", hubspot["access_token"], 0)
            return time.perf_counter() - began
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


def world_people_per_s(n: int) -> list[Figure]:
    """How many people a second, with everything that becomes of them, one process draws."""
    took = race({"world": lambda: _drawn(n)}, rounds=_ROUNDS)
    return [Figure(name="world_people_per_s", value=n / took["world"], unit="people/s", n=n)]


def _drawn(people: int) -> int:
    return sum(len(story.people) for story in Market.of(people).stories())


def _figure(name: str, pace: float, most: float, n: int) -> Figure:
    return Figure(name=name, value=pace, unit="requests/s", baseline=most, ratio=pace / most, n=n)


def _pace(url: str, token: str, times: int) -> float:
    command = [sys.executable, "-m", "bench.asker", url, token, str(times)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
    return times / float(done.stdout)


def _nothing(_environ: WSGIEnvironment, start: StartResponse) -> list[bytes]:
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(_BODY)))])
    return [_BODY]
