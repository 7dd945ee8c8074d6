"""`closedloop database`: what version the tables have, and bringing them to another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import Engine

from closedloop.errors import ClosedLoopError
from closedloop_server.commands.serve import settings_option
from closedloop_server.settings import load_settings
from closedloop_server.store import schema
from closedloop_server.store.engine import open_engine


@click.group()
def database() -> None:
    """Says which version the tables have, and changes it."""


@database.command()
@settings_option
def status(path: Path) -> None:
    """Says which version the tables have, and which this program needs."""
    with _opened(path) as engine:
        found = schema.version(engine)
        click.echo(f"The tables have the version {found.present or 'base (there are none)'}.")
        if found.is_newer:
            click.echo("A later version of this program made them. It only added: this one can go on.")
        elif found.present == found.newest:
            click.echo("That is what this program needs.")
        else:
            click.echo(f"This program needs {found.newest}: closedloop database upgrade")


@database.command()
@settings_option
def upgrade(path: Path) -> None:
    """Brings the tables to the version that this program needs. Servers and workers do it when they start."""
    with _opened(path) as engine:
        schema.upgrade(engine)
        click.echo(f"The tables have the version {schema.version(engine).present}.")


@database.command()
@click.argument("version")
@click.confirmation_option(prompt="What only the newer tables keep is lost. Go on?")
@settings_option
def downgrade(path: Path, version: str) -> None:
    """Takes the tables back to VERSION, before an older version of this program is installed again."""
    with _opened(path) as engine:
        schema.downgrade(engine, version)
        click.echo(f"The tables have the version {schema.version(engine).present or 'base'}.")


@contextmanager
def _opened(path: Path) -> Iterator[Engine]:
    try:
        engine = open_engine(load_settings(path).database_url)
        try:
            yield engine
        finally:
            engine.dispose()
    except ClosedLoopError as error:
        raise click.ClickException(error.message) from error
