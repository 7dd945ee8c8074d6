"""Which objects a request is about, as far as its address says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

_FROM = re.compile(r"\bFROM\s+(\w+)", re.IGNORECASE)
_NESTED = re.compile(r"\([^()]*\)")
_IN_PATH = re.compile(r"/sobjects/(\w+)")


def objects_in(environ: Mapping[str, Any]) -> frozenset[str]:
    """The names of the objects, in lower case: of `/sobjects/X` and of a query's outer FROM."""
    found = _IN_PATH.findall(unquote(environ.get("PATH_INFO", "")))
    for query in parse_qs(environ.get("QUERY_STRING", "")).get("q", ()):
        found += _FROM.findall(_flat(query))[:1]
    return frozenset(name.lower() for name in found)


def _flat(query: str) -> str:
    """The query without what stands in parentheses, at any depth."""
    while (shorter := _NESTED.sub("", query)) != query:
        query = shorter
    return query
