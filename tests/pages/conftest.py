"""Fixtures for the pages: the company's site, signed in and not, and an empty site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html


def _signed_in(site: Any) -> FlaskClient:
    client: FlaskClient = site.app.test_client()
    form: Any = html.document_fromstring(client.get("/login").get_data(as_text=True))
    secret = form.xpath('//form//input[@name="form"]/@value')[0]
    answer = client.post("/login", data={"form": secret, "token": site.token})
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
