"""What every test may rely on: the recorded bodies, a site with a company in it, no silent skips in CI."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A busy machine makes an example slow, not wrong. Everything else stays as the present profile has it.
settings.register_profile("closedloop", parent=settings(), deadline=None)
settings.load_profile("closedloop")

CORPUS = Path(os.environ.get("CLOSEDLOOP_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of bodies recorded from the real CRMs; they are not ours to ship."""
    if not CORPUS.is_dir():
        pytest.skip(f"no recorded bodies at {CORPUS}: set CLOSEDLOOP_CORPUS to the folder that holds them")
    return CORPUS


@pytest.fixture(scope="session")
def seed() -> Any:
    """The module that makes up the company: its names and constants. Test modules are not packages, so it
    is loaded from its path."""
    name = "closedloop_tests_seed"
    if name not in sys.modules:
        spec = spec_from_file_location(name, Path(__file__).parent / "pages" / "seed.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def site(seed: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The company's site; nobody writes to it."""
    opened = seed.open_site(tmp_path_factory.mktemp("company"))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def first_day(seed: Any, tmp_path: Path) -> Iterator[Any]:
    """A site with nothing in it, and a database of its own to write to."""
    opened = seed.open_site(tmp_path, fill=False)
    yield opened
    opened.engine.dispose()


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
