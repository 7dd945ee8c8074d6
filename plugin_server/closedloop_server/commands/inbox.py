"""`closedloop inbox`: the deliveries that came, one of them, and reading some once more."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from closedloop.mapping import load_mappings
from closedloop_server.commands.serve import open_database, settings_option
from closedloop_server.operating import inbox as operating
from closedloop_server.services import Services
from closedloop_server.settings import load_settings
from closedloop_server.store import audit, deliveries
from closedloop_server.store.deliveries import Kept, Selection, State
from closedloop_server.store.engine import reading

_IDS = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", re.ASCII)


def instant(value: str) -> datetime:
    """The time in ISO 8601; one that names no zone is UTC."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError as exc:
        example = "2026-11-22 or 2026-11-22T09:30+01:00"
        raise click.BadParameter(f"{value!r} is no time such as {example}") from exc
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose deliveries."""
    for option in (
        click.option("--until", type=instant, help="Those that came before then."),
        click.option("--since", type=instant, help="Those that came then or later. UTC, or with its zone."),
        click.option(
            "--state", type=click.Choice([state.value for state in State]), help="How far they came."
        ),
        click.option("--connection", "name", help="Those to this connection."),
    ):
        command = option(command)
    return command


@click.group()
def inbox() -> None:
    """Shows the webhook deliveries, and has some of them read once more."""


@inbox.command("list")
@selecting
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most."
)
@settings_option
def list_(*, path: Path, limit: int, **chosen: Any) -> None:
    """Lists deliveries, the newest first: id, time, connection, state, objects named, bytes, what else."""
    selection = _selection(**chosen)
    with open_database(path) as engine, reading(engine) as connection:
        for each in deliveries.listed(connection, selection, limit=limit):
            told = (each.id, f"{each.received_at:%Y-%m-%dT%H:%M:%SZ}", each.connection, each.state)
            counts = ("-" if each.hints is None else each.hints, each.size)
            click.echo("\t".join(str(value) for value in (*told, *counts, _remarks(each))).rstrip())


@inbox.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--body", is_flag=True, help="The body alone, byte for byte. It holds personal data.")
@settings_option
def show(path: Path, number: int, *, body: bool) -> None:
    """Shows the delivery NUMBER and what became of it."""
    with open_database(path) as engine, reading(engine) as connection:
        found = deliveries.one(connection, number)
    if found is None:
        raise click.ClickException(f"there is no delivery {number}: `closedloop inbox list` shows them")
    kept, content = found
    if not body:
        click.echo(_described(kept))
    elif kept.emptied is not None:
        raise click.ClickException(_remarks(kept))
    else:
        click.echo(content, nl=False)


@inbox.command()
@click.argument("numbers", required=False, metavar="[NUMBER[-LAST]]")
@selecting
@settings_option
def replay(*, path: Path, numbers: str | None, **chosen: Any) -> None:
    """Has deliveries read once more: one (17), a range (17-40), or those that the options choose.

    The objects that they name are read again from the CRM. A running server begins within seconds.
    """
    selection = _selection(numbers, **chosen)
    if selection.everything:
        raise click.UsageError("say which: a number, a range such as 17-40, or at least one option")
    settings = load_settings(path)
    mappings = load_mappings(settings.mappings_directory)
    with open_database(path) as engine:
        services = Services(engine=engine, settings=settings, mappings=mappings, crms={})
        count = operating.replay(services, selection, who=audit.COMMAND_LINE)
    if not count:
        raise click.ClickException(
            "none of these can be read once more: they wait to be read, or their bodies were emptied"
        )
    click.echo(f"{count} deliveries are read once more." if count > 1 else "1 delivery is read once more.")


def _selection(
    numbers: str | None = None,
    *,
    name: str | None,
    state: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Selection:
    first, last = _range(numbers)
    return Selection(
        connection=name,
        state=State(state) if state else None,
        first=first,
        last=last,
        since=since,
        until=until,
    )


def _range(numbers: str | None) -> tuple[int | None, int | None]:
    if numbers is None:
        return None, None
    found = _IDS.fullmatch(numbers)
    if found is None:
        raise click.UsageError(f"{numbers!r} is neither a number nor a range such as 17-40")
    return int(found[1]), int(found[2] or found[1])


def _described(kept: Kept) -> str:
    lines = [
        f"delivery    {kept.id} to {kept.connection}",
        f"received    {kept.received_at.isoformat()}",
        f"content     {kept.content_type}, {kept.size} bytes",
        f"state       {kept.state}" + (f" at {kept.read_at.isoformat()}" if kept.read_at else ""),
    ]
    if kept.hints is not None:
        lines.append(f"objects     {kept.hints}")
    lines += [f"ignored     {each.count} of {each.reason}" for each in kept.ignored]
    if kept.error is not None:
        lines.append(f"error       {kept.error}")
    remarks = _remarks(kept, error=False)
    return "\n".join([*lines, *([f"remarks     {remarks}"] if remarks else [])])


def _remarks(kept: Kept, *, error: bool = True) -> str:
    """What is unusual about a delivery."""
    told = []
    if error and kept.error is not None:
        told.append(kept.error)
    if kept.replayed_at is not None:
        told.append(f"replayed {kept.replays} times, last at {kept.replayed_at.isoformat()}")
    if kept.emptied_at is not None:
        told.append(f"its body was emptied at {kept.emptied_at.isoformat()} ({kept.emptied})")
    return "; ".join(told)
