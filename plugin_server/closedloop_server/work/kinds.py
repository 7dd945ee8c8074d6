"""The kinds of work, and the pieces that one worker at a time may have in hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A kind of work."""

    LOOP = "loop"  # reads the inbox, derives and publishes: the ledger has one writer
    READ = "read"  # reads what one CRM may have changed
    TELL = "tell"  # tells one CRM what its campaigns and people should show
    SEND = "send"  # sends webhooks to whoever subscribes to them
    KEEP = "keep"  # removes what is older than it is kept


OF_EACH_CONNECTION = (Kind.READ, Kind.TELL)


@dataclass(frozen=True, slots=True, order=True)
class Work:
    """A piece of work: a kind, of one connection or ("") of all together. One worker at a time has it."""

    kind: Kind
    connection: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.connection}".rstrip()


def all_work(connections: Iterable[str]) -> tuple[Work, ...]:
    """Everything that a server with these connections has to do, in the order of starting."""
    common = [Work(kind) for kind in Kind if kind not in OF_EACH_CONNECTION]
    return (*common, *(Work(kind, name) for kind in OF_EACH_CONNECTION for name in connections))
