"""The benchmark runs, small: what it measures is never looked at here, only that it can."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENTRIES = {
    "normalise_vs_handwritten": {"normalise_vs_handwritten"},
    "normalise_vs_marshmallow": {"normalise_vs_marshmallow"},
    "bytes_to_values_vs_json_loads": {"bytes_to_values_vs_json_loads"},
    "list_memory_1m_vs_100k": {"list_memory_1m_vs_100k"},
    "list_records_per_s": {"list_records_per_s_salesforce", "list_records_per_s_hubspot"},
    "read_calls_vs_minimum": {
        *("read_calls_vs_minimum", "read_calls_vs_minimum_salesforce", "read_calls_vs_minimum_hubspot")
    },
    "write_calls_vs_minimum": {
        *("write_calls_vs_minimum", "write_calls_vs_minimum_salesforce", "write_calls_vs_minimum_hubspot")
    },
    "import_ms": {"import_ms"},
    "loop_calls_vs_minimum": {
        *("loop_calls_vs_minimum", "loop_calls_vs_minimum_salesforce", "loop_calls_vs_minimum_hubspot")
    },
    "loop_decisions_per_s": {"loop_decisions_per_s"},
    "loop_latency_p95_s": {
        *("loop_latency_p95_s", "loop_latency_p95_s_salesforce", "loop_latency_p95_s_hubspot")
    },
    "sandbox_requests_per_s": {
        *("sandbox_requests_per_s", "sandbox_requests_per_s_salesforce", "sandbox_requests_per_s_hubspot")
    },
    "sandbox_start_s": {"sandbox_start_s"},
    "world_people_per_s": {"world_people_per_s"},
    "ingest_vs_noop": {"ingest_vs_noop"},
    "disk_syncs_per_s": {"disk_syncs_per_s"},
    "ingest_p99_ms": {"ingest_p99_ms"},
    "ingest_p99_ms_busy": {"ingest_p99_ms_busy"},
    "workers_scaling": {"workers_scaling_1", "workers_scaling_2"},
}


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], int]:
    """The benchmark's own main, in this process: a new one would only import everything again."""
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.chdir(ROOT)
    # Four workers are started and measured as two are, and take as long again.
    monkeypatch.setattr(import_module("bench.fleet"), "WORKERS", (1, 2))
    main: Callable[[list[str]], int] = import_module("bench.__main__").main
    return main


@pytest.mark.no_cover  # it runs what other tests look at
@pytest.mark.parametrize(("entry", "names"), ENTRIES.items(), ids=ENTRIES)
def test_an_entry_is_measured_printed_and_written(
    main: Callable[[list[str]], int],
    entry: str,
    names: set[str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "below" / "bench.json"
    assert main(["--only", entry, "--records", "6", "--out", str(out)]) == 0
    told = capfd.readouterr()
    assert told.err == ""
    figures = json.loads(out.read_text())
    assert {figure["name"] for figure in figures} == names
    for figure in figures:
        assert list(figure) == ["name", "value", "unit", "baseline", "ratio", "n"]
        # What an import adds is a difference: on a busy machine, of few runs, it may come out below nothing.
        assert figure["value"] > 0 or entry == "import_ms"
        assert figure["n"] <= 6 or entry == "bytes_to_values_vs_json_loads"
        assert figure["name"] in told.out
        assert (figure["ratio"] is None) is (figure["baseline"] is None)


def test_an_unknown_entry_is_refused_with_the_known_ones() -> None:
    done = bench("--only", "normalize")
    assert done.returncode == 2
    assert "there is no entry 'normalize'" in done.stderr
    assert all(name in done.stderr for name in ENTRIES)


@pytest.mark.parametrize("records", ["0", "-1", "many"])
def test_a_number_of_records_that_is_none_is_refused(
    main: Callable[[list[str]], int], records: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--only", "import_ms", "--records", records])
    assert "--records" in capsys.readouterr().err


def test_make_hands_the_entry_on() -> None:
    done = subprocess.run(
        ["make", "--dry-run", "bench", "ONLY=import_ms"],  # noqa: S607 - whichever make there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert '-m bench --only "import_ms"' in done.stdout
