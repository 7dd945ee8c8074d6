"""`closedloop serve`, and what the other commands of the server share."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine

from closedloop_server.logs import write_log
from closedloop_server.runtime import Runtime, Workers
from closedloop_server.settings import Settings, load_settings
from closedloop_server.store.engine import open_engine
from closedloop_server.store.schema import upgrade

settings_option: Callable[[Any], Any] = click.option(
    "--settings",
    "path",
    default="closedloop.toml",
    show_default=True,
    envvar="CLOSEDLOOP_SETTINGS",
    show_envvar=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The settings file.",
)


@click.command()
@click.option(
    "--workers", is_flag=True, help="On PostgreSQL: take turns of the work, as `closedloop worker` does."
)
@settings_option
def serve(path: Path, *, workers: bool) -> None:
    """Runs the server until it is interrupted.

    On SQLite it does all the work; on PostgreSQL it answers, and `closedloop worker` does the work.
    """
    write_log()
    settings = load_settings(path)
    stopping = until_interrupted()
    with Runtime(settings, workers=who_works(settings, asked=workers)) as runtime:
        click.echo(f"Closed Loop listens on {runtime.url}")
        stopping.wait()
        click.echo("Stopping after what is being done.")


def who_works(settings: Settings, *, asked: bool) -> Workers:
    """Who does the work of a server with these settings."""
    if settings.database_url.startswith("sqlite"):
        return Workers.THREADS
    return Workers.JOBS if asked else Workers.ELSEWHERE


def until_interrupted() -> threading.Event:
    """What is set once somebody wants the process to end."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


@contextmanager
def open_database(path: Path) -> Iterator[Engine]:
    """The database of these settings, its tables up to date."""
    engine = open_engine(load_settings(path).database_url)
    try:
        upgrade(engine)
        yield engine
    finally:
        engine.dispose()
