"""`closedloop deliveries`: how telling the CRMs fares, and having them told again what they refused."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy import Connection, Engine

from closedloop_server.commands.serve import open_database, settings_option
from closedloop_server.services import now
from closedloop_server.settings import load_settings
from closedloop_server.store import audit, deliverers, overrides, refused, telling, usage
from closedloop_server.store.deliverers import Failing
from closedloop_server.store.engine import reading, writing

_PORTION = 500
"""Values that are asked for again in one transaction."""

_connection = click.option("--connection", "name", help="Only this connection.")


@click.group()
def deliveries() -> None:
    """Shows how telling the CRMs fares, and has them told again what they refused."""


@deliveries.command("list")
@_connection
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Changed values at most."
)
@settings_option
def list_(path: Path, name: str | None, limit: int) -> None:
    """Shows for each connection what waits, what was refused and why, and what people changed there."""
    settings = load_settings(path)
    names = _names([each.name for each in settings.connections], name)
    budgets = {each.name: each.credentials.daily_budget for each in settings.connections}
    with open_database(path) as engine, reading(engine) as connection:
        for each in names:
            click.echo("\n".join(_lines(connection, each, budgets[each], limit)))


@deliveries.command()
@_connection
@click.option("--code", help="Only what was refused with this code of the CRM.")
@click.argument("keys", nargs=-1)
@settings_option
def retry(path: Path, name: str | None, code: str | None, keys: tuple[str, ...]) -> None:
    """Has refused values told again: those with these KEYS, or all of a connection or code.

    A running server begins within seconds.
    """
    names = _names([each.name for each in load_settings(path).connections], name)
    with open_database(path) as engine:
        count = sum(_retried(engine, each, code, keys) for each in names)
    if not count:
        raise click.ClickException(
            "nothing of the kind is refused; `closedloop deliveries list` shows what is"
        )
    click.echo(f"{count} values are told again." if count > 1 else "1 value is told again.")


def _names(known: list[str], wanted: str | None) -> list[str]:
    if wanted is None:
        return known
    if wanted not in known:
        raise click.ClickException(f"no connection is called {wanted!r}; there are {', '.join(known)}")
    return [wanted]


def _lines(connection: Connection, name: str, budget: int | None, limit: int) -> list[str]:
    at = now()
    lines = [
        f"{name}: {_waiting(telling.count_waiting(connection, name))}, {_spent(connection, name, budget)}"
    ]
    lines += [
        f"  failing since {each.since.isoformat()}: {_why(each)}"
        for each in deliverers.failing(connection, [name], now=at)
    ]
    held = deliverers.bulk_until(connection, name)
    if held is not None and held > at:
        lines.append(f"  bulk work waits until {held.isoformat()}: its share of the budget is spent")
    lines += [
        f"  refused: {count.count} of {count.kind} since {count.since.isoformat()}, "
        f"{count.code or 'no code'}: {count.message or 'no message'}"
        for count in refused.counted(connection, [name])
    ]
    for found in overrides.listed(connection, [name], limit=limit):
        # The values themselves may name people: they are for the pages.
        changed = ", ".join(sorted(found.shows))
        lines.append(f"  changed by hand: {found.key}, seen {found.seen_at.isoformat()}: {changed}")
    return lines


def _why(failing: Failing) -> str:
    if not failing.tried:
        return "no worker does the work; does a server run?"
    return f"{failing.code or 'no code'}: {failing.message or 'no message'}"


def _waiting(count: int) -> str:
    return f"{count} values wait" if count != 1 else "1 value waits"


def _spent(connection: Connection, name: str, budget: int | None) -> str:
    spent = usage.spent(connection, name, now=now())
    most = f" of {budget}" if budget is not None else ""
    return f"{spent.calls}{most} calls in 24 hours"


def _retried(engine: Engine, name: str, code: str | None, keys: tuple[str, ...]) -> int:
    total = 0
    while True:
        with writing(engine) as connection:
            count = refused.try_again(connection, name, keys=keys or None, code=code, limit=_PORTION)
            total += count
            if not count:
                if total:
                    told = {"count": total, **({"code": code} if code else {})}
                    audit.note(
                        connection,
                        who=audit.COMMAND_LINE,
                        action="delivery.try_again",
                        target=name,
                        details=told,
                        now=now(),
                    )
                return total
