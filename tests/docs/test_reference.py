"""The API reference is what the docstrings say now, and leaves nothing public out."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

import closedloop

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def generated() -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "reference.py"))


def test_the_reference_is_current(generated: dict[str, Any]) -> None:
    assert (DOCS / "reference.md").read_text() == generated["page"](), "run `make docs` and commit the result"


def test_every_public_function_is_in_it(generated: dict[str, Any]) -> None:
    text = generated["page"]()
    assert [
        name for name in closedloop.__all__ if name[0] != "_" and f"`closedloop.{name}(" not in text
    ] == []


def test_nothing_public_is_without_a_docstring(generated: dict[str, Any]) -> None:
    lines = generated["page"]().splitlines()
    bare = [
        line
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if (line.startswith("- **") and line.endswith("`** ")) or (line.startswith("### ") and following)
    ]
    assert bare == []
