"""Finds the handler of a path: a tree of its segments, the same for both sandboxes.

A segment is decoded after the path was split, so that a slash within one (`a%2Fb`, as in an external id)
stays part of it. Empty segments do not count: some clients double a slash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import unquote

from werkzeug import Request

Handler = TypeVar("Handler")


class NoRouteError(LookupError):
    """Nothing is at this path."""


class WrongMethodError(LookupError):
    """Something is there, but not for this method; `allowed` are those that it takes."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = sorted(allowed)
        super().__init__(", ".join(self.allowed))


@dataclass(slots=True)
class _Node(Generic[Handler]):
    literal: dict[str, _Node[Handler]] = field(default_factory=dict)
    begun: dict[str, _Node[Handler]] = field(default_factory=dict)
    variable: _Node[Handler] | None = None
    ends: dict[str, tuple[Handler, tuple[str, ...]]] = field(default_factory=dict)


class Router(Generic[Handler]):
    """Routes such as `/sobjects/<sobject>`: literal segments go before variable ones.

    A variable may stand behind letters in its segment (`v<version>`); such a segment matches what begins so.
    """

    def __init__(self) -> None:
        self._root: _Node[Handler] = _Node()

    def add(self, method: str, path: str, handler: Handler) -> None:
        """Adds a route; a second one for the same method and path is a ValueError."""
        node, names = self._root, []
        for segment in filter(None, path.split("/")):
            head, variable, name = segment.partition("<")
            if variable:
                names.append(name.rstrip(">"))
                if head:
                    node = node.begun.setdefault(head, _Node())
                else:
                    node.variable = node = node.variable or _Node()
            else:
                node = node.literal.setdefault(segment, _Node())
        if method in node.ends:
            raise ValueError(f"there are two routes for {method} {path}: remove one")
        node.ends[method] = (handler, tuple(names))

    def match(self, method: str, path: str) -> tuple[Handler, Mapping[str, str]]:
        """The handler of a path as it came over the wire, and what its variables hold.

        Raises NoRouteError, or WrongMethodError where only other methods are known.
        """
        segments = [unquote(segment) for segment in path.split("/") if segment]
        allowed: set[str] = set()
        for node, values in self._ends(segments):
            if method in node.ends:
                handler, names = node.ends[method]
                return handler, dict(zip(names, values, strict=True))
            allowed.update(node.ends)
        if allowed:
            raise WrongMethodError(allowed)
        raise NoRouteError(path)

    def _ends(self, segments: Sequence[str]) -> Iterator[tuple[_Node[Handler], tuple[str, ...]]]:
        """Every place where the segments lead to, the most literal first."""
        left: list[tuple[_Node[Handler], int, tuple[str, ...]]] = [(self._root, 0, ())]
        while left:
            node, place, values = left.pop()
            if place == len(segments):
                yield node, values
                continue
            segment, place = segments[place], place + 1
            # What is put last is looked at first.
            if node.variable is not None:
                left.append((node.variable, place, (*values, segment)))
            for head, child in node.begun.items():
                if segment.startswith(head):
                    left.append((child, place, (*values, segment[len(head) :])))
            if segment in node.literal:
                left.append((node.literal[segment], place, values))


def path_of(request: Request) -> str:
    """The path of a request as it came over the wire, before anything in it was decoded."""
    raw: str | None = request.environ.get("REQUEST_URI")
    if raw is None:
        return request.path
    return raw.partition("?")[0]
