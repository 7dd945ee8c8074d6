"""What the package lets in and out."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import closedloop.crm.hubspot

PACKAGE = Path(closedloop.crm.hubspot.__file__).parent


def imported(module: Path) -> set[str]:
    """The top-level packages that a module imports."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    names = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and not n.level]
    names += [alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names]
    return {name.partition(".")[0] for name in names}


def test_the_client_library_and_its_transport_are_imported_in_one_module() -> None:
    vendors = {"hubspot", "urllib3", "requests"}
    found = {module.name: imported(module) & vendors for module in PACKAGE.glob("*.py")}
    assert {name: names for name, names in found.items() if names} == {"client.py": {"hubspot", "urllib3"}}


def test_the_client_library_is_not_loaded_before_a_portal_is_connected() -> None:
    program = (
        "import sys, closedloop.crm.hubspot, closedloop.crm.hubspot.events; print('hubspot' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
