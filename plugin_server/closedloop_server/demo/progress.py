"""A line of progress: rewritten in place on a terminal, a line every tenth elsewhere."""

from __future__ import annotations

from typing import TextIO


class ProgressLine:
    """Writes how far a task is to `out`."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._live = out.isatty()
        self._last = ("", -1)

    def __call__(self, task: str, done: int, total: int) -> None:
        """Tells that `done` of `total` parts of the task are done."""
        step = done * (100 if self._live else 10) // max(total, 1)
        if (task, step) == self._last:
            return
        self._last = (task, step)
        text = f"{task}: {done}/{total}" if total > 1 else f"{task}{' done' if done == total else ' …'}"
        if self._live:
            self._out.write(f"\r\033[K{text}" + ("\n" if done == total else ""))
        else:
            self._out.write(f"{text}\n")
        self._out.flush()
