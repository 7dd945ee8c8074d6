"""Looks for what is wrong with the packages that the product runs on: unpinned, withdrawn, vulnerable.

    python requirements/audit.py [requirements/run.txt]

Ends with 1 when something is. What could not be found out is said, and is no failure: many indexes know which
versions were withdrawn, and tell nothing about vulnerabilities.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[A-Za-z0-9,._-]+\])?==[A-Za-z0-9.!+]+( ?;.*)?")


def unpinned(lines: Iterable[str]) -> Iterator[str]:
    """The lines that name no exact version."""
    for line in lines:
        text = line.partition(" #")[0].strip()
        if text and not text.startswith("#") and not _PINNED.fullmatch(text):
            yield f"not pinned: {text}"


def withdrawn(told: str) -> Iterator[str]:
    """The versions that pip calls yanked (PEP 592) when it would install them."""
    for line in told.splitlines():
        if "yanked version" in line:
            yield line.strip()


def vulnerable(report: Any) -> Iterator[str]:
    """The known vulnerabilities in pip-audit's report."""
    for package in report["dependencies"]:
        for found in package.get("vulns", ()):
            fixed = ", ".join(found["fix_versions"]) or "no version"
            yield f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed}"


def unknown(report: Any) -> list[str]:
    """The packages of which pip-audit could not find out anything."""
    return [package["name"] for package in report["dependencies"] if "skip_reason" in package]


def _pip_would_install(file: str) -> subprocess.CompletedProcess[str]:
    options = ("--dry-run", "--no-deps", "--ignore-installed", "--disable-pip-version-check")
    return subprocess.run(  # noqa: S603 - pip, with a file of ours
        [sys.executable, "-m", "pip", "install", *options, "-r", file],
        capture_output=True,
        text=True,
        check=False,
    )


def _report(file: str) -> Any:
    options = ("--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json")
    ran = subprocess.run(  # noqa: S603 - likewise
        [sys.executable, "-m", "pip_audit", *options, "-r", file], capture_output=True, text=True, check=False
    )
    # It ends with 1 for vulnerabilities too: what it says decides.
    return json.loads(ran.stdout) if ran.stdout.startswith("{") else None


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main(file: str) -> int:
    """Looks through one file of requirements; 1 when something is wrong."""
    wrong = list(unpinned(Path(file).read_text(encoding="utf-8").splitlines()))
    installing = _pip_would_install(file)
    if installing.returncode:
        wrong.append(f"pip cannot install them: {installing.stderr.strip()[-500:]}")
    wrong += withdrawn(installing.stderr + installing.stdout)
    report = _report(file)
    if report is None:
        _say("Vulnerabilities: not known, the service of pip-audit could not be asked.")
    else:
        wrong += vulnerable(report)
        if left := unknown(report):
            _say(f"Vulnerabilities: not known of {len(left)} packages, of which the index tells nothing.")
    for each in wrong:
        _say(each)
    _say(f"{file}: {len(wrong)} found." if wrong else f"{file}: nothing found.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or ["requirements/run.txt"])))
