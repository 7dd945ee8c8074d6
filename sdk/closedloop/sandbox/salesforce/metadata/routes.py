"""The addresses of the Metadata API and the Tooling API, which show the same components."""

from __future__ import annotations

from collections.abc import Iterator

from closedloop.sandbox.salesforce.metadata.calls import Calls
from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.changes import Changer
from closedloop.sandbox.salesforce.metadata.deployments import Deployments
from closedloop.sandbox.salesforce.metadata.rest import DeployRequests
from closedloop.sandbox.salesforce.metadata.wsdl import SPACE
from closedloop.sandbox.salesforce.rest.route import Route, Services
from closedloop.sandbox.salesforce.soap.routes import NEWEST, OLDEST, at
from closedloop.sandbox.salesforce.soap.service import Face, SoapApi
from closedloop.sandbox.salesforce.tooling.endpoints import Tooling


def routes(services: Services) -> Iterator[Route]:
    """Those of the SOAP calls, and those of deployments over REST."""
    changer = Changer(Catalogue(services.org))
    deployments = Deployments(changer, services.deploying)
    face = Face(
        space=SPACE,
        faults=SPACE,
        operations=Calls(changer, deployments).operations(),
        oldest=OLDEST,
        newest=NEWEST,
        detailed=False,
    )
    yield from at("m", SoapApi(face, services.sessions, services.usage))
    requests = DeployRequests(deployments)
    path = "/metadata/deployRequest"
    yield Route(methods="POST", path=path, handler=requests.every, alone=True)
    yield Route(methods="GET PATCH", path=f"{path}/<request>", handler=requests.one)
    yield from _tooling(Tooling(changer))


def _tooling(tooling: Tooling) -> Iterator[Route]:
    one = "/tooling/sobjects/<sobject>"
    yield Route(methods="GET", path="/tooling", handler=tooling.resources)
    yield Route(methods="GET", path="/tooling/query", handler=tooling.query)
    yield Route(methods="GET", path="/tooling/query/<locator>", handler=tooling.more)
    yield Route(methods="GET", path="/tooling/executeAnonymous", handler=tooling.execute)
    yield Route(methods="GET", path="/tooling/sobjects", handler=tooling.every)
    yield Route(methods="GET POST", path=one, handler=tooling.table)
    yield Route(methods="GET", path=f"{one}/describe", handler=tooling.described)
    yield Route(methods="GET PATCH DELETE", path=f"{one}/<id>", handler=tooling.record)
