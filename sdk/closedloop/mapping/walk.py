"""How generated code reaches the values of a payload: one way per form in which payloads come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from closedloop.mapping.convert import FaultError
from closedloop.mapping.path import PayloadPath, step
from closedloop.mapping.shortcuts import Form

_EMPTY: Mapping[str, Any] = {}


class Walk(Protocol):
    """Gives expressions for values; `heads` are the statements that those rely on."""

    heads: list[str]

    def get(self, path: PayloadPath) -> str:
        """The expression of the value at `path` of the payload `p`, None where it ends before."""

    def form(self, path: PayloadPath) -> Form:
        """What is known of the value at `path`."""


class PlainWalk:
    """Digs for every value anew: the walk of the code that finds out which field failed."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self._parts: dict[str, str] = {}

    def get(self, path: PayloadPath) -> str:
        """See `Walk`."""
        if len(path) != 2 or not isinstance(path[1], str):
            return f"dig(p, {path!r})"
        head = str(path[0])
        if head not in self._parts:
            self._parts[head] = name = f"part{len(self._parts)}"
            self.heads.append(f"{name} = part(p, {head!r})")
        return f"{self._parts[head]}.get({path[1]!r})"

    def form(self, path: PayloadPath) -> Form:  # noqa: ARG002 - the same for all
        """See `Walk`."""
        return Form.NONE


class DictWalk:
    """Visits each object of the payload once, before all fields: the walk for decoded payloads.

    It may fail for a payload that digging can read, never the other way about.
    """

    def __init__(self) -> None:
        self.heads: list[str] = []
        self._values: dict[PayloadPath, str] = {}
        self._objects: set[PayloadPath] = set()

    def get(self, path: PayloadPath) -> str:
        """See `Walk`."""
        return self._expression(path)

    def form(self, path: PayloadPath) -> Form:  # noqa: ARG002 - the same for all
        """See `Walk`."""
        return Form.ANY

    def _expression(self, path: PayloadPath) -> str:
        *before, last = path
        if isinstance(last, int):
            return self._place(self._value(tuple(before)), last)
        return self._member(self._object(tuple(before)), path)

    def _member(self, owner: str, path: PayloadPath) -> str:
        """The expression of what stands at the path, in the object that the owner holds."""
        return f"{owner}.get({path[-1]!r})"

    def _place(self, rows: str, number: int) -> str:
        """The expression of an entry of the list that the variable holds, if it does."""
        return f"place({rows}, {number})"

    def _entered(self, name: str, path: PayloadPath) -> str:  # noqa: ARG002 - another walk needs the path
        """The statement after which the variable holds an object, whatever was there."""
        return f"if type({name}) is not dict: {name} = inside({name})"

    def _object(self, path: PayloadPath) -> str:
        if not path:
            return "p"
        name = self._value(path)
        if path not in self._objects:
            self._objects.add(path)
            self.heads.append(self._entered(name, path))
        return name

    def _value(self, path: PayloadPath) -> str:
        if path not in self._values:
            expression = self._expression(path)
            self._values[path] = name = f"n{len(self._values)}"
            self.heads.append(f"{name} = {expression}")
        return self._values[path]


def inside(value: Any) -> Mapping[str, Any]:
    """The object itself; empty where there is none."""
    if value is None:
        return _EMPTY
    if not isinstance(value, Mapping):
        raise FaultError("wrong_type", "the payload has another shape there")
    return value


def place(value: Any, number: int) -> Any:
    """The list's entry; None where there is no list, or it ends before."""
    return None if value is None else step(value, number)
