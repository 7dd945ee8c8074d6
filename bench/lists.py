"""Measures `crm.contacts.list()`: memory and pace, the CRM being a sandbox in another process."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Any

from bench.result import Figure

_MOST_HUBSPOT = 2_000


class WrongCountError(AssertionError):
    """Not all records came: then no figure of the reading means anything."""


def list_memory_1m_vs_100k(n: int) -> list[Figure]:
    """The peak memory of reading n contacts by pages of Salesforce's REST, against a tenth of them."""
    large, small = (_read("salesforce", count)[0]["peak_kb"] / 1024 for count in (n, max(1, n // 10)))
    return [
        Figure(
            name="list_memory_1m_vs_100k", value=large, unit="MiB", baseline=small, ratio=large / small, n=n
        )
    ]


def list_records_per_s(n: int) -> list[Figure]:
    """How many contacts a second come out of each sandbox; the sandbox's own work is in it."""
    figures = []
    for crm, count in (("salesforce", n), ("hubspot", min(n, _MOST_HUBSPOT))):
        pace = statistics.median(count / each["seconds"] for each in _read(crm, count, times=3))
        figures.append(Figure(name=f"list_records_per_s_{crm}", value=pace, unit="records/s", n=count))
    return figures


def _read(crm: str, count: int, *, times: int = 1) -> list[dict[str, Any]]:
    """What the reader measured, each time in a fresh process."""
    command = [sys.executable, "-m", "bench.server", crm, str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own program
        assert server.stdin is not None  # noqa: S101 - it is a pipe
        assert server.stdout is not None  # noqa: S101 - it is a pipe
        try:
            credentials = server.stdout.readline()
            return [_read_once(crm, credentials, count) for _ in range(times)]
        finally:
            server.stdin.close()


def _read_once(crm: str, credentials: str, count: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.reader", crm, credentials]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
    found: dict[str, Any] = json.loads(done.stdout)
    if found["count"] != count:
        raise WrongCountError(f"{found['count']} of {count} records came from {crm}")
    return found
