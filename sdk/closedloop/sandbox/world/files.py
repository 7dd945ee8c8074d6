"""Writes a market to files, without any org: as large as the disk, in little memory."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import IO, Any, Literal

import msgspec

from closedloop.sandbox.world.market import Market
from closedloop.sandbox.world.model import Story, Touch, Verdict
from closedloop.sandbox.world.tally import Tally

Form = Literal["ndjson", "csv"]
_Row = Mapping[str, Any]
# What a step has that has fields of its own.
_PARTS: Mapping[str, type[Touch] | type[Verdict]] = {"touch": Touch, "verdict": Verdict}


def write(market: Market, folder: Path, form: Form = "ndjson") -> Tally:
    """Writes a file for each kind of thing, and `truth.json` with what is planted and the sums; returns the
    sums. The folder is made where it is missing; files of the same names are replaced.

    The files are accounts, people, twins, touches, subjects (leads and opportunities), steps (what was done,
    the script's included), attempts, decisions (the truth about each), campaigns and reps. In CSV, what
    belongs to a part of a row has that part's name before it: `verdict.reason`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tally = Tally(at=market.start)
    with ExitStack() as stack:
        sheets = _Sheets(folder, form, stack)
        sheets.add("campaigns", (asdict(campaign) for campaign in market.campaigns))
        sheets.add("reps", (asdict(rep) for rep in market.reps))
        for story in market.stories():
            for name, rows in _rows(story):
                sheets.add(name, rows)
            sheets.add("decisions", map(_whole, tally.add(story)))
        truth = {
            "seed": market.seed,
            "start": market.start,
            "people": market.people,
            "planted": asdict(market.planted),
            "sums": tally.to_json(),
            "rows": dict(sheets.rows),
        }
    (folder / "truth.json").write_bytes(msgspec.json.format(msgspec.json.encode(truth)))
    return tally


def _rows(story: Story) -> Iterable[tuple[str, Iterable[_Row]]]:
    yield "accounts", (story.account._asdict(),)
    for name in ("people", "twins", "touches", "subjects", "steps", "attempts"):
        yield name, map(_whole, getattr(story, name))


def _whole(row: Any) -> dict[str, Any]:
    """The fields of a row by name, those of its parts too."""
    fields = row._asdict().items()
    return {name: _whole(value) if name in _PARTS and value else value for name, value in fields}


class _Sheets:
    """The open files."""

    def __init__(self, folder: Path, form: Form, stack: ExitStack) -> None:
        self.rows: Counter[str] = Counter()
        self._folder = folder
        self._form = form
        self._stack = stack
        self._writers: dict[str, Callable[[_Row], object]] = {}

    def add(self, name: str, rows: Iterable[_Row]) -> None:
        """Writes rows into the file of that name."""
        for row in rows:
            writer = self._writers.get(name) or self._open(name, row)
            writer(row)
            self.rows[name] += 1

    def _open(self, name: str, row: _Row) -> Callable[[_Row], object]:
        path = self._folder / f"{name}.{self._form}"
        if self._form == "csv":
            file = self._stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            self._writers[name] = _csv(file, row)
        else:
            binary = self._stack.enter_context(path.open("wb"))
            encode = msgspec.json.Encoder().encode
            self._writers[name] = lambda each: binary.write(encode(each) + b"\n")
        return self._writers[name]


def _csv(file: IO[str], row: _Row) -> Callable[[_Row], object]:
    writer = csv.DictWriter(file, list(_columns(row)), restval="")
    writer.writeheader()
    return lambda each: writer.writerow(_flat(each))


def _columns(row: _Row) -> Iterator[str]:
    for name in row:
        part = _PARTS.get(name)
        yield from (f"{name}.{field}" for field in part._fields) if part else (name,)


def _flat(row: _Row) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in row.items():
        if name not in _PARTS:
            flat[name] = _text(value)
        elif value:
            flat |= {f"{name}.{field}": _text(part) for field, part in value.items()}
    return flat


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ";".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)
