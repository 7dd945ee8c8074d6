"""Creates records, each once: after a lost answer they are looked for before anything is sent again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from closedloop.crm.hubspot.answers import Json, identified, results_of
from closedloop.crm.hubspot.calls import CAMPAIGN_CHUNK, CHUNK
from closedloop.crm.hubspot.fetch import Fetch
from closedloop.crm.hubspot.payloads import instant
from closedloop.crm.hubspot.sending import Sending
from closedloop.crm.hubspot.writing import Ledger, Row
from closedloop.crm.results import WriteOutcome
from closedloop.errors import CrmError, DuplicateError, UncertainError
from closedloop.schema.vocabulary import ObjectType


class Creating:
    """One creation of records. `unique` are the properties that tell a record from all others: a contact's
    e-mail address, and what the portal has made so. A batch read by one of them sees a new record at once,
    which a search does not."""

    def __init__(
        self, fetch: Fetch, of: ObjectType, source: str, *, unique: Sequence[str], ledger: Ledger
    ) -> None:
        self._client, self._source, self._unique, self._ledger = fetch.reader.client, source, unique, ledger
        self._is_campaign = of is ObjectType.CAMPAIGN
        self._began = self._client.server_time
        self._again: set[int] = set()
        self._sending = Sending[Row](
            send=self._call, of=self._input, settle=self._settle, lost=self._look_for
        )

    def send(self, rows: Sequence[Row]) -> None:
        """Creates the records."""
        self._ledger.run(self._sending, rows, CAMPAIGN_CHUNK if self._is_campaign else CHUNK)

    def _call(self, inputs: Sequence[Json]) -> Any:
        if self._is_campaign:
            return self._client.create_campaigns(inputs)
        return self._client.create(self._source, inputs)

    def _input(self, row: Row) -> Json:
        """With a trace id one bad record does not fail the batch, and each result is known by it."""
        if self._is_campaign:
            return {"properties": row.properties}
        return {
            "properties": row.properties,
            "associations": list(row.associations),
            "objectWriteTraceId": f"row-{row.place}",
        }

    def _settle(self, row: Row, result: Json | None, error: CrmError | None) -> None:
        if isinstance(error, DuplicateError) and row.place in self._again:
            self._look_for([row], UncertainError(error.message))  # the first try may have made it
        elif error is not None:
            self._ledger.fail(row.place, error)
        else:
            self._ledger.done(row.place, WriteOutcome.CREATED, str((result or {}).get("id")))

    def _look_for(self, rows: Sequence[Row], error: UncertainError) -> None:
        """Settles the rows whose records are there. What is not there is sent again, once; of what cannot be
        found by a property of its own nobody knows."""
        try:
            found = self._found(rows)
        except CrmError:
            found = None
        again: list[Row] = []
        for row in rows:
            made = (found or {}).get(row.place)
            if made is not None:
                self._recognise(row, made)
            elif found is not None and self._keys(row) and row.place not in self._again:
                self._again.add(row.place)
                again.append(row)
            else:
                self._ledger.fail(row.place, error)
        self._sending.send(again)

    def _recognise(self, row: Row, made: Json) -> None:
        """Whether the record was made by this call or was there before: its time tells."""
        created = instant(made.get("createdAt"))
        if self._began is None or created is None or created >= self._began:
            self._ledger.done(row.place, WriteOutcome.CREATED, str(made["id"]))
            return
        error = DuplicateError(
            "HubSpot has such a record already: update that one, or give another unique value",
            existing_id=str(made["id"]),
        )
        self._ledger.fail(row.place, error)

    def _keys(self, row: Row) -> list[str]:
        return [name for name in self._unique if row.properties.get(name)]

    def _found(self, rows: Sequence[Row]) -> dict[int, Json]:
        """The records that bear a unique value of these rows, by place."""
        found: dict[int, Json] = {}
        for name in self._unique:
            asked = {row.properties[name].casefold(): row.place for row in rows if row.properties.get(name)}
            if asked:
                answer = self._client.read(self._source, list(asked), wanted=(name,), id_property=name)
                for payload in identified(results_of(answer)):
                    value = str((payload.get("properties") or {}).get(name) or "").casefold()
                    if value in asked:
                        found.setdefault(asked[value], payload)
        return found
