"""What an org will have once the changes before this one are made: components are checked against it."""

from __future__ import annotations

from collections.abc import Iterator

from closedloop.sandbox.salesforce.metadata import kinds
from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.component import Sent
from closedloop.sandbox.salesforce.metadata.definitions import field_of
from closedloop.sandbox.salesforce.schema.sobject import Field
from closedloop.sandbox.salesforce.soap.markup import Element


class Outlook:
    """The org's metadata with what was added and removed so far, none of which has happened yet."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._added: dict[tuple[str, str], Sent] = {}
        self._removed: set[tuple[str, str]] = set()

    def add(self, sent: Sent) -> None:
        """This one will be there."""
        self._added[sent.kind, sent.full_name] = sent
        self._removed.discard((sent.kind, sent.full_name))

    def remove(self, kind: str, full_name: str) -> None:
        """This one will be gone, with its parts."""
        gone = {(kind, full_name)}
        if kind in kinds.KINDS:
            children = kinds.KINDS[kind].children.values()
            gone |= {(k, n) for k, n in self._added if k in children and n.startswith(f"{full_name}.")}
        self._removed |= gone
        for key in gone:
            self._added.pop(key, None)

    def element(self, kind: str, full_name: str) -> Element | None:
        """The component; None where there will be none."""
        added = self._added.get((kind, full_name))
        if added is not None:
            return added.element
        if (kind, full_name) in self._removed:
            return None
        found = self._catalogue.get(kind, full_name)
        return None if found is None else found.element

    def has(self, kind: str, full_name: str) -> bool:
        """Whether it will be there."""
        return self.element(kind, full_name) is not None

    def names(self, kind: str) -> Iterator[str]:
        """The names of the kind's components."""
        yield from (name for of, name in self._added if of == kind)
        for name in self._catalogue.names(kind):
            if (kind, name) not in self._added and (kind, name) not in self._removed:
                yield name

    def field(self, sobject: str, name: str) -> Field | None:
        """The field of an object, standard or custom."""
        added = self._added.get(("CustomField", f"{sobject}.{name}"))
        if added is not None:
            return field_of(added)
        kind = self._catalogue.org.tables.objects.find(sobject)
        if kind is None or not self.has("CustomObject", kind.name):
            return None
        found = kind.field(name)
        gone = found is not None and ("CustomField", f"{kind.name}.{found.name}") in self._removed
        return None if gone else found

    def user(self, name: str) -> bool:
        """Whether a user has that name."""
        return any(row["Username"] == name for row in self._catalogue.org.tables.rows("User"))
