"""Finds the handler of a path: a tree of its segments, the same for both sandboxes.

A segment is decoded after the path was split, so that a slash within one (`a%2Fb`, as in an external id)
stays part of it. Empty segments do not count: some clients double a slash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    variable: _Node[Handler] | None = None
    ends: dict[str, tuple[Handler, tuple[str, ...]]] = field(default_factory=dict)


class Router(Generic[Handler]):
    """Routes such as `/sobjects/<sobject>`: literal segments go before variable ones.

    A variable may stand behind letters in its segment (`v<version>`); such a segment matches what begins so.
    """

    def __init__(self) -> None:
        self._root: _Node[Handler] = _Node()
        self._prefixes: dict[str, None] = {}

    def add(self, method: str, path: str, handler: Handler) -> None:
        """Adds a route; a second one for the same method and path is a ValueError."""
        node, names = self._root, []
        for segment in filter(None, path.split("/")):
            head, variable, name = segment.partition("<")
            if variable:
                names.append(name.rstrip(">"))
                if head:
                    self._prefixes[head] = None
                    node = node.literal.setdefault(head + "*", _Node())
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
        segments = tuple(unquote(segment) for segment in path.split("/") if segment)
        allowed: set[str] = set()
        for node, values in self._ends(self._root, segments, ()):
            if method in node.ends:
                handler, names = node.ends[method]
                return handler, dict(zip(names, values, strict=True))
            allowed.update(node.ends)
        if allowed:
            raise WrongMethodError(allowed)
        raise NoRouteError(path)

    def _ends(
        self, node: _Node[Handler], segments: tuple[str, ...], values: tuple[str, ...]
    ) -> Iterator[tuple[_Node[Handler], tuple[str, ...]]]:
        """Every place where the segments lead to, the most literal first."""
        if not segments:
            yield node, values
            return
        for child, value in self._children(node, segments[0]):
            yield from self._ends(child, segments[1:], (*values, *value))

    def _children(
        self, node: _Node[Handler], segment: str
    ) -> Iterator[tuple[_Node[Handler], tuple[str, ...]]]:
        literal = node.literal.get(segment)
        if literal is not None:
            yield literal, ()
        for prefix in self._prefixes:
            begun = node.literal.get(prefix + "*") if segment.startswith(prefix) else None
            if begun is not None:
                yield begun, (segment[len(prefix) :],)
        if node.variable is not None:
            yield node.variable, (segment,)


def path_of(request: Request) -> str:
    """The path of a request as it came over the wire, before anything in it was decoded."""
    raw: str | None = request.environ.get("REQUEST_URI")
    if raw is None:
        return request.path
    return raw.partition("?")[0]
