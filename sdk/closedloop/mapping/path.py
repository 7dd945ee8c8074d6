"""Paths into a payload, as the mapping files write them: `properties.email`, `a.b[0].c`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from closedloop.mapping.convert import FaultError

PayloadPath = tuple[str | int, ...]

_STEP = re.compile(r"([A-Za-z_][\w-]*)((?:\[\d{1,3}\])*)", re.ASCII)


def parse_path(text: str) -> PayloadPath:
    """The steps of a path: names, and places in lists counted from 0. ValueError when it is not a path."""
    steps: list[str | int] = []
    for part in text.split("."):
        step = _STEP.fullmatch(part)
        if step is None:
            raise ValueError(f"`{text}` is not a path: write names joined by dots, such as properties.email")
        steps.append(step[1])
        steps.extend(int(place) for place in re.findall(r"\d+", step[2]))
    return tuple(steps)


def dig(payload: Any, path: PayloadPath) -> Any:
    """The value at `path`; None where the payload ends before it. A FaultError where it has another shape."""
    for each in path:
        if payload is None:
            return None
        payload = step(payload, each)
    return payload


def step(payload: Any, name: str | int) -> Any:
    """The value under a name, or at a place of a list; None where there is none."""
    if isinstance(name, str) and isinstance(payload, Mapping):
        return payload.get(name)
    if isinstance(name, int) and isinstance(payload, list | tuple):
        return payload[name] if name < len(payload) else None
    raise FaultError("wrong_type", f"`{name}` was looked for, but the payload has another shape there")


_EMPTY: Mapping[str, Any] = {}


def part(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object under `name`, empty where there is none."""
    found = payload.get(name)
    if found is None:
        return _EMPTY
    if not isinstance(found, Mapping):
        raise FaultError("wrong_type", f"`{name}` is not an object")
    return found
