"""Makes records of a whole page that a CRM answered: the list of a query, of a search or of a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from closedloop.errors import AnswerError, NormaliseError
from closedloop.mapping.decode import UnreadableError, decode
from closedloop.mapping.envelope import ENVELOPE, ROWS
from closedloop.mapping.spec import ObjectSpec
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import CrmName

if TYPE_CHECKING:
    from closedloop.mapping.typed import TypedReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """A row of a page that cannot become a record, and why."""

    error: NormaliseError
    raw: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """What a page held: a record or a misfit for each row, in order, and what the answer says beside them,
    such as `nextRecordsUrl` or `paging`."""

    rows: tuple[Record | Misfit, ...] = ()
    envelope: Mapping[str, Any] = field(default_factory=dict)

    @property
    def records(self) -> tuple[Record, ...]:
        """The rows that became records."""
        return tuple(row for row in self.rows if not isinstance(row, Misfit))


class PageReader:
    """Reads pages of one object; `normalise` makes a record of one row of them, as a payload.

    `spec` is that of the rows if there is one for all: then only what is mapped is decoded.
    """

    def __init__(self, crm: CrmName, spec: ObjectSpec | None, normalise: Callable[[Any], Record]) -> None:
        self._crm, self._normalise = crm, normalise
        self._typed = _typed(crm, spec, self._row) if spec else None

    def read(self, body: bytes) -> RecordPage:
        """The page; AnswerError if the body is no page of the CRM's API."""
        found = self._typed.read(body) if self._typed else None
        rows, envelope = found or self._decoded(body)
        return RecordPage(rows=tuple(rows), envelope=envelope)

    def _decoded(self, body: bytes) -> tuple[list[Record | Misfit], dict[str, Any]]:
        page: Any = None
        fault = ""
        try:
            page = decode(body)
        except UnreadableError as error:
            fault = error.message
        if fault:  # not within the handler: the decoder's error, which would be the context, holds the body
            raise AnswerError(
                f"{self._crm.label} did not answer with its API's JSON: {fault}", reason="not_json"
            )
        rows = page.get(ROWS[self._crm]) if isinstance(page, Mapping) else None
        if not isinstance(rows, list):
            raise AnswerError(
                f"{self._crm.label} answered without the list `{ROWS[self._crm]}`: this is no page of its "
                f"API",
                reason="not_the_api",
            )
        said = {name: page[name] for name in ENVELOPE[self._crm] if name in page}
        return [self._row(row) for row in rows], said

    def _row(self, payload: Any) -> Record | Misfit:
        try:
            return self._normalise(payload)
        except NormaliseError as error:
            return Misfit(error=error, raw=payload)


def _typed(crm: CrmName, spec: ObjectSpec, again: Callable[[Any], Any]) -> TypedReader | None:
    # msgspec is imported when the first page is read, not with the library.
    from closedloop.mapping.typed import TypedReader, UntypableError  # noqa: PLC0415

    try:
        return TypedReader(crm, spec, again)
    except UntypableError:
        return None
