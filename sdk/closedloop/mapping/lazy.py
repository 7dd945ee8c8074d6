"""The payload of a record that was read from the bytes of a page: decoded when somebody first looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from closedloop.mapping.decode import decode


class PageBytes:
    """The bytes of a page; finds the rows in them when the first is asked for. Threads may share it."""

    __slots__ = ("_body", "_rows", "_split")

    def __init__(self, body: bytes, split: Callable[[bytes], list[bytes]]) -> None:
        self._body, self._split = body, split
        self._rows: list[bytes] | None = None

    def row(self, number: int) -> bytes:
        """The bytes of one row."""
        rows = self._rows
        if rows is None:
            self._rows = rows = self._split(self._body)
        return bytes(rows[number])


class LazyPayload(Mapping[str, Any]):
    """A payload that keeps its page's bytes until it is looked at, and then its own values instead.

    Equal to the decoded payload. It cannot be changed; `dict(payload)` can. It is pickled as its own bytes.
    """

    __slots__ = ("held", "number", "page")

    def __init__(self, page: PageBytes, number: int) -> None:
        self.page: PageBytes | None = page
        self.number = number
        self.held: Mapping[str, Any] | None = None

    def _decoded(self) -> Mapping[str, Any]:
        page = self.page
        if page is not None:
            # Two threads may both decode: they find the same, and `page` is kept until `held` is set.
            self.held = decode(page.row(self.number))
            self.page = None
        return self.held or {}

    def __getitem__(self, key: str) -> Any:
        return self._decoded()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._decoded())

    def __len__(self) -> int:
        return len(self._decoded())

    def __repr__(self) -> str:
        return repr(self._decoded())

    def __reduce__(self) -> tuple[Any, ...]:
        page = self.page
        if page is None:
            return dict, (self.held,)
        return _restored, (page.row(self.number),)


def _restored(row: bytes) -> LazyPayload:
    return LazyPayload(PageBytes(row, lambda body: [body]), 0)
