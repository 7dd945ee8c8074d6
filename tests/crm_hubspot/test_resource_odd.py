"""Answers with status 200 that are not what HubSpot's API answers: errors of ours, and nothing made up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from closedloop.crm.hubspot import HubSpotCrm
from closedloop.crm.results import WriteResult
from closedloop.errors import AnswerError, CrmError, NormaliseError, UncertainError
from closedloop.sandbox.hubspot import Portal

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
IDLESS: Mapping[str, Any] = {
    "no id": [{}],
    "an id that is null": [{"id": None}],
    "an id that is a path": [{"id": "//evil/x", "properties": {}}],
    "an id that is true": [{"id": True, "properties": {}}],
    "an id that is an object": [{"id": {"id": "1"}, "properties": {}}],
}


def holding(rows: Any) -> Callable[[str], Any]:
    """A page of these rows."""
    return lambda _: {"results": rows}


SHAPES: Mapping[str, Callable[[str], Any]] = {
    "HTML": lambda _: "<html>Back soon.</html>",
    "an empty object": lambda _: {},
    "a list": lambda _: [],
    "null": lambda _: None,
    "results that are null": lambda _: {"results": None},
    "results that are no objects": lambda _: {"results": [1]},
    "an empty paging": lambda id_: {"results": [{"id": id_}], "paging": {}},
    "properties that are null": lambda id_: {"results": [{"id": id_, "properties": None}]},
    "properties that are a list": lambda id_: {"results": [{"id": id_, "properties": []}]},
    "associations that are a list": lambda id_: {
        "results": [{"id": id_, "properties": {}, "associations": []}]
    },
    "associations that are null": lambda id_: {
        "results": [{"id": id_, "properties": {}, "associations": {"companies": None}}]
    },
    **{name: holding(rows) for name, rows in IDLESS.items()},
}
CALLS: Mapping[str, Callable[[HubSpotCrm, str], Any]] = {
    "get": lambda crm, id_: crm.contacts.get(id_),
    "list": lambda crm, _: list(crm.contacts.list()),
    "changes": lambda crm, _: list(crm.contacts.changes(LONG_AGO)),
    "create": lambda crm, _: crm.contacts.create({"last_name": "N"}),
    "update": lambda crm, id_: crm.contacts.update(id_, {"title": "T"}, compare=False),
    "upsert": lambda crm, _: crm.contacts.upsert({"email": "a@example.com"}, by="email"),
    "delete": lambda crm, id_: crm.contacts.delete(id_),
}


@pytest.fixture
def made(portal: Portal) -> str:
    return portal.create("contacts", {"email": "a@example.com"})


@pytest.mark.parametrize("shape", list(SHAPES))
@pytest.mark.parametrize("call", list(CALLS))
def test_whatever_is_answered_is_a_result_or_an_error_of_ours(
    portal: Portal, connected: HubSpotCrm, made: str, shape: str, call: str
) -> None:
    portal.faults.add(200, path="/objects/contacts", body=SHAPES[shape](made), times=50)
    try:
        found = CALLS[call](connected, made)
    except (CrmError, NormaliseError):
        return
    if isinstance(found, WriteResult):
        assert found.id == made


@pytest.mark.parametrize("rows", IDLESS.values(), ids=list(IDLESS))
def test_what_was_made_without_an_id_is_looked_for_and_is_else_uncertain(
    portal: Portal, connected: HubSpotCrm, rows: Any
) -> None:
    path = "/crm/v3/objects/contacts/batch/create"
    portal.faults.add(201, path=path, body={"results": rows})
    with pytest.raises(UncertainError) as caught:
        connected.contacts.create({"last_name": "N"})
    assert caught.value.reason == "uncertain"
    portal.faults.add(201, path=path, body={"results": rows})
    assert connected.contacts.create({"email": "new@example.com"}).id == portal.ids("contacts")[-1]


@pytest.mark.parametrize("rows", IDLESS.values(), ids=list(IDLESS))
def test_an_upsert_that_names_no_record_is_no_success(
    portal: Portal, connected: HubSpotCrm, rows: Any
) -> None:
    portal.faults.add(200, path="/contacts/batch/upsert", body={"results": rows}, times=9)
    with pytest.raises(AnswerError):
        connected.contacts.upsert({"email": "a@example.com"}, by="email")
