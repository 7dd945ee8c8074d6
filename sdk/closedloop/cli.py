"""The `closedloop` command. Its sub-commands come from the entry points `closedloop.commands`, so that the
library offers what is installed beside it without importing it."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points

import click

from closedloop import __version__
from closedloop.errors import ClosedLoopError

_INSTALL = 'pip install "closedloop[all]"'


class Commands(click.Group):
    """The commands of whatever is installed; each is imported only when it is called or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in order."""
        return sorted({*super().list_commands(ctx), *_installed()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        entry = _installed().get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        try:
            command = entry.load()
        except ModuleNotFoundError as missing:
            return _lacking(cmd_name, missing)
        return command if isinstance(command, click.Command) else None


def _installed() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group="closedloop.commands")}


def _lacking(name: str, missing: ModuleNotFoundError) -> click.Command:
    """The command of a part that is not installed whole: it is listed, and says what it takes."""

    def refuse() -> None:
        raise missing

    help_ = f"Needs more than the library: {_INSTALL}"
    return click.Command(name, callback=refuse, help=help_, short_help=help_)


@click.group(cls=Commands)
@click.version_option(__version__)
def commands() -> None:
    """Closed Loop: puts sales' reasons back on the campaigns that brought the leads."""


def main() -> None:
    """Runs the command line; an error of ours ends it with its message and status 2, without a traceback."""
    try:
        commands()
    except ClosedLoopError as error:
        click.echo(f"closedloop: {error.message}", err=True)
        sys.exit(2)
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("closedloop."):
            raise
        click.echo(f"closedloop: this needs {missing.name}, which is not installed: {_INSTALL}", err=True)
        sys.exit(2)
