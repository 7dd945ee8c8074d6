"""The recorded bodies, found when the tests are collected so that new recordings are picked up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

CORPUS = Path(os.environ.get("CLOSEDLOOP_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")

# Queries and signature vectors are recordings of something else than bodies.
_NOT_BODIES = {"index.json", "signature_vectors.json", "soql_parser_js.json"}


def _recordings() -> Iterator[Path]:
    for path in sorted(CORPUS.rglob("*")):
        if path.suffix in {".json", ".xml", ".csv"} and path.name not in _NOT_BODIES:
            yield path.relative_to(CORPUS)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives every test that asks for a `recording` each of them in turn."""
    if "recording" in metafunc.fixturenames:
        found = list(_recordings())
        missing = pytest.param(None, marks=pytest.mark.skip(reason=f"no recorded bodies at {CORPUS}"))
        metafunc.parametrize("recording", found or [missing], ids=str)
