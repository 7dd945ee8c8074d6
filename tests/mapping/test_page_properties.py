"""Random pages: whatever a CRM sends, the bytes and the decoded payloads give the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from closedloop.errors import NormaliseError
from closedloop.mapping import CrmMapping
from closedloop.mapping.compile import Careful, compile_object
from closedloop.mapping.decode import decode
from closedloop.mapping.page import Misfit
from closedloop.mapping.path import PayloadPath
from closedloop.schema.vocabulary import CrmName, ObjectType

_TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    [
        *("", " ", "true", "False", "1", "0", "12.50", "1e3", "NaN", "EUR", "eur", "a@b.c", "a;b"),
        *("00Qak00000696HFEAY", "006ak00000OQ4Rx", "005ak000005hvjJAAQ", "12345", "2026-01-02", "2026-W01-1"),
        *("2026-01-02T03:04:05.000+0000", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05", "1767322800000"),
        *(
            "2026-01-02T03:04:05.1234567Z",
            "2026-01-02t03:04:05z",
            "2026-01-02 03:04:05+02:00",
            "20260102T030405Z",
        ),
        *(
            "2026-01-02x03:04:05Z",
            "9999-12-31T23:59:59-05:00",
            "2026-01-02T24:00:00Z",
            "a\0b",
            "\u00a0x\u2003",
        ),
    ]
)
_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 10**30)
_SCALARS = st.none() | st.booleans() | _NUMBERS | _TEXTS
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=4,
)
_LIKELY = st.one_of(_SCALARS, _SCALARS, _SCALARS, _VALUES)


def _put(row: Any, path: PayloadPath, value: Any) -> Any:
    """The row with the value at the path, where it has the shape for it."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        return [_put(row[0] if isinstance(row, list) and row else None, rest, value)]
    row = dict(row) if isinstance(row, Mapping) else {}
    row[step] = _put(row.get(step), rest, value)
    return row


def _id_of(crm: CrmName, source: str) -> str:
    return "12345" if crm is CrmName.HUBSPOT else {"Contact": "003"}.get(source, "006") + "ak000005hvjJAAQ"


@st.composite
def _pages(draw: st.DrawFn, mapping: CrmMapping, of: ObjectType) -> bytes:
    paths = st.sampled_from(mapping.specification(of).paths)
    rows = []
    for _ in range(draw(st.integers(1, 3))):
        row: Any = {
            "Id" if mapping.crm is CrmName.SALESFORCE else "id": _id_of(mapping.crm, mapping.source(of))
        }
        for path, value in draw(st.lists(st.tuples(paths, _LIKELY), max_size=6)):
            row = _put(row, path, value)
        rows.append(draw(st.sampled_from([row, row, row, row, draw(_VALUES)])))
    name = "records" if mapping.crm is CrmName.SALESFORCE else "results"
    return json.dumps({name: rows}, ensure_ascii=draw(st.booleans())).encode()


def _outcome(normalise: Any, payload: Any) -> Any:
    try:
        record = normalise(payload)
    except NormaliseError as error:
        return error.message, error.field, error.reason
    return repr(record), record.raw


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_bytes_and_payloads_give_the_same_records(
    salesforce_mapping: CrmMapping, hubspot: CrmMapping, data: st.DataObject
) -> None:
    mapping = data.draw(st.sampled_from([salesforce_mapping, hubspot]))
    of = data.draw(st.sampled_from([ObjectType.OPPORTUNITY, ObjectType.CONTACT]))
    body = data.draw(_pages(mapping, of))
    rows = decode(body)["records" if mapping.crm is CrmName.SALESFORCE else "results"]
    expected = [_outcome(lambda row: mapping.normalise(of, row), row) for row in rows]
    mapping._pages.clear()
    for _ in range(2):  # the second time with what the reader learnt from the first
        page = mapping.page(of, body)
        for row, raw, wanted in zip(page.rows, rows, expected, strict=True):
            if isinstance(row, Misfit):
                assert (row.error.message, row.error.field, row.error.reason) == wanted
                assert row.raw == raw
            else:
                assert (repr(row), row.raw) == wanted


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_quick_and_careful_statements_give_the_same_records(
    salesforce_mapping: CrmMapping, hubspot: CrmMapping, data: st.DataObject
) -> None:
    mapping = data.draw(st.sampled_from([salesforce_mapping, hubspot]))
    of = data.draw(st.sampled_from([*ObjectType]))
    spec = mapping.specification(of, data.draw(st.sampled_from(mapping.sources(of))))
    payload: Any = {"Id": "006ak000005hvjJAAQ", "id": "12345"}
    for path, value in data.draw(st.lists(st.tuples(st.sampled_from(spec.paths), _LIKELY), max_size=8)):
        payload = _put(payload, path, value)
    quick = _outcome(compile_object(mapping.crm, spec), payload)
    assert quick == _outcome(Careful(mapping.crm, spec).normalise, payload)
