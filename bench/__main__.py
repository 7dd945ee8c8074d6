"""Takes the figures, prints them as a table and writes build/bench.json."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.calls import read_calls_vs_minimum, write_calls_vs_minimum
from bench.fleet import workers_scaling
from bench.imports import import_ms
from bench.ingest import disk_syncs_per_s, ingest_p99_ms, ingest_p99_ms_busy, ingest_vs_noop
from bench.lists import list_memory_1m_vs_100k, list_records_per_s
from bench.loop import loop_calls_vs_minimum, loop_decisions_per_s, loop_latency_p95_s
from bench.mapping import bytes_to_values_vs_json_loads, normalise_vs_handwritten, normalise_vs_marshmallow
from bench.result import Figure
from bench.sandbox import sandbox_requests_per_s, sandbox_start_s, world_people_per_s
from closedloop.sandbox.command import PEOPLE

FIGURES: dict[str, tuple[Callable[[int], list[Figure]], int]] = {
    "normalise_vs_handwritten": (normalise_vs_handwritten, 200),
    "normalise_vs_marshmallow": (normalise_vs_marshmallow, 200),
    "bytes_to_values_vs_json_loads": (bytes_to_values_vs_json_loads, 1_000),
    "list_memory_1m_vs_100k": (list_memory_1m_vs_100k, 1_000_000),
    "list_records_per_s": (list_records_per_s, 10_000),
    "read_calls_vs_minimum": (read_calls_vs_minimum, 10_000),
    "write_calls_vs_minimum": (write_calls_vs_minimum, 10_000),
    "import_ms": (import_ms, 21),
    "loop_calls_vs_minimum": (loop_calls_vs_minimum, 1_000),
    "loop_decisions_per_s": (loop_decisions_per_s, 2_000),
    "loop_latency_p95_s": (loop_latency_p95_s, 40),
    "sandbox_requests_per_s": (sandbox_requests_per_s, 5_000),
    "sandbox_start_s": (sandbox_start_s, PEOPLE),
    "world_people_per_s": (world_people_per_s, 20_000),
    "ingest_vs_noop": (ingest_vs_noop, 2_000),
    "disk_syncs_per_s": (disk_syncs_per_s, 2_000),
    "ingest_p99_ms": (ingest_p99_ms, 2_000),
    "ingest_p99_ms_busy": (ingest_p99_ms_busy, 2_000),
    "workers_scaling": (workers_scaling, 60),
}
"""Each entry with what measures it and how many records it takes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what was asked for; the exit status."""
    parser = argparse.ArgumentParser(prog="make bench", description="How fast Closed Loop is.")
    parser.add_argument("--only", help="one entry: " + ", ".join(FIGURES), metavar="NAME")
    parser.add_argument("--records", type=int, help="how many records each entry takes at most", metavar="N")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"), metavar="FILE")
    given = parser.parse_args(arguments)
    if given.only is not None and given.only not in FIGURES:
        parser.error(f"there is no entry {given.only!r}: choose one of {', '.join(FIGURES)}")
    if given.records is not None and given.records < 1:
        parser.error("--records must be 1 or more")
    found: list[Figure] = []
    sys.stdout.write(_line(("name", "value", "unit", "baseline", "ratio", "n")))
    for name in [given.only] if given.only else FIGURES:
        measure, usual = FIGURES[name]
        for figure in measure(min(usual, given.records or usual)):
            found.append(figure)
            sys.stdout.write(_row(figure))
            sys.stdout.flush()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps([asdict(figure) for figure in found], indent=2) + "\n")
    return 0


def _row(figure: Figure) -> str:
    numbers = [figure.value, figure.baseline, figure.ratio]
    value, baseline, ratio = ("-" if number is None else f"{number:,.2f}" for number in numbers)
    return _line((figure.name, value, figure.unit, baseline, ratio, f"{figure.n:,}"))


def _line(cells: tuple[str, str, str, str, str, str]) -> str:
    name, value, unit, baseline, ratio, n = cells
    return f"{name:<36}{value:>12} {unit:<10}{baseline:>12}{ratio:>8}{n:>12}\n"


if __name__ == "__main__":
    sys.exit(main())
