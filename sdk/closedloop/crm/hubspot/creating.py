"""Creates records, each once: after a lost answer they are looked for before anything is sent again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from closedloop.crm.hubspot.answers import Json, identified, results_of
from closedloop.crm.hubspot.calls import CAMPAIGN_CHUNK, CHUNK
from closedloop.crm.hubspot.fetch import Fetch
from closedloop.crm.hubspot.ids import id_of
from closedloop.crm.hubspot.payloads import instant
from closedloop.crm.hubspot.sending import Sending
from closedloop.crm.hubspot.writing import Ledger, Row
from closedloop.crm.results import WriteOutcome
from closedloop.errors import CrmError, DuplicateError, RefusedError, UncertainError
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
        self._began = self._client.time_at_least()
        self._again: set[int] = set()
        self._made: set[str] = set()
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
            self._look_for([row], _unsure(error.message))  # the first try may have made it
        elif error is not None:
            self._ledger.fail(row.place, error)
        elif (id_ := id_of(result)) is not None:
            self._done(row, id_)
        else:
            self._look_for([row], _unsure("HubSpot's answer does not say what it made: look there"))

    def _done(self, row: Row, id_: str) -> None:
        self._made.add(id_)
        self._ledger.done(row.place, WriteOutcome.CREATED, id_)

    def _look_for(self, rows: Sequence[Row], error: UncertainError) -> None:
        """Settles the rows whose records are there. What is not there is sent again, once; of what cannot be
        found by a property of its own nobody knows. Where looking fails too, no more is sent."""
        found: dict[int, Json] | None = None
        try:
            found = self._found(rows)
        except RefusedError:
            pass
        except CrmError as failure:
            self._sending.stopped = failure
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
        """Whether the record was made of this row, or of another one, or was there before: its time tells."""
        created, id_ = instant(made.get("createdAt")), str(made["id"])
        is_new = self._began is None or created is None or created >= self._began
        if is_new and id_ not in self._made:
            self._done(row, id_)
            return
        error = DuplicateError(
            "HubSpot has such a record already: update that one, or give another unique value",
            existing_id=id_,
        )
        self._ledger.fail(row.place, error)

    def _keys(self, row: Row) -> list[str]:
        return [name for name in self._unique if row.properties.get(name)]

    def _found(self, rows: Sequence[Row]) -> dict[int, Json]:
        """The records that bear a unique value of these rows, by place."""
        found: dict[int, Json] = {}
        for name in self._unique:
            asked: dict[str, list[int]] = {}
            for row in rows:
                if row.properties.get(name):
                    asked.setdefault(row.properties[name].casefold(), []).append(row.place)
            if asked:
                answer = self._client.read(self._source, list(asked), wanted=(name,), id_property=name)
                for payload in identified(results_of(answer)):
                    value = str((payload.get("properties") or {}).get(name) or "").casefold()
                    for place in asked.get(value, ()):
                        found.setdefault(place, payload)
        return found


def _unsure(message: str) -> UncertainError:
    return UncertainError(message, reason="uncertain")
