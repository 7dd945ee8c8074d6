"""Reads all contacts in a process of its own: `python -m bench.reader salesforce '{"login_url": …}'`.

Prints as JSON how many came, how long it took, and the most memory that the process ever had.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import closedloop


def peak_kb() -> int:
    """The most memory that this process had, in KiB.

    Linux counts into `ru_maxrss` what the process had before it became this program, a copy of its
    parent: VmHWM is this program's alone. They are the same peak otherwise.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        if lines:
            return int(lines[0].split()[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most


def main(crm: str, credentials: str) -> None:
    """Reads and prints."""
    connected = closedloop.connect(crm, **json.loads(credentials))
    began = time.perf_counter()
    count = sum(1 for _ in connected.contacts.list())
    seconds = time.perf_counter() - began
    connected.close()
    sys.stdout.write(json.dumps({"count": count, "seconds": seconds, "peak_kb": peak_kb()}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
