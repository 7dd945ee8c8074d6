"""SOAP calls to the sandbox, and deployments over them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from tests.sandbox_salesforce.packages import Deploy, Soap, deployer

from closedloop.sandbox.salesforce import SalesforceSandbox


@pytest.fixture
def soap(salesforce: SalesforceSandbox, http: Any) -> Soap:
    return Soap(salesforce, http.session)


@pytest.fixture
def deploy(soap: Soap) -> Deploy:
    return deployer(soap)


@pytest.fixture(scope="module")
def untouched() -> Iterator[Soap]:
    """Calls of one org for many tests: for what is refused, and so leaves nothing behind."""
    with SalesforceSandbox() as sandbox, requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {sandbox.access_token}"
        yield Soap(sandbox, session)
