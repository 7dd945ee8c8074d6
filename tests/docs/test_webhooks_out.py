"""The page about webhooks says what is sent: its examples are in the form that the schema describes."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from closedloop_server.subscriptions.calling import TOTAL
from closedloop_server.subscriptions.event_types import CHOOSABLE, MEANINGS, EventType
from closedloop_server.subscriptions.payloads import DATA, Envelope
from closedloop_server.subscriptions.schedule import WAITS
from closedloop_server.subscriptions.sending import AT_ONCE, OF_ONE
from closedloop_server.subscriptions.settings import WebhookSettings, WebhooksForm

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "webhooks-out.md").read_text()
SETTINGS = (DOCS / "settings.md").read_text()
SCHEMA = json.loads((DOCS / "webhooks-out.schema.json").read_text())
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def is_valid(told: Any) -> bool:
    return bool(jsonschema_rs.validator_for(SCHEMA).is_valid(told))


def test_the_schema_is_current() -> None:
    generated = runpy.run_path(str(DOCS / "webhooks.py"))["document"]()
    assert (DOCS / "webhooks-out.schema.json").read_text() == generated, (
        "run `make docs` and commit the result"
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["type"] for example in EXAMPLES])
def test_every_example_is_in_the_form_of_the_schema(example: dict[str, Any]) -> None:
    assert is_valid(example)
    loaded = Envelope().load(example)
    assert DATA[loaded["type"]].load(loaded["data"])


def test_every_form_has_an_example() -> None:
    shown = {type(DATA[EventType(example["type"])]) for example in EXAMPLES}
    assert shown == {type(schema) for schema in DATA.values()}


@pytest.mark.parametrize(
    "change",
    [{"version": "1"}, {"type": "lead.eaten"}, {"data": {}}, {"id": None}],
    ids=["version", "type", "data", "id"],
)
def test_what_is_not_in_the_form_is_told_apart(change: dict[str, Any]) -> None:
    assert not is_valid({**EXAMPLES[0], **change})


def test_a_field_that_is_new_is_no_fault() -> None:
    assert is_valid({**EXAMPLES[0], "new": 1, "data": {**EXAMPLES[0]["data"], "new": 1}})


@pytest.mark.parametrize("type_", CHOOSABLE)
def test_every_type_is_documented_with_its_meaning(type_: EventType) -> None:
    assert f"| `{type_}` | {MEANINGS[type_]} |" in PAGE


def test_every_setting_is_documented_with_its_default() -> None:
    defaults = WebhookSettings()
    for name in WebhooksForm().fields:
        value = getattr(defaults, name)
        shown = {(): "none", False: "false"}.get(value, value)
        assert f"| `{name}` | {shown} |" in SETTINGS


def test_the_numbers_on_the_page_are_those_of_the_code() -> None:
    assert f"within {TOTAL:.0f} seconds" in PAGE
    assert f"At most {AT_ONCE} calls are under way, {OF_ONE} of them" in PAGE
    assert "after 5 seconds, 5 minutes, 30 minutes, 2, 5, 10, 14, 20 and 24 hours" in PAGE
    assert [wait.total_seconds() for wait in WAITS[:3]] == [5, 300, 1800]
    assert [wait.total_seconds() / 3600 for wait in WAITS[3:]] == [2, 5, 10, 14, 20, 24]
