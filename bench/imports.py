"""Measures how long `import closedloop` takes a fresh interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from bench.result import Figure


def import_ms(n: int) -> list[Figure]:
    """Fresh interpreters that import the library, in turn with bare ones.

    The value is what the import adds, `baseline` a bare interpreter, `ratio` the one with the import to it.
    """
    runs = max(3, min(21, n))
    took: dict[str, list[float]] = {"pass": [], "import closedloop": []}
    for number in range(runs + 1):
        for code, each in took.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own interpreter
            if number:
                each.append((time.perf_counter() - began) * 1e3)
    bare, ours = (statistics.median(each) for each in took.values())
    return [Figure(name="import_ms", value=ours - bare, unit="ms", baseline=bare, ratio=ours / bare, n=runs)]
