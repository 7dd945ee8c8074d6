"""What an org has to get so that Closed Loop can write to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field, or with `name` None one object, that Closed Loop needs.

    `type` is the Metadata API's word; `problem` says why a field that is there cannot be used.
    """

    object: str
    name: str | None
    label: str
    type: str
    help: str = ""
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    external_id: bool = False
    refers_to: str | None = None
    exists: bool = False
    problem: str | None = None
