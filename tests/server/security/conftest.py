"""A browser and a program in front of the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from closedloop_server.access import Role, create_token
from closedloop_server.services import Services
from closedloop_server.store.engine import writing

if TYPE_CHECKING:
    from tests.server.conftest import Loop


@pytest.fixture
def app(loop: Loop, application: Callable[[Services], Flask]) -> Flask:
    settings = replace(loop.services.settings, public_url="http://localhost")
    return application(replace(loop.services, settings=settings))


@dataclass
class Browser:
    """What a person uses. `form` is the secret that the page's forms carry."""

    client: FlaskClient

    @property
    def form(self) -> str:
        self.client.get("/", follow_redirects=True)
        with self.client.session_transaction() as session:
            return str(session.get("form", ""))

    def sign_in(self, token: str, **options: Any) -> int:
        data = {"form": self.form, "token": token}
        return self.client.post("/login", data=data, **options).status_code

    def is_in(self) -> bool:
        return self.client.get("/").status_code == 200


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def other_browser(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def make_token(loop: Loop) -> Callable[..., str]:
    def make(role: Role = Role.ADMIN, **values: Any) -> str:
        with writing(loop.engine) as connection:
            given: dict[str, Any] = {"name": "Ada", "role": role, "now": loop.clock()}
            return create_token(connection, **(given | values))

    return make
