"""Results that are fetched page by page, and the locators that lead to the next page."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any

from closedloop.sandbox.salesforce.ids import new_id
from closedloop.sandbox.salesforce.org import Org
from closedloop.sandbox.salesforce.refusal import Refusal
from closedloop.sandbox.salesforce.soql.query import Found

_LOCATOR = re.compile(r"(01g\w{12,15})-([0-9]{1,9})")
# A user may have ten cursors open; the next one closes the oldest (reference: Limits, not confirmed).
_MOST = 10
# Those of child relationships come in hundreds with one page. How many a real org keeps is not known.
_MOST_CHILDREN = 2000


class Cursors:
    """The results that are open."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Found] = OrderedDict()
        self._children: OrderedDict[str, Found] = OrderedDict()

    def page(self, org: Org, found: Found, *, size: int, version: str) -> dict[str, Any]:
        """The first page of what was found; a cursor is opened where there are more."""
        return _first(self._open, org, found, size=size, version=version, most=_MOST)

    def children(self, org: Org, found: Found, *, size: int, version: str) -> dict[str, Any]:
        """The first page of the records of a child relationship."""
        return _first(self._children, org, found, size=size, version=version, most=_MOST_CHILDREN)

    def more(self, locator: str, *, size: int, version: str) -> dict[str, Any]:
        """A further page."""
        parts = _LOCATOR.fullmatch(locator)
        cursor, start = (parts[1], int(parts[2])) if parts else ("", 0)
        found = self._open.get(cursor) or self._children.get(cursor)
        if found is None or start >= len(found.rows):
            raise Refusal("INVALID_QUERY_LOCATOR", "invalid query locator")
        return _page(cursor, found, start, size, version)


def _first(
    kept: OrderedDict[str, Found], org: Org, found: Found, *, size: int, version: str, most: int
) -> dict[str, Any]:
    if len(found.rows) <= size:
        return {"totalSize": found.total, "done": True, "records": found.records}
    cursor = new_id("01g", org.number())
    kept[cursor] = found
    if len(kept) > most:
        kept.popitem(last=False)
    return _page(cursor, found, 0, size, version)


def _page(cursor: str, found: Found, start: int, size: int, version: str) -> dict[str, Any]:
    end, total = start + size, len(found.rows)
    body: dict[str, Any] = {"totalSize": total, "done": end >= total}
    if end < total:
        body["nextRecordsUrl"] = f"/services/data/v{version}/query/{cursor}-{end}"
    return body | {"records": found.render(found.rows[start:end])}
