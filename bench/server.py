"""Serves a CRM's sandbox in a process of its own: `python -m bench.server salesforce 1000000`.

Prints the address and the token as JSON, then serves until its input ends. Salesforce contacts are made
up while they are asked for, any number of them; a HubSpot portal holds its contacts in memory.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from closedloop.sandbox.http import LocalServer
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PAGE = 2_000
_SELECT = re.compile(r"SELECT (.+?) FROM Contact\b(?!.*\bWHERE\b)", re.IGNORECASE)
_VALUES: dict[str, Any] = {
    "IsDeleted": False,
    "CreatedDate": "2026-01-02T03:04:05.000+0000",
    "SystemModstamp": "2026-05-02T03:04:05.000+0000",
    "LastModifiedDate": "2026-05-02T03:04:05.000+0000",
    "Name": "Ada Lovelace",
    "FirstName": "Ada",
    "LastName": "Lovelace",
    "Email": "ada@example.com",
    "Phone": "+44 20 7946 0000",
    "Title": "Head of Analysis",
    "MailingCountry": "United Kingdom",
    "AccountId": "001ak00000AbCdEAAV",
    "OwnerId": "005ak000005hvjJAAQ",
    "LeadSource": "Web",
}


class EndlessContacts:
    """A Salesforce org with so many contacts, which come into being as their page is read."""

    def __init__(self, sandbox: SalesforceSandbox, count: int) -> None:
        self._sandbox, self._count = sandbox, count
        self._row = ""

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answers queries for all contacts; everything else is the sandbox's."""
        path = environ["PATH_INFO"]
        soql = parse_qs(environ["QUERY_STRING"]).get("q", [""])[0]
        asked = _SELECT.match(soql)
        if asked is not None and "/query" in path:
            self._row = _row(asked[1].replace(" ", "").split(","))
            body = self._page(0)
        elif "/query/0r8bench-" in path:
            body = self._page(int(path.rpartition("-")[2]))
        else:
            return self._sandbox.api(environ, start)
        start(
            "200 OK", [("Content-Type", "application/json;charset=UTF-8"), ("Content-Length", str(len(body)))]
        )
        return [body]

    def _page(self, first: int) -> bytes:
        after = min(first + _PAGE, self._count)
        answer: dict[str, Any] = {"totalSize": self._count, "done": after == self._count}
        if after < self._count:
            answer["nextRecordsUrl"] = f"/services/data/v62.0/query/0r8bench-{after}"
        rows = ",".join([self._row.replace("%", f"{number:08d}") for number in range(first, after)])
        return f'{json.dumps(answer)[:-1]}, "records": [{rows}]}}'.encode()


def _row(columns: Iterable[str]) -> str:
    id_ = "003ak00%AAA"
    fields = {name: id_ if name == "Id" else _VALUES.get(name) for name in columns}
    attributes = {"type": "Contact", "url": f"/services/data/v62.0/sobjects/Contact/{id_}"}
    return json.dumps({"attributes": attributes, **fields}, separators=(",", ":"))


def contact(number: int) -> dict[str, str]:
    """The properties of a HubSpot contact."""
    return {
        "email": f"person{number}@example.com",
        "firstname": "Ada",
        "lastname": f"Lovelace {number}",
        "phone": "+44 20 7946 0000",
        "jobtitle": "Head of Analysis",
        "company": "Analytical Engines",
        "country": "United Kingdom",
        "lifecyclestage": "lead",
    }


def _serve_salesforce(count: int) -> None:
    sandbox = SalesforceSandbox()
    server = LocalServer(EndlessContacts(sandbox, count))
    with sandbox, server:
        _announce(login_url=server.url, access_token=sandbox.access_token, bulk="never")


def _serve_hubspot(count: int) -> None:
    with HubSpotSandbox() as sandbox:
        for number in range(count):
            sandbox.portal.create("contacts", contact(number))
        _announce(base_url=sandbox.url, access_token=sandbox.access_token)


def _announce(**credentials: str) -> None:
    sys.stdout.write(json.dumps(credentials) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    {"salesforce": _serve_salesforce, "hubspot": _serve_hubspot}[sys.argv[1]](int(sys.argv[2]))
