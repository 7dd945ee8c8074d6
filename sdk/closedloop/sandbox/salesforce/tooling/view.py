"""The org's metadata as rows that SOQL can be run over."""

from __future__ import annotations

from typing import Any

from closedloop.sandbox.salesforce.metadata.catalogue import Catalogue
from closedloop.sandbox.salesforce.records.indexes import compact
from closedloop.sandbox.salesforce.records.tables import Row, Tables
from closedloop.sandbox.salesforce.schema.objects import objects_of
from closedloop.sandbox.salesforce.schema.sobject import SObject
from closedloop.sandbox.salesforce.tooling.objects import ALL
from closedloop.sandbox.salesforce.tooling.rows import rows


class View:
    """As much of an org as a query looks at, with the Tooling API's objects in place of the org's own."""

    def __init__(self, catalogue: Catalogue) -> None:
        org = catalogue.org
        self.lock, self.clock, self.number = org.lock, org.clock, org.number
        self.integration_user_id = org.integration_user_id
        self.objects = objects_of(frozenset(), ()).copy()
        for kind in list(self.objects):
            self.objects.drop(kind.name)
        for kind in ALL:
            self.objects.put(kind)
        self.tables = Tables(self.objects)
        for name, row in rows(catalogue):
            self.tables.add(name, compact(Row(row)))

    def value(self, _: SObject, row: Row, field: str) -> Any:
        """One field of a row; none is computed."""
        return row.get(field)
