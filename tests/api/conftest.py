"""Fixtures for the API: the company's site as the pages' tests have it, and calls with a token."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest


def _seed_module() -> Any:
    """The seed of the pages' tests; test modules are not packages, so it is loaded from its path."""
    name = "closedloop_tests_seed"
    if name not in sys.modules:
        spec = spec_from_file_location(name, Path(__file__).parents[1] / "pages" / "seed.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def seed() -> Any:
    """The module that makes up the company: its names and constants."""
    return _seed_module()


@pytest.fixture(scope="session")
def site(seed: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The company's site; nobody writes to it."""
    return seed.open_site(tmp_path_factory.mktemp("company"))


@pytest.fixture
def first_day(seed: Any, tmp_path: Path) -> Any:
    """A site with nothing in it, and a database of its own to write to."""
    return seed.open_site(tmp_path, fill=False)


Get = Callable[..., Any]


def _getter(site: Any) -> Get:
    def get(path: str, *, status: int = 200, **arguments: Any) -> Any:
        answer = site.app.test_client().get(
            f"/api/v1{path}", query_string=arguments, headers={"Authorization": f"Bearer {site.token}"}
        )
        assert answer.status_code == status, answer.get_data(as_text=True)[:300]
        return answer.get_json()

    return get


@pytest.fixture
def get(site: Any) -> Get:
    """Asks the company's API and hands over the JSON."""
    return _getter(site)


@pytest.fixture
def first_day_get(first_day: Any) -> Get:
    """Asks the empty site's API and hands over the JSON."""
    return _getter(first_day)


@pytest.fixture
def every() -> Callable[..., list[Any]]:
    """Walks through all pages of a list, by its cursors."""

    def walk(get: Get, path: str, key: str, **arguments: Any) -> list[Any]:
        found: list[Any] = []
        answer = get(path, **arguments)
        while True:
            found += answer[key]
            if answer["next_cursor"] is None:
                return found
            assert answer[key], "a page with a way on must not be empty"
            answer = get(path, **arguments, cursor=answer["next_cursor"])

    return walk
