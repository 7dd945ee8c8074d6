"""Measures the mapping engine on payloads and whole answers, half Salesforce's and half HubSpot's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench import by_hand, by_marshmallow
from bench.result import Figure, versus
from bench.samples import hubspot_rows, mapping_of, page_of, salesforce_rows
from closedloop.mapping import CrmMapping
from closedloop.mapping.decode import decode
from closedloop.schema.records import Record
from closedloop.schema.vocabulary import CrmName, ObjectType

Make = Callable[[Mapping[str, Any]], Record]

_ROWS = {CrmName.SALESFORCE: salesforce_rows, CrmName.HUBSPOT: hubspot_rows}
_ROUNDS = 31
_PAGE = 100


class UnequalError(AssertionError):
    """Two ways to the same records led to different ones: then their times mean nothing."""


def normalise_vs_handwritten(n: int) -> list[Figure]:
    """Payloads to records, against code written by hand for these two objects."""
    makers = {CrmName.SALESFORCE: by_hand.opportunity, CrmName.HUBSPOT: by_hand.deal}
    return [_payloads("normalise_vs_handwritten", makers, n)]


def normalise_vs_marshmallow(n: int) -> list[Figure]:
    """Payloads to records, against marshmallow schemas of these two objects."""
    makers = {CrmName.SALESFORCE: by_marshmallow.opportunity, CrmName.HUBSPOT: by_marshmallow.deal}
    return [_payloads("normalise_vs_marshmallow", makers, n)]


def bytes_to_values_vs_json_loads(n: int) -> list[Figure]:
    """The bytes of answers to records, against the standard library's json.loads of them alone."""
    mappings, pages = {crm: mapping_of(crm) for crm in CrmName}, _pages(n)
    for crm, page in pages:
        _check(_read(mappings[crm], page), _normalised(crm, mappings[crm], page))
    return [
        versus(
            "bytes_to_values_vs_json_loads",
            {
                "ours": lambda: [_read(mappings[crm], page) for crm, page in pages],
                "json.loads": lambda: [json.loads(page) for _, page in pages],
            },
            n=len(pages) * min(n, _PAGE),
            rounds=_ROUNDS,
        )
    ]


def _payloads(name: str, makers: Mapping[CrmName, Make], n: int) -> Figure:
    rows = {crm: json.loads(json.dumps(_ROWS[crm](max(1, n // 2)))) for crm in CrmName}
    ours: dict[CrmName, Make] = {crm: _normalise(mapping_of(crm)) for crm in CrmName}
    for crm in CrmName:
        _check([ours[crm](row) for row in rows[crm]], [makers[crm](row) for row in rows[crm]])
    return versus(
        name,
        {
            "ours": lambda: [_all(ours[crm], rows[crm]) for crm in CrmName],
            "theirs": lambda: [_all(makers[crm], rows[crm]) for crm in CrmName],
        },
        n=sum(map(len, rows.values())),
        rounds=_ROUNDS,
    )


def _normalise(mapping: CrmMapping) -> Make:
    return lambda row: mapping.normalise(ObjectType.OPPORTUNITY, row)


def _all(make: Make, rows: Sequence[Mapping[str, Any]]) -> list[Record]:
    return [make(row) for row in rows]


def _pages(n: int) -> list[tuple[CrmName, bytes]]:
    """Pages of a hundred, as HubSpot's are; so short ones that other processes seldom come in between."""
    size = min(n, _PAGE)
    count = max(1, n // 2 // size)
    return [(crm, page_of(crm, _ROWS[crm](size, seed=number))) for number in range(count) for crm in CrmName]


def _read(mapping: CrmMapping, page: bytes) -> Sequence[Any]:
    return mapping.page(ObjectType.OPPORTUNITY, page).rows


def _normalised(crm: CrmName, mapping: CrmMapping, page: bytes) -> list[Record]:
    rows = decode(page)["records" if crm is CrmName.SALESFORCE else "results"]
    return _all(_normalise(mapping), rows)


def _check(found: Sequence[Any], expected: Sequence[Record]) -> None:
    """Records compare without `raw`."""
    for one, other in zip(found, expected, strict=True):
        if one != other or one.raw != other.raw:
            raise UnequalError("the two ways differ in a record")
