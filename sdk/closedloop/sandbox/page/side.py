"""What the page shows of a CRM, in words that serve both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from closedloop.sandbox.received import ReceivedLog


class RefusedError(Exception):
    """The CRM refuses what the form asked for; the message is the CRM's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """An object type with how many records it has."""

    name: str
    label: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A record in a list: its cells stand under the columns of its kind."""

    id: str
    title: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A part of the records of a kind, which is called `label`; `more` says whether others follow."""

    label: str
    columns: tuple[str, ...]
    rows: Sequence[Row]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A field of a record; `fed_back` ones are written by Closed Loop. `link` is a record it refers to."""

    name: str
    label: str
    text: str
    fed_back: bool = False
    link: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An input of a form: a list when there are options, else a text. `suggestions` help to fill the text."""

    name: str
    label: str
    value: str = ""
    options: tuple[tuple[str, str], ...] = ()
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Something a person can do with a record."""

    name: str
    title: str
    help: str
    button: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Records of one kind that belong to the one shown; `count` is how many there are, shown or not."""

    label: str
    kind: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A record with all that the page says of it; `label` is what its kind is called."""

    id: str
    label: str
    title: str
    values: Sequence[Value]
    forms: Sequence[Form]
    related: Sequence[Related] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FedBack:
    """A campaign that Closed Loop wrote on: the reasons, and when."""

    kind: str
    id: str
    title: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A webhook that went out, or tried to."""

    at: str
    target: str
    what: str
    result: str


class Side(ABC):
    """One CRM on the page. `start` is where something can be decided: kind and words for the link."""

    key: str
    name: str
    url: str
    received: ReceivedLog
    starts: Sequence[tuple[str, str]]

    @abstractmethod
    def credentials(self) -> Mapping[str, str]:
        """What a client needs to come in."""

    @abstractmethod
    def kinds(self) -> list[Kind]:
        """The object types, those that matter most first."""

    @abstractmethod
    def records(self, kind: str, *, start: int, size: int, find: str) -> Listing | None:
        """Records of a kind from a place on, the newest first; None when there is no such kind."""

    @abstractmethod
    def record(self, kind: str, record_id: str) -> Shown | None:
        """One record; None when there is none."""

    @abstractmethod
    def act(self, kind: str, record_id: str, form: str, given: Mapping[str, str]) -> None:
        """Does what a form says, as a person in the CRM's pages. Raises RefusedError."""

    @abstractmethod
    def fed_back(self) -> list[FedBack]:
        """The campaigns that Closed Loop wrote on, in any order."""

    @property
    @abstractmethod
    def tells(self) -> bool:
        """Whether anybody is told what happens."""

    @abstractmethod
    def sent(self) -> list[Sent]:
        """The latest webhooks, the newest first."""
