"""The documentation is complete: every word, error, setting and command appears in it."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from marshmallow import Schema

from closedloop import cli, errors
from closedloop.loop.attribution import CAUSES, Cause
from closedloop.schema.vocabulary import OUTCOMES, REASONS, AttributionModel, Outcome, Reason
from closedloop_server.settings_file import CONNECTIONS, SettingsFile

ROOT = Path(__file__).parents[1]
DOCS = {path.name: path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}


@pytest.mark.parametrize(("outcome", "meaning"), OUTCOMES.items())
def test_every_outcome_is_documented_with_its_meaning(outcome: Outcome, meaning: str) -> None:
    assert f"| `{outcome}` | {meaning} |" in DOCS["vocabulary.md"]


@pytest.mark.parametrize("reason", REASONS.values(), ids=lambda reason: str(reason.code))
def test_every_reason_is_documented_with_its_meaning(reason: Reason) -> None:
    row = (
        f"| `{reason.code}` | {reason.label} | {reason.meaning} | {reason.next_action} | {reason.category} |"
    )
    assert row in DOCS["vocabulary.md"]


@pytest.mark.parametrize(("cause", "meaning"), CAUSES.items())
def test_every_cause_of_missing_credit_is_documented(cause: Cause, meaning: str) -> None:
    assert f"| `{cause}` | {meaning} |" in DOCS["attribution.md"]


@pytest.mark.parametrize("model", AttributionModel)
def test_every_attribution_model_is_documented(model: str) -> None:
    assert f"| `{model}` |" in DOCS["attribution.md"]


def error_types() -> list[str]:
    types = {name: value for name, value in vars(errors).items() if isinstance(value, type)}
    return [name for name, value in types.items() if issubclass(value, errors.ClosedLoopError)]


@pytest.mark.parametrize("name", error_types())
def test_every_error_is_drawn_in_the_tree_atop_its_module(name: str) -> None:
    assert re.search(rf"\b{name}\b", errors.__doc__ or "")


def test_every_command_is_documented() -> None:
    context = click.Context(cli.commands)
    missing = [
        name for name in cli.commands.list_commands(context) if f"closedloop {name}" not in DOCS["README.md"]
    ]
    assert missing == []


@pytest.mark.parametrize(("page", "text"), DOCS.items(), ids=DOCS)
def test_links_between_the_pages_lead_somewhere(page: str, text: str) -> None:
    folder = ROOT if page == "README.md" else ROOT / "docs"
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [target for target in targets if not (folder / target).exists()] == []


def setting_names() -> list[str]:
    schemas: list[type[Schema]] = [SettingsFile, *CONNECTIONS.values()]
    return sorted({name for schema in schemas for name in schema().fields} - {"connections"})


@pytest.mark.parametrize("name", setting_names())
def test_every_setting_is_documented(name: str) -> None:
    assert re.search(rf"^\|[^|]*`{name}`[^|]*\|", DOCS["settings.md"], re.MULTILINE)
