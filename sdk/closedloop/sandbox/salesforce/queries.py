"""The query endpoints, and the cursors behind `nextRecordsUrl`."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any

from closedloop.sandbox.salesforce import query
from closedloop.sandbox.salesforce.call import Answer, Call
from closedloop.sandbox.salesforce.ids import new_id
from closedloop.sandbox.salesforce.query import Found
from closedloop.sandbox.salesforce.refusal import Refusal

_LARGEST_PAGE = 2000
_SMALLEST_PAGE = 200
# A user may have ten cursors open; the next one closes the oldest (reference: Limits).
_MOST_CURSORS = 10


class Cursors:
    """Results that are fetched page by page."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Found] = OrderedDict()

    def query(self, call: Call) -> Answer:
        """GET query?q=…: the first page."""
        return self._first(call, deleted=False)

    def query_all(self, call: Call) -> Answer:
        """GET queryAll?q=…: the same, with what is in the recycle bin."""
        return self._first(call, deleted=True)

    def more(self, call: Call) -> Answer:
        """GET query/<locator>: a further page."""
        cursor, _, start = call.path["locator"].partition("-")
        found = self._open.get(cursor)
        if found is None or not re.fullmatch(r"[0-9]{1,9}", start) or int(start) >= len(found.rows):
            raise Refusal("INVALID_QUERY_LOCATOR", "invalid query locator")
        return Answer(body=self._page(call, cursor, found, int(start)))

    def _first(self, call: Call, *, deleted: bool) -> Answer:
        text = call.argument("q")
        if not text:
            raise Refusal("MALFORMED_QUERY", "A query string has to be specified")
        found = query.run(call.org, text, version=call.version, deleted=deleted)
        if len(found.rows) <= _page_size(call):
            return Answer(body={"totalSize": found.total, "done": True, "records": found.records})
        cursor = new_id("01g", call.org.number())
        self._open[cursor] = found
        if len(self._open) > _MOST_CURSORS:
            self._open.popitem(last=False)
        return Answer(body=self._page(call, cursor, found, 0))

    def _page(self, call: Call, cursor: str, found: Found, start: int) -> dict[str, Any]:
        end, total = start + _page_size(call), len(found.rows)
        body: dict[str, Any] = {"totalSize": total, "done": end >= total}
        if end < total:
            body["nextRecordsUrl"] = f"/services/data/v{call.version}/query/{cursor}-{end}"
        return body | {"records": found.render(found.rows[start:end])}


def _page_size(call: Call) -> int:
    wanted = re.search(r"batchSize=([0-9]{1,9})\b", call.request.headers.get("Sforce-Query-Options", ""))
    return max(_SMALLEST_PAGE, min(_LARGEST_PAGE, int(wanted[1]))) if wanted else _LARGEST_PAGE
