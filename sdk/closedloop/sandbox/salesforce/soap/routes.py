"""The addresses of the SOAP APIs; what stands behind the version (an organisation's id) does not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from closedloop.sandbox.salesforce.login.passwords import Passwords
from closedloop.sandbox.salesforce.partner import leads, writing
from closedloop.sandbox.salesforce.partner.reading import WITH_RECORDS, Reading
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.route import Route, Services
from closedloop.sandbox.salesforce.soap.login import login
from closedloop.sandbox.salesforce.soap.markup import Markup
from closedloop.sandbox.salesforce.soap.service import ENTERPRISE, PARTNER, Face, Operation, SoapApi

OLDEST, NEWEST = 31, 68


def routes(services: Services) -> Iterator[Route]:
    """The partner API's and the enterprise API's."""
    yield from at("u", SoapApi(_partner(services), services.sessions, services.usage))
    yield from at("c", SoapApi(_enterprise(services), services.sessions, services.usage))


def _partner(services: Services) -> Face:
    reading = Reading(services.replication).operations()
    return Face(
        space=PARTNER,
        faults="urn:fault.partner.soap.sforce.com",
        operations={**_sessions(services, "u"), **reading, **writing.operations(), **leads.operations()},
        public=frozenset({"login"}),
        oldest=OLDEST,
        newest=NEWEST,
        declares=' xmlns:sf="urn:sobject.partner.soap.sforce.com"',
    )


def _enterprise(services: Services) -> Face:
    """The API whose WSDL is an org's own: the calls that answer with no records, which look alike in both."""
    reading = Reading(services.replication).operations()
    alike = {name: call for name, call in reading.items() if name not in WITH_RECORDS}
    return Face(
        space=ENTERPRISE,
        faults="urn:fault.enterprise.soap.sforce.com",
        operations={**_sessions(services, "c"), **alike, **writing.operations(), **leads.operations()},
        public=frozenset({"login"}),
        oldest=OLDEST,
        newest=NEWEST,
        declares=' xmlns:sf="urn:sobject.enterprise.soap.sforce.com"',
    )


def _sessions(services: Services, letter: str) -> Mapping[str, Callable[[Operation], Markup]]:
    def log_in(operation: Operation) -> Markup:
        return login(operation, services.login, services.sessions, letter=letter)

    def log_out(operation: Operation) -> Markup:
        services.sessions.end(operation.token)
        return Markup("")

    return {"login": log_in, "logout": log_out, **Passwords(services).operations()}


def at(letter: str, handler: Callable[[Call], Answer]) -> Iterator[Route]:
    """The addresses of one of the APIs: `u` for the partner's, `c` the enterprise's, `m` for metadata."""
    for end in ("", "/<a>", "/<a>/<b>"):
        path = f"/services/Soap/{letter}/<api>{end}"
        yield Route(methods="POST", path=path, handler=handler, public=True, alone=True)
