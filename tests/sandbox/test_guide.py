"""The guide is complete: every option, fixture, fault and setting stands in it."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from closedloop.sandbox.command import sandbox
from closedloop.sandbox.faults.reading import plan_of
from closedloop.sandbox.faults.vocabulary import MEANINGS, POLICIES, SKEWED, Fault
from closedloop.testing import fixtures

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "sandbox.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("option", [name for each in sandbox.params for name in each.opts])
def test_every_option_of_the_command_is_in_the_guide(option: str) -> None:
    assert re.search(rf"`{option}[ `]", GUIDE)


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_is_in_the_guide_with_its_settings(fault: Fault) -> None:
    (row,) = re.findall(rf"^\| `{fault}` \|(.*?)\|", GUIDE, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == set(MEANINGS[fault].settings)


def test_every_word_of_a_setting_is_in_the_guide() -> None:
    for word in (*SKEWED, *(name for names in POLICIES.values() for name in names)):
        assert f"`{word}`" in GUIDE


@pytest.mark.parametrize("name", [name for name in vars(fixtures) if name.startswith("closedloop_")])
def test_every_fixture_is_in_the_guide(name: str) -> None:
    assert f"| `{name}` |" in GUIDE


def test_the_plan_of_the_guide_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```\n(seed: .*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    file = tmp_path / "faults.yaml"
    file.write_text(text)
    assert [rule.fault for rule in plan_of(file).rules] == [Fault.RATE_LIMIT, Fault.TIMEOUT, Fault.LATENCY]


def test_the_commands_help_says_what_each_option_is_for() -> None:
    assert [each.name for each in sandbox.params if isinstance(each, click.Option) and not each.help] == []
