"""Checks what a resource's methods are given, before anything is made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from closedloop.errors import BadValueError

T = TypeVar("T")


def several(given: Iterable[T], what: str) -> Iterable[T]:
    """What was given, unless it is a single one where several belong: iterating it would give its parts."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise BadValueError(f"expected a list of {what}, got one {type(given).__name__}", reason="not_a_list")
    return given


def pair(given: Any) -> tuple[Any, Any]:
    """The record and the values in an item of what `update_many` is given."""
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise BadValueError(
            "expected pairs such as (record, {field: value}): a record or its id, and what changes",
            reason="not_a_pair",
        )
    return given[0], given[1]


def check_since(since: object) -> None:
    """Refuses what is neither a cursor nor an instant nor None."""
    if isinstance(since, datetime):
        if since.utcoffset() is None:
            raise BadValueError(
                "since is no instant: give a datetime with a zone, such as datetime.now(UTC)",
                field="since",
                reason="naive_datetime",
            )
    elif not isinstance(since, str | None):
        raise BadValueError(
            f"since is of type {type(since).__name__}: give a page's `cursor`, a datetime with a zone, or "
            "None",
            field="since",
            reason="bad_cursor",
        )
