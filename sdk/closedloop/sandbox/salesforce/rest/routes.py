"""Every address of the API, gathered from the modules that answer."""

from __future__ import annotations

from collections.abc import Iterator

from closedloop.sandbox.salesforce.bulk import routes as bulk_routes
from closedloop.sandbox.salesforce.login.access import Access
from closedloop.sandbox.salesforce.login.passwords import Passwords
from closedloop.sandbox.salesforce.metadata import routes as metadata
from closedloop.sandbox.salesforce.rest import collections, composites, layouts, organisation, sobjects
from closedloop.sandbox.salesforce.rest.route import Route, Services
from closedloop.sandbox.salesforce.soap import routes as soap_routes
from closedloop.sandbox.salesforce.soql import queries, searches


def routes(services: Services) -> Iterator[Route]:
    """Every route, a module at a time."""
    yield from Access(services).routes()
    yield from Passwords(services).routes()
    yield from soap_routes.routes(services)
    yield from metadata.routes(services)
    yield from organisation.routes(services)
    yield from queries.routes()
    yield from searches.routes()
    yield from _records(services)
    yield from layouts.routes()
    yield from composites.routes(services)
    yield from bulk_routes.routes(services)


def _records(services: Services) -> tuple[Route, ...]:
    replication = services.replication
    one = "/sobjects/<sobject>"
    return (
        Route(methods="GET", path="/sobjects", handler=sobjects.every),
        Route(methods="GET POST", path=one, handler=sobjects.table),
        Route(methods="GET", path=f"{one}/describe", handler=sobjects.described),
        Route(methods="GET", path=f"{one}/updated", handler=replication.updated),
        Route(methods="GET", path=f"{one}/deleted", handler=replication.deleted),
        Route(methods="GET PATCH DELETE", path=f"{one}/<id>", handler=sobjects.record),
        # nforce writes names in lower case.
        *(
            Route(methods="GET", path=f"{one}/<id>/{name}", handler=sobjects.blob)
            for name in ("Body", "body")
        ),
        Route(methods="GET PATCH DELETE", path=f"{one}/<field>/<value>", handler=sobjects.by_key),
        Route(methods="POST PATCH DELETE", path="/composite/sobjects", handler=collections.write),
        Route(methods="GET POST", path="/composite/sobjects/<sobject>", handler=collections.retrieve),
        Route(methods="PATCH", path="/composite/sobjects/<sobject>/<field>", handler=collections.upsert),
    )
