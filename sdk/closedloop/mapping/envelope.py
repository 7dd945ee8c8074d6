"""What stands around the records of a page: the names that each CRM's answers give it."""

from __future__ import annotations

from collections.abc import Mapping

from closedloop.schema.vocabulary import CrmName

ROWS: Mapping[CrmName, str] = {CrmName.SALESFORCE: "records", CrmName.HUBSPOT: "results"}
"""What the list of records is called in an answer."""
ENVELOPE: Mapping[CrmName, tuple[str, ...]] = {
    CrmName.SALESFORCE: ("totalSize", "done", "nextRecordsUrl"),
    CrmName.HUBSPOT: ("total", "paging", "status", "numErrors", "errors"),
}
"""What an answer may say beside it."""
