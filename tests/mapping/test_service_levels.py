"""The service levels in lifecycle.yaml."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib import resources
from pathlib import Path

import pytest

from closedloop.errors import MappingError
from closedloop.loop.service_levels import ServiceLevel, Until
from closedloop.mapping import Mappings, load_mappings
from closedloop.mapping.lifecycle import stage_names

SHIPPED = resources.files("closedloop_mappings").joinpath("lifecycle.yaml").read_text(encoding="utf-8")


def load(folder: Path, text: str) -> Mappings:
    (folder / "lifecycle.yaml").write_text(text, encoding="utf-8")
    return load_mappings(folder)


def test_as_shipped_there_is_none(mappings: Mappings) -> None:
    assert mappings.lifecycle.service_levels == ()


def test_the_examples_of_the_shipped_file_are_good_without_their_number_signs(tmp_path: Path) -> None:
    start = SHIPPED.index("# service_levels:")
    examples = re.sub(r"(?m)^# ?", "", SHIPPED[start:])
    levels = load(tmp_path, SHIPPED[:start] + examples).lifecycle.service_levels
    assert levels == (
        ServiceLevel(name="first-decision", within=timedelta(days=3), until=Until.DECISION),
        ServiceLevel(
            name="first-contact",
            within=timedelta(hours=24),
            until=Until.LEAVING,
            stages=frozenset({"new", "open not contacted", "new stage id"}),
        ),
    )
    assert stage_names("Open -  not contacted", None) <= levels[1].stages


def test_other_levels_are_another_version(tmp_path: Path, mappings: Mappings) -> None:
    text = SHIPPED + "\nservice_levels:\n  - {name: a, within: 30m, until: stage_change}\n"
    assert load(tmp_path, text).version != mappings.version


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("{name: a, within: 24h}", "say what ends the waiting"),
        ("{name: a, within: 24h, until: decision, stages: [New]}", "say what ends the waiting"),
        ("{name: a, within: 24h, until: dezision}", "did you mean `decision`?"),
        ("{name: a, within: 24h, until: leaving}", "`leaving` is not known"),
        ("{name: a, within: 24, until: decision}", "expected minutes, hours or days"),
        ("{name: a, within: 0h, until: decision}", "expected minutes, hours or days"),
        ("{name: First contact, within: 24h, until: decision}", "name it with a-z"),
        ("{within: 24h, until: decision}", "`name` is missing here"),
        ("{name: a, within: 24h, untill: decision}", "did you mean `until`?"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, level: str, said: str) -> None:
    text = SHIPPED.rstrip() + f"\nservice_levels:\n  - {level}\n"
    with pytest.raises(MappingError) as caught:
        load(tmp_path, text)
    assert said in str(caught.value)
    assert caught.value.line == text.count("\n")


def test_two_levels_of_one_name_are_refused(tmp_path: Path) -> None:
    level = "  - {name: a, within: 24h, until: decision}\n"
    with pytest.raises(MappingError, match="`a` is a level already"):
        load(tmp_path, SHIPPED + "\nservice_levels:\n" + 2 * level)
