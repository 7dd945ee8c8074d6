"""`closedloop subscriptions`: who is told what sales decides, by signed webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from closedloop.errors import ClosedLoopError
from closedloop.mapping import load_mappings
from closedloop_server.commands.serve import open_database, settings_option
from closedloop_server.services import Services
from closedloop_server.settings import load_settings
from closedloop_server.store.audit import COMMAND_LINE
from closedloop_server.subscriptions import admin
from closedloop_server.subscriptions.attempts import Attempt
from closedloop_server.subscriptions.event_types import CHOOSABLE
from closedloop_server.subscriptions.sendings import SendingState
from closedloop_server.subscriptions.subscription import State, Subscription

_id: Callable[[Any], Any] = click.argument("id_", metavar="ID")


@click.group()
def subscriptions() -> None:
    """Lists, makes, changes, tests and replays the webhooks that tell others what sales decided."""


@subscriptions.command("list")
@settings_option
def list_(path: Path) -> None:
    """Lists every subscription: how it fares, and why one is disabled."""
    with _services(path) as services:
        for each in admin.every(services):
            click.echo(_line(services, each))


@subscriptions.command()
@click.argument("name")
@click.argument("url")
@click.option(
    "--type",
    "types",
    multiple=True,
    type=click.Choice([each.value for each in CHOOSABLE]),
    help="A type of event; without any, all.",
)
@click.option("--connection", "connections", multiple=True, help="A connection; without any, all.")
@click.option("--description", default="", help="What it is for.")
@settings_option
def add(path: Path, **given: Any) -> None:
    """Has URL told, and prints the id and the secret that verifies; the secret is shown this once."""
    with _services(path) as services:
        made = admin.create(services, **given, who=COMMAND_LINE)
    click.echo(f"{made.subscription.id}\t{made.secret}")


@subscriptions.command()
@_id
@settings_option
def remove(id_: str, path: Path) -> None:
    """Ends a subscription for good."""
    with _services(path) as services:
        admin.remove(services, id_, who=COMMAND_LINE)
    click.echo("Removed.")


@subscriptions.command()
@_id
@settings_option
def pause(id_: str, path: Path) -> None:
    """Has everything for a subscription wait."""
    with _services(path) as services:
        admin.pause(services, id_, who=COMMAND_LINE)
    click.echo("Paused: what happens from now on waits.")


@subscriptions.command()
@_id
@settings_option
def resume(id_: str, path: Path) -> None:
    """Has a paused or disabled subscription go on."""
    with _services(path) as services:
        admin.resume(services, id_, who=COMMAND_LINE)
    click.echo("Active. What it missed while it was disabled is sent by `closedloop subscriptions replay`.")


@subscriptions.command()
@_id
@settings_option
def rotate(id_: str, path: Path) -> None:
    """Makes a new secret and prints it, once; the old one signs beside it for a day."""
    with _services(path) as services:
        click.echo(admin.rotate(services, id_, who=COMMAND_LINE))


@subscriptions.command()
@_id
@settings_option
def test(id_: str, path: Path) -> None:
    """Sends a test now and says how it went."""
    with _services(path) as services:
        sent = admin.test(services, id_, who=COMMAND_LINE)
    click.echo(_attempt(sent))
    if not sent.accepted:
        raise click.ClickException("the test was not accepted: expected an answer from 200 to 299")


@subscriptions.command()
@_id
@click.option("--event", help="One event, by its id.")
@click.option("--since", type=click.DateTime(), help="Events learned from this time (UTC) on …")
@click.option("--until", type=click.DateTime(), help="… and before this; without it, until now.")
@click.option("--missed", is_flag=True, help="Everything that was never accepted.")
@settings_option
def replay(
    id_: str, event: str | None, since: datetime | None, until: datetime | None, path: Path, *, missed: bool
) -> None:
    """Sends events again: one, those of a time, or all that were missed."""
    if [event is not None, since is not None, missed].count(True) != 1 or (until and not since):
        raise click.UsageError("say what to send: --event, --since (and --until), or --missed")
    with _services(path) as services:
        if event is not None:
            count = admin.replay(services, id_, event=event, who=COMMAND_LINE)
        elif since is not None:
            last = until.replace(tzinfo=UTC) if until else services.clock()
            since = since.replace(tzinfo=UTC)
            count = admin.replay_range(services, id_, since=since, until=last, who=COMMAND_LINE)
        else:
            count = admin.replay_missed(services, id_, who=COMMAND_LINE)
    click.echo(f"{count} to be sent by the running server.")


@subscriptions.command()
@_id
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@settings_option
def log(id_: str, limit: int, path: Path) -> None:
    """Shows the calls to a subscription, the latest first."""
    with _services(path) as services:
        for each in admin.log(services, id_, limit=limit):
            click.echo(_attempt(each))


def _line(services: Services, each: Subscription) -> str:
    counts = admin.counts(services, each.id)
    told = ", ".join(f"{counts[state]} {state}" for state in SendingState)
    types = ",".join(each.types) or "all types"
    connections = ",".join(each.connections) or "all connections"
    said = f"{each.state} since {each.state_since:%Y-%m-%d}: {each.why}" if each.why else each.state.value
    if each.state is State.ACTIVE and each.failing_since:
        said = f"failing since {each.failing_since:%Y-%m-%d %H:%M} UTC"
    return "\t".join((each.id, each.name, said, told, types, connections, each.url))


def _attempt(each: Attempt) -> str:
    outcome = f"answered {each.status}" if each.status is not None else each.error
    took = f"{each.duration_ms} ms" if each.duration_ms is not None else "did not end"
    said = outcome or "not known how it went"
    return f"{each.at:%Y-%m-%d %H:%M:%S}\t{each.type}\t{each.event_id}\t{said}\t{took}"


@contextmanager
def _services(path: Path) -> Iterator[Services]:
    """What the commands work with: the database and the settings, and no CRM."""
    settings = load_settings(path)
    with open_database(path) as engine:
        mappings = load_mappings(settings.mappings_directory)
        try:
            yield Services(engine=engine, settings=settings, mappings=mappings, crms={})
        except ClosedLoopError as error:
            raise click.ClickException(error.message) from error
