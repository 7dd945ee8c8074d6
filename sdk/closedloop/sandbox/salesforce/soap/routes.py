"""The addresses of the SOAP APIs; what stands behind the version (an organisation's id) does not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from closedloop.sandbox.salesforce.partner import leads, writing
from closedloop.sandbox.salesforce.partner.reading import Reading
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.route import Route, Services
from closedloop.sandbox.salesforce.soap.login import login
from closedloop.sandbox.salesforce.soap.markup import Markup
from closedloop.sandbox.salesforce.soap.service import PARTNER, Face, Operation, SoapApi

OLDEST, NEWEST = 31, 68


def routes(services: Services) -> Iterator[Route]:
    """The partner API's."""
    yield from at("u", SoapApi(_partner(services), services.sessions, services.usage))


def _partner(services: Services) -> Face:
    def log_in(operation: Operation) -> Markup:
        return login(operation, services.login, services.sessions)

    def log_out(operation: Operation) -> Markup:
        services.sessions.end(operation.token)
        return Markup("")

    reading = Reading(services.replication).operations()
    return Face(
        space=PARTNER,
        faults="urn:fault.partner.soap.sforce.com",
        operations={
            "login": log_in,
            "logout": log_out,
            **reading,
            **writing.operations(),
            **leads.operations(),
        },
        public=frozenset({"login"}),
        oldest=OLDEST,
        newest=NEWEST,
        declares=' xmlns:sf="urn:sobject.partner.soap.sforce.com"',
    )


def at(letter: str, handler: Callable[[Call], Answer]) -> Iterator[Route]:
    """The addresses of one of the APIs: `u` is the partner API, `m` the Metadata API."""
    for end in ("", "/<a>", "/<a>/<b>"):
        path = f"/services/Soap/{letter}/<api>{end}"
        yield Route(methods="POST", path=path, handler=handler, public=True, alone=True)
