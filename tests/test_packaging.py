"""What is shipped: every package and data file of the tree, and arrows that point one way."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {
    "closedloop": ROOT / "sdk" / "closedloop",
    "closedloop_server": ROOT / "plugin_server" / "closedloop_server",
    "closedloop_mappings": ROOT / "mappings",
}


def packages_in_tree() -> set[str]:
    found = set()
    for name, folder in SOURCES.items():
        for init in folder.rglob("__init__.py"):
            parts = init.parent.relative_to(folder).parts
            if "migrations" not in parts:
                found.add(".".join((name, *parts)))
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_setup_cfg_lists_every_package_of_the_tree() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = {line for line in config["options"]["packages"].split() if line}
    assert listed == packages_in_tree()


def test_the_wheel_holds_every_source_and_data_file(wheel: zipfile.ZipFile) -> None:
    shipped = set(wheel.namelist())
    expected = {
        "/".join((name, *path.relative_to(folder).parts))
        for name, folder in SOURCES.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected - shipped == set()


@cache
def imports_of(path: Path) -> frozenset[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return frozenset(names)


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("sdk/closedloop", {"closedloop_server", "flask", "sqlalchemy"}),
        ("sdk/closedloop/schema", {"closedloop.crm", "closedloop.mapping", "closedloop.loop.attribution"}),
        ("sdk/closedloop/loop", {"closedloop.crm", "closedloop.mapping", "requests", "os", "time"}),
        ("sdk/closedloop/mapping", {"closedloop.crm", "closedloop.sandbox", "requests"}),
        ("sdk/closedloop/crm", {"closedloop.sandbox"}),
        (
            "plugin_server/closedloop_server/pipeline",
            {"flask", "closedloop.sandbox", "simple_salesforce", "hubspot"},
        ),
        ("plugin_server/closedloop_server/pages", {"closedloop.crm", "closedloop_server.pipeline"}),
        ("plugin_server/closedloop_server/api", {"closedloop.crm", "closedloop_server.pipeline"}),
    ],
)
def test_dependencies_point_one_way(folder: str, forbidden: set[str]) -> None:
    crossed = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / folder).rglob("*.py")
        for name in imports_of(path)
        if any(name == wall or name.startswith(wall + ".") for wall in forbidden)
    }
    assert crossed == set()


@pytest.mark.parametrize(("vendor", "home"), [("simple_salesforce", "salesforce"), ("hubspot", "hubspot")])
def test_a_vendors_library_is_imported_in_exactly_one_module(vendor: str, home: str) -> None:
    importers = {
        str(path.relative_to(ROOT))
        for source in SOURCES.values()
        for path in source.rglob("*.py")
        if any(name == vendor or name.startswith(vendor + ".") for name in imports_of(path))
    }
    assert importers == {f"sdk/closedloop/crm/{home}/client.py"}


def test_importing_the_library_imports_no_vendor_library() -> None:
    program = (
        "import sys, closedloop; "
        "sys.exit([m for m in ('hubspot', 'simple_salesforce', 'flask') if m in sys.modules] or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
