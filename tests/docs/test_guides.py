"""Every example of the guides and of the README runs, in its order, against the sandboxes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import closedloop
from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox

GUIDES = sorted((Path(__file__).parents[2] / "docs" / "guides").glob("*.md"))
README = Path(__file__).parents[2] / "README.md"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with SalesforceSandbox() as salesforce, HubSpotSandbox() as hubspot:
        settings = {
            "SALESFORCE_URL": salesforce.url,
            "SALESFORCE_TOKEN": salesforce.access_token,
            "SALESFORCE_CLIENT_ID": salesforce.client_id,
            "SALESFORCE_CLIENT_SECRET": salesforce.client_secret,
            "HUBSPOT_URL": hubspot.url,
            "HUBSPOT_TOKEN": hubspot.access_token,
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        yield


def blocks(guide: Path) -> list[tuple[int, str]]:
    """Each example, and the line of the guide that it begins on."""
    text = guide.read_text()
    return [(text.count("\n", 0, found.start(1)), found[1]) for found in _BLOCK.finditer(text)]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
@pytest.mark.usefixtures("_environment")
def test_the_examples_of_a_guide_run(guide: Path) -> None:
    names: dict[str, object] = {"__name__": guide.stem}
    found = blocks(guide)
    assert found
    for line, source in found:
        exec(compile("\n" * line + source, str(guide), "exec"), names)  # noqa: S102 - our own documentation


@pytest.mark.usefixtures("_environment")
def test_the_example_of_the_readme_runs() -> None:
    names: dict[str, object] = {
        "url": os.environ["SALESFORCE_URL"],
        "key": os.environ["SALESFORCE_CLIENT_ID"],
        "secret": os.environ["SALESFORCE_CLIENT_SECRET"],
        "people": [{"last_name": "Meyer"}],
        "cursor": None,
        "payload": {"id": "1", "properties": {"hs_lead_name": "Meyer"}},
    }
    crm = closedloop.connect(
        "salesforce", login_url=os.environ["SALESFORCE_URL"], access_token=os.environ["SALESFORCE_TOKEN"]
    )
    crm.leads.create({"last_name": "Meyer", "company": "Meyer & Sons"})
    ((line, source),) = blocks(README)
    exec(compile("\n" * line + source, str(README), "exec"), names)  # noqa: S102 - our own documentation
    assert names["cursor"] is not None
    assert [lead.reason for lead in crm.leads.list()] == ["No budget"]


@pytest.mark.parametrize("credentials", [SalesforceCredentials, HubSpotCredentials])
def test_every_credential_is_in_the_guide(credentials: type[Any]) -> None:
    text = (README.parent / "docs" / "guides" / "connect.md").read_text()
    assert [field.name for field in fields(credentials) if f"`{field.name}`" not in text] == []


def test_no_example_is_fenced_so_that_nobody_runs_it() -> None:
    fences = {
        fence for guide in GUIDES for fence in re.findall(r"^```(\w+)", guide.read_text(), re.MULTILINE)
    }
    assert fences == {"python"}
