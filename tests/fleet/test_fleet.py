"""A short run of what `make torture` does at length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.fleet.run import run_fleet


@pytest.fixture
def url(postgresql_server: Any) -> Iterator[str]:
    """An empty database: the first process of the fleet makes the tables."""
    made: str = postgresql_server.create()
    yield made
    postgresql_server.drop(made)


def test_a_fleet_whose_processes_die_and_are_cut_off_loses_nothing_and_doubles_nothing(url: str) -> None:
    result = run_fleet(1, decisions=12, url=url, every=2.5, least=15)
    assert result.lost == ()
    assert result.doubled == ()
    assert result.decisions >= 12
    assert result.points >= 3
