"""The query endpoints: REST API Developer Guide, "Query", "QueryAll", "Query Options Header"."""

from __future__ import annotations

import re

from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.rest.call import Answer, Call
from closedloop.sandbox.salesforce.rest.route import Route
from closedloop.sandbox.salesforce.soql import query
from closedloop.sandbox.salesforce.soql.cursors import Cursors
from closedloop.sandbox.salesforce.soql.explain import plans
from closedloop.sandbox.salesforce.soql.query import Found

_LARGEST_PAGE = 2000
_SMALLEST_PAGE = 200


class Queries:
    """The endpoints, and the results that are open between the calls."""

    def __init__(self) -> None:
        self._cursors = Cursors()

    def query(self, call: Call) -> Answer:
        """GET query?q=…: the first page. GET query?explain=…: how it would be found."""
        explain = call.argument("explain")
        if explain is not None and call.argument("q") is None:
            return Answer(body=plans(call.org, explain))
        return self._first(call, deleted=False)

    def query_all(self, call: Call) -> Answer:
        """GET queryAll?q=…: the same, with what is in the recycle bin."""
        return self._first(call, deleted=True)

    def more(self, call: Call) -> Answer:
        """GET query/<locator>: a further page."""
        size = _page_size(call)
        return Answer(body=self._cursors.more(call.path["locator"], size=size, version=call.version))

    def _first(self, call: Call, *, deleted: bool) -> Answer:
        text = call.argument("q")
        if not text or not text.strip():
            raise Refusal("MALFORMED_QUERY", "A query string has to be specified")
        size, version = _page_size(call), call.version

        def children(found: Found) -> dict[str, object]:
            return self._cursors.children(call.org, found, size=size, version=version)

        found = query.run(call.org, text, version=version, deleted=deleted, children=children)
        if found.grouped and len(found.rows) > _LARGEST_PAGE:
            message = (
                "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single "
                "batch"
            )
            raise Refusal("EXCEEDED_ID_LIMIT", message)
        if found.grouped:
            size = _LARGEST_PAGE
        return Answer(body=self._cursors.page(call.org, found, size=size, version=version))


def routes() -> tuple[Route, ...]:
    """Where queries are answered."""
    queries = Queries()
    return (
        Route(methods="GET", path="/query", handler=queries.query),
        Route(methods="GET", path="/queryAll", handler=queries.query_all),
        Route(methods="GET", path="/query/<locator>", handler=queries.more),
        Route(methods="GET", path="/queryAll/<locator>", handler=queries.more),
    )


def _page_size(call: Call) -> int:
    wanted = re.search(
        r"batchSize\s*=\s*([0-9]{1,9})\b", call.request.headers.get("Sforce-Query-Options", "")
    )
    return max(_SMALLEST_PAGE, min(_LARGEST_PAGE, int(wanted[1]))) if wanted else _LARGEST_PAGE
