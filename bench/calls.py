"""Counts the calls that reading and writing take, against the fewest that arithmetic allows."""

from __future__ import annotations

from math import ceil
from typing import Any

import closedloop
from bench.result import Figure
from closedloop.crm.connected import ConnectedCrm
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.received import ReceivedLog
from closedloop.sandbox.salesforce import SalesforceSandbox

_QUERY_PAGE = 2_000
"""Rows on a page of a Salesforce query, at most."""
_LIST_PAGE = 100
"""Records on a page of a HubSpot list, and in a batch, at most."""
_COLLECTION = 200
"""Records in a Salesforce collections request, at most."""
_BULK_JOB = 6
"""Requests of a Bulk API 2.0 job of one upload: create it, upload, say that this is all, ask whether it is
done, fetch the results and the failures."""


def read_calls_vs_minimum(n: int) -> list[Figure]:
    """A first `contacts.list()` of n records; that it asks first what fields there are counts too."""
    salesforce, hubspot = _calls(n)
    least = (ceil(n / _QUERY_PAGE), ceil(n / _LIST_PAGE))
    return _figures("read_calls_vs_minimum", (salesforce[1], hubspot[1]), least, n)


def write_calls_vs_minimum(n: int) -> list[Figure]:
    """A first `contacts.create_many` of n records."""
    salesforce, hubspot = _calls(n)
    least = (min(ceil(n / _COLLECTION), _BULK_JOB), ceil(n / _LIST_PAGE))
    return _figures("write_calls_vs_minimum", (salesforce[0], hubspot[0]), least, n)


def _figures(name: str, calls: tuple[int, int], least: tuple[int, int], n: int) -> list[Figure]:
    """Both CRMs together, then each."""
    rows = [(name, sum(calls), sum(least))]
    rows += [
        (f"{name}_{crm}", made, fewest)
        for crm, made, fewest in zip(("salesforce", "hubspot"), calls, least, strict=True)
    ]
    return [
        Figure(name=label, value=made, unit="calls", baseline=fewest, ratio=made / fewest, n=n)
        for label, made, fewest in rows
    ]


def _calls(n: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The calls of writing and of reading, Salesforce's and HubSpot's."""
    with SalesforceSandbox() as sandbox:
        given: dict[str, Any] = {"login_url": sandbox.url, "access_token": sandbox.access_token}
        salesforce = _written_and_read("salesforce", given, sandbox.received, n)
    with HubSpotSandbox() as portal:
        given = {"base_url": portal.url, "access_token": portal.access_token}
        hubspot = _written_and_read("hubspot", given, portal.received, n)
    return salesforce, hubspot


def _written_and_read(crm: str, given: dict[str, Any], received: ReceivedLog, n: int) -> tuple[int, int]:
    """Each through a connection of its own, which knows nothing of the CRM yet."""
    with _connected(crm, given) as writer:
        before = received.count
        people = [{"last_name": f"Lovelace {i}", "email": f"person{i}@example.com"} for i in range(n)]
        failed = [each for each in writer.contacts.create_many(people) if not each.ok]
        written = received.count - before
    with _connected(crm, given) as reader:
        before = received.count
        found = sum(1 for _ in reader.contacts.list())
        read = received.count - before
    if failed or found != n:
        raise AssertionError(f"{crm}: {len(failed)} records were not written, {found} of {n} were read")
    return written, read


def _connected(crm: str, given: dict[str, Any]) -> ConnectedCrm:
    connected: ConnectedCrm = closedloop.connect(crm, **given)
    return connected
