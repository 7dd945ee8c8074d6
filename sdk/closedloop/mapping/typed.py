"""Reads pages of records straight from the bytes of an answer: only what is mapped is ever decoded.

msgspec checks the whole of the JSON, but makes values only of the fields that a type names; the types are
made from the mapping here. The values are those of `decode`, or what the mapping's converters would make of
them. Whatever has not the mapped shape, msgspec refuses: then it is decoded and read row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import GenericAlias
from typing import Any, Literal

import msgspec

from closedloop.mapping.compile import body, defined, filled, indented
from closedloop.mapping.decode import decode
from closedloop.mapping.envelope import ENVELOPE, ROWS
from closedloop.mapping.lazy import LazyPayload, PageBytes
from closedloop.mapping.path import PayloadPath
from closedloop.mapping.shape import slots
from closedloop.mapping.shortcuts import Form, form_of
from closedloop.mapping.spec import ObjectSpec
from closedloop.mapping.statements import Statements
from closedloop.mapping.tables import is_word
from closedloop.mapping.walk import DictWalk
from closedloop.schema.vocabulary import CrmName

_TYPE = ("attributes", "type")
_URL = ("attributes", "url")
"""Names a row that was queried without its Id, so seldom that it is left to others."""
_TYPES: Mapping[Form, Any] = {Form.ANY: Any, Form.TEXT: str, Form.DATE: date, Form.DATETIME: datetime}


class UntypableError(ValueError):
    """A mapping that takes a value both whole and in parts has no type."""


class TypedReader:
    """Makes records of one object's pages, with `again` for the rows that it does not take.

    UntypableError when the mapping has no type.
    """

    def __init__(self, crm: CrmName, spec: ObjectSpec, again: Callable[[Any], Any]) -> None:
        self._crm, self._spec, self._again = crm, spec, again
        self._exact: _Types | None = _Types(crm, spec, forms_of(crm, spec), self._differently)
        self._loose: _Types | None = None
        self._split = _page_decoder(crm, list[msgspec.Raw])

    def read(self, page: bytes) -> tuple[list[Any], dict[str, Any]] | None:
        """What `again` or the quick way made of each row, and the envelope; None for what is no such page."""
        if not _plain(page):
            return None
        try:
            return self._typed(page)
        except msgspec.ValidationError:
            return self._row_by_row(page)
        except (ValueError, RecursionError):
            return None

    def _typed(self, page: bytes) -> tuple[list[Any], dict[str, Any]]:
        exact = self._exact
        if exact is not None:
            try:
                return exact.read(page, self._bytes(page))
            except msgspec.ValidationError:
                # The org's fields have other forms than the mapping's types have as a rule: from now on
                # each value is looked at.
                self._exact = None
        return self._tolerant.read(page, self._bytes(page))

    @property
    def _tolerant(self) -> _Types:
        if self._loose is None:
            self._loose = _Types(self._crm, self._spec, {}, self._differently)
        return self._loose

    def _row_by_row(self, page: bytes) -> tuple[list[Any], dict[str, Any]] | None:
        try:
            found = self._split.decode(page)
            rows = [self._row(row) for row in found.rows]
        except (TypeError, ValueError, RecursionError):
            return None
        return self._tolerant.records(rows, self._bytes(page)), _said(found)

    def _row(self, row: msgspec.Raw) -> Any:
        try:
            return self._tolerant.row.decode(row)
        except (ValueError, RecursionError):
            return None

    def _bytes(self, page: bytes) -> PageBytes:
        return PageBytes(page, lambda body: self._split.decode(body).rows)

    def _differently(self, page: PageBytes, number: int) -> Any:
        return self._again(decode(page.row(number)))


class _Types:
    """The types of pages and rows for values of these forms, and the function that takes them."""

    def __init__(
        self,
        crm: CrmName,
        spec: ObjectSpec,
        forms: Mapping[PayloadPath, Form],
        again: Callable[[PageBytes, int], Any],
    ) -> None:
        walk = _TypedWalk(forms, spec.source if crm is CrmName.SALESFORCE else None)
        statements = Statements(crm, spec, walk)
        self.records = _loop(walk, statements, again)
        row = walk.type()
        statements.names |= walk.blanks
        self.row = msgspec.json.Decoder(row, float_hook=Decimal)
        self._page = _page_decoder(crm, GenericAlias(list, row))

    def read(self, page: bytes, source: PageBytes) -> tuple[list[Any], dict[str, Any]]:
        """The records of a page, and the envelope; msgspec's errors."""
        found = self._page.decode(page)
        return self.records(found.rows, source), _said(found)


def forms_of(crm: CrmName, spec: ObjectSpec) -> dict[PayloadPath, Form]:
    """The form that every field which reads a value can take it in, for those that have one."""
    known = slots(spec.object)
    uses: dict[PayloadPath, set[Form]] = {}
    for field in (*spec.fields, *spec.custom):
        slot = known.get(field.name)
        form = Form.ANY if slot and is_word(field, slot) else form_of(crm, field)
        for path in field.all_paths:
            uses.setdefault(path, set()).add(form if path in field.paths else Form.ANY)
    for link in spec.links:
        uses.setdefault(link.path, set()).add(Form.ANY)
    return {path: next(iter(found)) for path, found in uses.items() if len(found) == 1}


def _plain(page: bytes) -> bool:
    """Whether no text needs a look of its own: UTF-8 (msgspec does not check what it skips) without NUL."""
    # Backslashes are found at once, the last of them much quicker than the first of a longer text.
    if b"\\" in page and page.rfind(b"\\u0000") >= 0:
        return False
    try:
        return page.isascii() or bool(page.decode())
    except UnicodeDecodeError:
        return False


def _said(page: Any) -> dict[str, Any]:
    found = msgspec.structs.asdict(page)
    return {name: value for name, value in found.items() if name != "rows" and value is not msgspec.UNSET}


def _page_decoder(crm: CrmName, rows: Any) -> Any:
    envelope = [(name, Any, msgspec.UNSET) for name in ENVELOPE[crm]]
    page = msgspec.defstruct("Page", [("rows", rows), *envelope], rename={"rows": ROWS[crm]})
    return msgspec.json.Decoder(page, float_hook=Decimal)


def _loop(walk: _TypedWalk, statements: Statements, again: Callable[[PageBytes, int], Any]) -> Any:
    """The function that makes records of the typed rows of a page."""
    statements.names |= {"absent": _absent, "again": again, "LazyPayload": LazyPayload}
    lines = [
        *body(statements, walk.checks()),
        "raw = new(LazyPayload)",
        "raw.page = page",
        "raw.number = number",
        "raw.held = None",
        *filled(statements, raw="raw"),
        "add(r)",
    ]
    loop = ["try:", *indented(lines), "except Exception:", "    add(again(page, number))"]
    whole = ["found = []", "add = found.append", "for number, p in enumerate(rows):", *indented(loop)]
    return defined("records", "rows, page", [*whole, "return found"], statements)


def _absent() -> None:
    raise LookupError


class _TypedWalk(DictWalk):
    """Visits structs; `type` is that of the rows that can be visited so."""

    def __init__(self, forms: Mapping[PayloadPath, Form], said: str | None) -> None:
        super().__init__()
        self._forms, self._said = forms, said
        self.blanks: dict[str, Any] = {}
        self._asked: dict[PayloadPath, None] = {}
        self._names: dict[PayloadPath, str] = {}
        self._entries: dict[str, PayloadPath] = {}
        self._types: dict[PayloadPath, Any] = {}

    def get(self, path: PayloadPath) -> str:
        """See `Walk`."""
        if path == _URL:
            return "absent()"
        self._asked[_alike(path)] = None
        return super().get(path)

    def checks(self) -> list[str]:
        """Leaves rows that say they are of another object to those who know what to make of them."""
        if self._said is None:
            return []
        if self._forms:
            self._asked[_TYPE] = None
            return []
        said = self.get(_TYPE)
        return [f"if {said} is not None and {said} != {self._said!r}: absent()"]

    def form(self, path: PayloadPath) -> Form:
        """See `Walk`."""
        return self._forms.get(path, Form.ANY)

    def type(self) -> Any:
        """The type of a row with all that was asked for; `blanks` then holds what stands for absent parts."""
        row = self._type((), list(self._asked))
        self.blanks = {blank: self._types[path]() for blank, path in self._entries.items()}
        return row

    def _member(self, owner: str, path: PayloadPath) -> str:
        return f"{owner}.{self._name(_alike(path))}"

    def _place(self, rows: str, number: int) -> str:
        return f"({rows}[{number}] if {rows} and len({rows}) > {number} else None)"

    def _entered(self, name: str, path: PayloadPath) -> str:
        blank = f"blank{len(self._entries)}"
        self._entries[blank] = _alike(path)
        return f"if {name} is None: {name} = {blank}"

    def _name(self, path: PayloadPath) -> str:
        return self._names.setdefault(path, f"a{len(self._names)}")

    def _type(self, path: PayloadPath, asked: Sequence[PayloadPath]) -> Any:
        """The type of what stands at the path, whose parts are asked for."""
        if asked == [path] == [_TYPE] and self._forms:
            return Literal[self._said]
        if asked == [path]:
            return _TYPES[self.form(path)]
        if path in asked:
            raise UntypableError(f"{path} is mapped whole and in parts")
        steps = dict.fromkeys(each[len(path)] for each in asked)
        below = {step: [each for each in asked if each[len(path)] == step] for step in steps}
        types = {step: self._type((*path, step), paths) | None for step, paths in below.items()}
        if all(isinstance(step, str) for step in steps):
            fields = [(self._name((*path, step)), of, None) for step, of in types.items()]
            keys = {self._name((*path, step)): str(step) for step in steps}
            self._types[path] = found = msgspec.defstruct("Part", fields, rename=keys, gc=False)
            return found
        if len(types) > 1:
            raise UntypableError(f"{path} is mapped as a list and as an object")
        return GenericAlias(list, types[0])


def _alike(path: PayloadPath) -> PayloadPath:
    """The path with one place of each list for all: its entries have one type."""
    return tuple(0 if isinstance(step, int) else step for step in path)
