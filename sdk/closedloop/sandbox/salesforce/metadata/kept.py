"""Components that are kept as they were sent, and do nothing in the org."""

from __future__ import annotations

from collections.abc import Iterator

from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.metadata.component import Problem, Sent
from closedloop.sandbox.salesforce.metadata.outlook import Outlook


class Kept:
    """What the sandbox knows only as a file: classes, layouts, tabs and the like."""

    def __init__(self, catalogue: Catalogue, kind: str) -> None:
        self._catalogue = catalogue
        self._kind = kind

    def problems(self, _: Sent, __: Outlook) -> Iterator[Problem]:
        """None: nothing of it is looked at."""
        return iter(())

    def apply(self, sent: Sent) -> None:
        """Keeps it."""
        self._catalogue.put(sent)

    def obstacles(self, _: str, __: Outlook) -> Iterator[Problem]:
        """None."""
        return iter(())

    def remove(self, full_name: str) -> None:
        """Forgets it."""
        self._catalogue.drop(self._kind, full_name)
