"""What every test may rely on: the recorded bodies, a company's site, a browser, no silent skips in CI."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from hypothesis import is_hypothesis_test, settings

# A busy machine makes an example slow, not wrong. Everything else stays as the present profile has it.
settings.register_profile("closedloop", parent=settings(), deadline=None)
settings.load_profile("closedloop")

# A process that a test starts would compile hundreds of modules anew where bytecode is switched off.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

CORPUS = Path(os.environ.get("CLOSEDLOOP_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")


FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

TOO_WIDE = """() => document.documentElement.scrollWidth > innerWidth
  ? [...document.querySelectorAll('main *')]
      .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
      .map(each => each.tagName + '.' + each.className)
  : []"""

TOO_FAINT = """() => {
  const parse = text => { const n = text.match(/[\\d.]+/g).map(Number); return n.length > 3 ? n : [...n, 1] };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return [255, 255, 255, 1];
  };
  const faint = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    const box = element.getBoundingClientRect();
    if (!own || box.width < 2 || box.height < 2 || element.closest('svg')) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(parse(style.color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) {
      faint.push(element.tagName + '.' + element.className + ' ' + ratio.toFixed(2));
    }
  }
  return faint;
}"""


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of bodies recorded from the real CRMs; they are not ours to ship."""
    if not CORPUS.is_dir():
        pytest.skip(f"no recorded bodies at {CORPUS}: set CLOSEDLOOP_CORPUS to the folder that holds them")
    return CORPUS


@pytest.fixture(scope="session")
def seed() -> Any:
    """The module that makes up the company: its names and constants."""
    return _module("pages/seed")


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


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Any]:
    """A PostgreSQL, which starts for the first test that needs it: see tests/postgresql.py."""
    with _module("postgresql").postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def beside() -> Callable[[str], Any]:
    """Loads a module beside the tests by its path from here, without its ending."""
    return _module


def _module(name: str) -> Any:
    """A module beside the tests, which are no package: it is loaded from its path."""
    full = "closedloop_tests_" + name.replace("/", "_")
    if full not in sys.modules:
        spec = spec_from_file_location(full, Path(__file__).parent / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[full] = module = module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[full]


def _chromium() -> str | None:
    places = ("/usr/bin/chromium", shutil.which("chromium"), shutil.which("google-chrome"))
    return next((place for place in places if place and Path(place).exists()), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; the tests are skipped where there is none."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is missing: pip install playwright"
    )
    executable = _chromium()
    if executable is None:
        pytest.skip("no Chromium found: install the package chromium, or put it on the PATH")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=executable, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def too_wide() -> Callable[[Any], list[str]]:
    """What makes a page scroll sideways."""
    return lambda tab: tab.evaluate(TOO_WIDE)


@pytest.fixture(scope="session")
def too_faint() -> Callable[[Any], list[str]]:
    """Text that does not stand out from what is behind it (WCAG 2.2, 1.4.3: 4.5 to 1, 3 to 1 when large)."""
    return lambda tab: tab.evaluate(TOO_FAINT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Property tests go without the measuring of coverage, which makes them take twice as long: what they
    reach by chance does not count as covered, others have to reach it too."""
    for item in items:
        if isinstance(item, pytest.Function) and is_hypothesis_test(item.obj):
            item.add_marker(pytest.mark.no_cover)


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
