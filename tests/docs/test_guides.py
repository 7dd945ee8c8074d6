"""Every example of the guides runs, in its order, against the sandboxes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.salesforce import SalesforceSandbox

GUIDES = sorted((Path(__file__).parents[2] / "docs" / "guides").glob("*.md"))
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


def test_no_example_is_fenced_so_that_nobody_runs_it() -> None:
    fences = {
        fence for guide in GUIDES for fence in re.findall(r"^```(\w+)", guide.read_text(), re.MULTILINE)
    }
    assert fences == {"python"}
