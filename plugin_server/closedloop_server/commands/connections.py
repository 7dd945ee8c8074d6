"""`closedloop connections`: how far each CRM was read; pausing that, and beginning anew."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import Connection, Engine

from closedloop.schema.vocabulary import ObjectType
from closedloop_server.commands.serve import settings_option
from closedloop_server.services import now
from closedloop_server.settings import Settings, load_settings
from closedloop_server.store import audit, readings
from closedloop_server.store.engine import open_engine, reading, writing
from closedloop_server.store.readings import Progress, State
from closedloop_server.store.schema import upgrade


@click.group(invoke_without_command=True)
@settings_option
@click.pass_context
def connections(context: click.Context, path: Path) -> None:
    """Shows how far each CRM was read. A running server need not be stopped for any of these."""
    if context.invoked_subcommand is not None:
        return
    with _database(path) as (settings, engine), reading(engine) as connection:
        names = [each.name for each in settings.connections]
        for found in readings.all_progress(connection, names):
            click.echo("\n".join(_lines(found)))


@connections.command()
@click.argument("name")
@settings_option
def pause(name: str, path: Path) -> None:
    """Holds the polls of NAME, and its back-fill, after the present page. Webhooks are followed further."""
    with _database(path) as (settings, engine), writing(engine) as connection:
        _check(settings, name)
        done = readings.pause(connection, name, by=_who(), now=now())
        if done:
            _note(connection, "pause", name)
    click.echo(f"{name} is paused." if done else f"{name} was paused already.")


@connections.command()
@click.argument("name")
@settings_option
def resume(name: str, path: Path) -> None:
    """Lets the polls of NAME go on where they were."""
    with _database(path) as (settings, engine), writing(engine) as connection:
        _check(settings, name)
        done = readings.resume(connection, name)
        if done:
            _note(connection, "resume", name)
    click.echo(f"{name} goes on within seconds." if done else f"{name} was not paused.")


@connections.command()
@click.argument("name")
@settings_option
def again(name: str, path: Path) -> None:
    """Has everything in NAME read again from the beginning, and looks for what is gone."""
    with _database(path) as (settings, engine), writing(engine) as connection:
        _check(settings, name)
        readings.start_over(connection, name)
        _note(connection, "read_again", name)
        held = readings.progress(connection, name).state is State.PAUSED
    click.echo(f"{name} is read from the beginning" + (" once it is resumed." if held else "."))


_STATES: Mapping[State, str] = {
    State.NEVER: "not read yet",
    State.BACK_FILLING: "back-filling",
    State.FOLLOWING: "following changes",
    State.PAUSED: "paused",
}


def _lines(found: Progress) -> Iterator[str]:
    yield f"{found.name}: {_STATES[found.state]}{_held(found)}"
    if found.organisation:
        yield f"  organisation {found.organisation}"
    if found.started_at:
        ended = f", complete {_time(found.complete_at)}" if found.complete_at else _share(found)
        yield f"  back-fill begun {_time(found.started_at)}{ended}"
    if found.done and found.complete_at is None:
        yield "  " + ", ".join(_count(found, each) for each in ObjectType if each in found.done)
    if found.page_at:
        yield f"  last page {_time(found.page_at)}"
    if found.polled_at:
        yield f"  last poll ended {_time(found.polled_at)}"
    if found.error:
        yield f"  last error: {found.error}"


def _held(found: Progress) -> str:
    return f" by {found.paused_by} since {_time(found.paused_at)}" if found.paused_at else ""


def _share(found: Progress) -> str:
    return "" if found.share is None else f", {found.share:.0%} done"


def _count(found: Progress, object_: ObjectType) -> str:
    expected = found.expected.get(object_)
    of = "" if expected is None else f" of {expected:,}"
    return f"{object_} {found.done[object_]:,}{of}"


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "never"


def _who() -> str:
    """Whoever is at the command line; a container may have no name for them."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return "the command line"


def _note(connection: Connection, verb: str, name: str) -> None:
    audit.note(connection, who=audit.COMMAND_LINE, action=f"connection.{verb}", target=name, now=now())


def _check(settings: Settings, name: str) -> None:
    names = [each.name for each in settings.connections]
    if name not in names:
        raise click.ClickException(f"no connection is called {name!r}; there are {', '.join(names)}")


@contextmanager
def _database(path: Path) -> Iterator[tuple[Settings, Engine]]:
    """The settings and their database, its tables up to date."""
    settings = load_settings(path)
    engine = open_engine(settings.database_url)
    try:
        upgrade(engine)
        yield settings, engine
    finally:
        engine.dispose()
