"""Where jobs are sent: those of the older Bulk API, and both kinds of Bulk API 2.0."""

from __future__ import annotations

from collections.abc import Iterator

from closedloop.sandbox.salesforce.bulk.bulk_query import QueryJobs
from closedloop.sandbox.salesforce.bulk.dataload_endpoints import DataloadJobs
from closedloop.sandbox.salesforce.bulk.ingest import IngestJobs
from closedloop.sandbox.salesforce.rest.route import Route, Services


def routes(services: Services) -> Iterator[Route]:
    """Their addresses. None of them can be part of a composite request."""
    older = DataloadJobs(services)
    yield from older.routes()
    queries = QueryJobs(services.bulk, services.usage, older.listed)
    ingests = IngestJobs(services.bulk, services.usage, older.listed)
    query, ingest = "/jobs/query", "/jobs/ingest"
    for methods, path, handler in (
        ("GET POST", query, queries.every),
        ("GET PATCH DELETE", f"{query}/<job>", queries.one),
        ("GET", f"{query}/<job>/results", queries.results),
        ("GET", f"{query}/<job>/resultPages", queries.pages),
        ("GET POST", ingest, ingests.every),
        ("GET PATCH DELETE", f"{ingest}/<job>", ingests.one),
        ("PUT", f"{ingest}/<job>/batches", ingests.upload),
        ("GET", f"{ingest}/<job>/successfulResults", ingests.successful),
        ("GET", f"{ingest}/<job>/failedResults", ingests.failed),
        ("GET", f"{ingest}/<job>/unprocessedrecords", ingests.unprocessed),
        ("GET", f"{ingest}/<job>/unprocessedRecords", ingests.unprocessed),  # simple-salesforce
    ):
        yield Route(methods=methods, path=path, handler=handler, alone=True)
