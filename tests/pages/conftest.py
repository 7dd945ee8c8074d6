"""Fixtures for the pages: the company's site, signed in and not, and an empty site."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html


def _seed_module() -> Any:
    """The seed beside this file; test modules are not packages, so it is loaded from its path."""
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


def _signed_in(site: Any) -> FlaskClient:
    client: FlaskClient = site.app.test_client()
    answer = client.get("/login", query_string={"token": site.token})
    assert answer.status_code == 303
    return client


@pytest.fixture
def client(site: Any) -> FlaskClient:
    """A signed-in browser on the company's site."""
    return _signed_in(site)


@pytest.fixture
def first_day_client(first_day: Any) -> FlaskClient:
    """A signed-in browser on the empty site."""
    return _signed_in(first_day)


@pytest.fixture
def page(client: FlaskClient) -> Callable[[str], html.HtmlElement]:
    """Opens an address of the company's site and hands over what came, parsed."""

    def opened(address: str) -> html.HtmlElement:
        answer = client.get(address)
        assert answer.status_code == 200, f"{address}: {answer.status}"
        return html.document_fromstring(answer.get_data(as_text=True))

    return opened
