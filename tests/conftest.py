"""What every test may rely on: the recorded bodies, and no silent skips in CI."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CORPUS = Path(os.environ.get("CLOSEDLOOP_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of bodies recorded from the real CRMs; they are not ours to ship."""
    if not CORPUS.is_dir():
        pytest.skip(f"no recorded bodies at {CORPUS}: set CLOSEDLOOP_CORPUS to the folder that holds them")
    return CORPUS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """CI skips nothing: there, a skipped test fails the run."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped and os.environ.get("CI") == "true":
        terminalreporter.section("skipped in CI, where nothing may be")
        terminalreporter.line("Install what the skipped tests name, or remove them.", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if skipped and os.environ.get("CI") == "true" and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
