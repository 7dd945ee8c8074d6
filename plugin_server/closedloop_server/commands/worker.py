"""`closedloop worker`: does work, beside any number of others, on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import click

from closedloop.errors import ClosedLoopError
from closedloop_server.commands.serve import settings_option, until_interrupted
from closedloop_server.logs import write_log
from closedloop_server.runtime import work_until
from closedloop_server.settings import load_settings


@click.command()
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    help="How many turns to take at once. Without it, one of every piece of work, and the sweep.",
)
@settings_option
def worker(path: Path, concurrency: int | None) -> None:
    """Takes turns of whatever work is free, until it is interrupted."""
    write_log()
    stopping = until_interrupted()
    try:
        work_until(stopping, load_settings(path), concurrency=concurrency, started=_say_so)
    except ClosedLoopError as error:
        raise click.ClickException(error.message) from error
    click.echo("Stopped after what was being done.")


def _say_so() -> None:
    click.echo("Working.")
