"""Fixtures for the API: the company's site as the pages' tests have it, and calls with a token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

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
