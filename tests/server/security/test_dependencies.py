"""What `make audit` takes for wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

REQUIREMENTS = Path(__file__).parents[3] / "requirements"


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = spec_from_file_location("closedloop_audit", REQUIREMENTS / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", ["run.txt", "test.txt", "audit.txt"])
def test_every_package_is_pinned(audit: ModuleType, file: str) -> None:
    assert list(audit.unpinned((REQUIREMENTS / file).read_text().splitlines())) == []


@pytest.mark.parametrize("line", ["flask", "flask>=3", "flask==3.*", "-r other.txt", "git+https://x/y"])
def test_what_names_no_exact_version_is_found(audit: ModuleType, line: str) -> None:
    assert list(audit.unpinned(["# why", "", "a[b]==1.0", line])) == [f"not pinned: {line}"]


def test_withdrawn_versions_are_found(audit: ModuleType) -> None:
    told = "WARNING: The candidate selected for download or install is a yanked version: 'x' candidate\nWould"
    assert len(list(audit.withdrawn(told))) == 1
    assert list(audit.withdrawn("Would install x-1")) == []


def test_vulnerabilities_are_found_and_what_is_not_known_is_told(audit: ModuleType) -> None:
    report = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]},
            {"name": "b", "version": "1", "vulns": []},
            {"name": "c", "skip_reason": "not found"},
        ]
    }
    assert list(audit.vulnerable(report)) == ["a 1: PYSEC-1, fixed in 1.1"]
    assert audit.unknown(report) == ["c"]


@pytest.mark.parametrize(
    ("found", "ends"),
    [
        (("", {"dependencies": []}), 0),
        (("", None), 0),
        (("it is a yanked version: x", None), 1),
        (
            (
                "",
                {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X", "fix_versions": []}]}]},
            ),
            1,
        ),
    ],
    ids=["nothing", "nobody to ask", "withdrawn", "vulnerable"],
)
def test_it_ends_with_1_when_something_is_wrong(
    audit: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    found: tuple[str, object],
    ends: int,
) -> None:
    installing, report = found
    ran = subprocess.CompletedProcess[str]([], 0, stdout="", stderr=installing)
    replaced: dict[str, Callable[[str], object]] = {
        "_pip_would_install": lambda _: ran,
        "_report": lambda _: report,
    }
    for name, function in replaced.items():
        monkeypatch.setattr(audit, name, function)
    assert audit.main(str(REQUIREMENTS / "run.txt")) == ends
    assert ("not known" in capsys.readouterr().out) == (report is None)
