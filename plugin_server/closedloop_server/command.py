"""The server's commands: `closedloop serve` and `closedloop token`."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine

from closedloop_server.access import Role, create_token, list_tokens, revoke_tokens
from closedloop_server.runtime import Runtime
from closedloop_server.services import now
from closedloop_server.settings import load_settings
from closedloop_server.store.engine import open_engine, reading, writing
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
@settings_option
def serve(path: Path) -> None:
    """Runs the server until it is interrupted."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with Runtime(load_settings(path)) as runtime:
        click.echo(f"Closed Loop listens on {runtime.url}")
        stopping.wait()
        click.echo("Stopping after what is being done.")


@click.group()
def token() -> None:
    """Makes, lists and revokes the tokens that open the pages and the API."""


@token.command()
@click.argument("name")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), default=Role.VIEWER.value, show_default=True
)
@settings_option
def create(name: str, role: str, path: Path) -> None:
    """Makes a token for NAME and prints it, once."""
    with _database(path) as engine, writing(engine) as connection:
        click.echo(create_token(connection, name=name, role=Role(role), now=now()))


@token.command("list")
@settings_option
def list_(path: Path) -> None:
    """Lists all tokens ever made, without the tokens themselves."""
    with _database(path) as engine, reading(engine) as connection:
        for each in list_tokens(connection):
            ended = f"revoked {each.revoked_at:%Y-%m-%d}" if each.revoked_at else "valid"
            click.echo(f"{each.name}\t{each.role.value}\tmade {each.created_at:%Y-%m-%d}\t{ended}")


@token.command()
@click.argument("name")
@settings_option
def revoke(name: str, path: Path) -> None:
    """Ends every token of NAME, and the sessions that they opened."""
    with _database(path) as engine, writing(engine) as connection:
        count = revoke_tokens(connection, name=name, now=now())
    if not count:
        raise click.ClickException(f"no valid token is called {name!r}; `closedloop token list` shows them")
    click.echo(f"Revoked {count}.")


@contextmanager
def _database(path: Path) -> Iterator[Engine]:
    """The database of these settings, its tables up to date."""
    engine = open_engine(load_settings(path).database_url)
    try:
        upgrade(engine)
        yield engine
    finally:
        engine.dispose()
