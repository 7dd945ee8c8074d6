"""One component: as it is sent, as it is kept; and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from closedloop.sandbox.salesforce.metadata.wsdl import parts_of
from closedloop.sandbox.salesforce.soap.markup import Element

if TYPE_CHECKING:
    from closedloop.sandbox.salesforce.metadata.outlook import Outlook


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What somebody wants to be there. `content` is that of a file that is no XML, as of Apex."""

    kind: str
    full_name: str
    element: Element
    file: str = ""
    content: bytes | None = None

    @property
    def owner(self) -> str:
        """The part of the name before the dot: the object of a field or an outbound message."""
        return self.full_name.partition(".")[0]

    @property
    def short(self) -> str:
        """The part behind it."""
        return self.full_name.rpartition(".")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """What is there."""

    kind: str
    full_name: str
    id: str
    element: Element
    content: bytes | None
    created: datetime
    changed: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a component cannot be saved or removed; the code is that of the calls that do one at a time."""

    message: str
    code: str = "INVALID_CROSS_REFERENCE_KEY"
    at: Element | None = None


class Effects(Protocol):
    """What a kind of component does in the org."""

    def problems(self, sent: Sent, outlook: Outlook, /) -> Iterator[Problem]:
        """Why it cannot be saved."""

    def apply(self, sent: Sent, /) -> None:
        """Brings it about; nothing was wrong with it."""

    def obstacles(self, full_name: str, outlook: Outlook, /) -> Iterator[Problem]:
        """Why it cannot be removed, though it is there."""

    def remove(self, full_name: str, /) -> None:
        """Takes it back."""


def bare(element: Element, kind: str) -> Element:
    """A component's element as it is kept: in order, under its kind's name, without its own full name."""
    children = [child for child in element.children if child.name != "fullName"]
    ordered = in_order(Element(name=kind, children=children, text=element.text), kind)
    ordered.children = [child for child in ordered.children if not child.nil]
    return ordered


def in_order(element: Element, type_name: str) -> Element:
    """The element with its children in Salesforce's order, for keeping."""
    parts = parts_of(type_name)
    places = {name: place for place, name in enumerate(parts)}
    children = sorted(element.children, key=lambda child: places.get(child.name, len(places)))
    return Element(
        name=element.name,
        attributes={"nil": "true"} if element.nil else {},
        text=element.text,
        children=[in_order(c, parts[c.name].type) if c.name in parts else c for c in children],
    )
