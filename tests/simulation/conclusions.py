"""What an installation has concluded, to be compared with another one's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from itertools import pairwise
from typing import Any

from sqlalchemy import Engine, Table, select

from closedloop.loop.feedback import Feedback
from closedloop.schema.schemas import dump_feedback
from closedloop_server.store.engine import reading
from closedloop_server.store.tables import (
    credits_,
    delivered,
    desired,
    ledger,
    overridden,
    standings,
    touches,
)

Conclusions = Mapping[str, set[tuple[Any, ...]]]


def conclusions(engine: Engine) -> Conclusions:
    """What is decided, who is credited, and what every target shows; not what was learned on the way."""
    entries = {
        row["id"]: (row["connection"], row["object"], row["crm_id"], row["outcome"], row["reason"])
        for row in _rows(engine, ledger)
    }
    return {
        "standing": {
            entries[row["ledger_id"]] for row in _rows(engine, standings) if row["outcome"] != "reopened"
        },
        "credits": {
            (*entries[row["ledger_id"]], row["model"], row["campaign_id"], row["share"], row["cause"])
            for row in _rows(engine, credits_)
            if _holds(row)
        },
        "touches": {
            (*entries[row["ledger_id"]], row["member_id"], row["link"])
            for row in _rows(engine, touches)
            if _holds(row)
        },
        "desired": {
            (row["connection"], row["key"], repr(row["state"]))
            for row in _rows(engine, desired)
            if _says(row)
        },
    }


def differences(found: Conclusions, expected: Conclusions) -> Iterator[str]:
    """Every difference, in an order of its own."""
    for part, values in expected.items():
        for value in sorted(values - found[part], key=repr):
            yield f"{part}: missing {value}"
        for value in sorted(found[part] - values, key=repr):
            yield f"{part}: too much {value}"


def doubled(engine: Engine) -> Iterator[str]:
    """Entries of the ledger that only say again what the one before said."""
    for before, after in pairwise(trace(engine)):
        if _told(before) == _told(after):
            yield f"{after['object']} {after['crm_id']}: entry {after['entry']}"


def trace(engine: Engine) -> list[dict[str, Any]]:
    """The whole ledger, subject by subject."""
    return sorted(
        _rows(engine, ledger),
        key=lambda row: (row["connection"], row["object"], row["crm_id"], row["entry"]),
    )


def untold(engine: Engine, name: str, shown: Mapping[str, Feedback], *, meddled: Set[str]) -> Iterator[str]:
    """Where a CRM shows something else than it should, and where nothing says that it was told. Whatever a
    human changed may differ, if that was noticed; what nobody changed must not be taken for it."""
    told = {row["key"]: row["digest"] for row in _rows(engine, delivered) if row["connection"] == name}
    calls = {row["key"]: row["call"] for row in _rows(engine, delivered) if row["connection"] == name}
    notes = [row for row in _rows(engine, overridden) if row["connection"] == name]
    noticed = {row["key"] for row in notes if row["call"] == calls.get(row["key"])}
    taken = {row["key"] for row in notes}
    for row in sorted(_rows(engine, desired), key=lambda row: str(row["key"])):
        if row["connection"] != name:
            continue
        key, value = row["key"], shown.get(row["key"])
        if told.get(key) != row["digest"]:
            yield f"{name} {key}: nobody knows that it was told"
        if (value is None or dump_feedback(value) != row["state"]) and key not in noticed:
            yield f"{name} {key}: shows something else"
        if key in taken - meddled:
            yield f"{name} {key}: was taken for a human's"


def _told(entry: dict[str, Any]) -> dict[str, Any]:
    """What an entry says, its subject included, and when we learned it not."""
    return {name: value for name, value in entry.items() if name not in {"id", "entry", "learned_at"}}


def _holds(row: dict[str, Any]) -> bool:
    """Whether a row holds now, and did not only once."""
    return row.get("superseded_at") is None


def _says(row: dict[str, Any]) -> bool:
    """Whether a target shows anything: one that shows nothing any more looks like one that never did."""
    state = row["state"]
    if row["kind"] == "person":
        return state["outcome"] is not None
    if row["kind"] == "reason":
        return bool(state["total"]["decisions"])
    return bool(state["reasons"])


def _rows(engine: Engine, table: Table) -> list[dict[str, Any]]:
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]
