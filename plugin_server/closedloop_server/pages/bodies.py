"""The body of a delivery for people: JSON indented, other text as it is, bytes that are no text in hex."""

from __future__ import annotations

import json
from dataclasses import dataclass

_LONGEST = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """What to show of a body; `cut` says that there is more than that."""

    text: str
    kind: str
    cut: bool = False


def readable(body: bytes) -> Readable:
    """The body as text."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        shown = body[: _LONGEST // 3].hex(" ")
        return Readable(text=shown, kind="no text: in hex", cut=len(body) > _LONGEST // 3)
    try:
        text, kind = json.dumps(json.loads(text), indent=2, ensure_ascii=False), "JSON, indented"
    except (ValueError, RecursionError):
        kind = "as it was sent"
    return Readable(text=text[:_LONGEST], kind=kind, cut=len(text) > _LONGEST)
