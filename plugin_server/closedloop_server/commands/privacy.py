"""`closedloop privacy`: what is held about a person, and its erasure; what retention would remove."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from closedloop.errors import SettingsError
from closedloop.mapping import load_mappings
from closedloop.schema.vocabulary import ObjectType
from closedloop_server import privacy as people
from closedloop_server.commands.serve import open_database, settings_option
from closedloop_server.services import Services
from closedloop_server.settings import load_settings
from closedloop_server.store import audit
from closedloop_server.store.engine import reading, writing
from closedloop_server.store.rows import Key
from closedloop_server.work.keeping import old_rows


def person_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name a person."""
    for option in (
        click.option("--email", help="Everybody with this e-mail address, in every connection."),
        click.option("--lead", help="The lead with this id in the connection."),
        click.option("--contact", help="The contact with this id in the connection."),
        click.option("--connection", "name", help="The connection that the id belongs to."),
    ):
        command = option(command)
    return command


@click.group()
def privacy() -> None:
    """Shows what is held about a person, and erases it."""


@privacy.command()
@person_options
@settings_option
def show(path: Path, **person: str | None) -> None:
    """Prints all that is held about a person, as JSON."""
    with _services(path) as services:
        keys = _keys(services, **person)
        with reading(services.engine) as connection:
            holding = people.hold(connection, keys)
        with writing(services.engine) as connection:
            for key in sorted(keys):
                target, now = _told(key), services.clock()
                audit.note(connection, who=audit.COMMAND_LINE, action="privacy.show", target=target, now=now)
    click.echo(json.dumps(to_json(holding), indent=2, default=str, ensure_ascii=False))


@privacy.command()
@person_options
@click.option("--apply", "applied", is_flag=True, help="Erase; without it nothing is changed.")
@settings_option
def erase(path: Path, applied: bool, **person: str | None) -> None:
    """Erases a person: names, addresses, notes, the CRM's payloads, deliveries. Counts and ids stay.

    Without --apply it says what would be erased. The CRM's own record is not touched: delete it there first,
    as its privacy rules say.
    """
    with _services(path) as services:
        keys = _keys(services, **person)
        with reading(services.engine) as connection:
            holding = people.hold(connection, keys)
        for section in holding.held:
            click.echo(f"{section.table}\t{len(section.rows)}")
        for key in holding.linked:
            click.echo(f"Perhaps the same person, and not erased with these: {_told(key)}")
        if not applied:
            click.echo("Nothing was erased: add --apply to do it.")
            return
        people.erase_now(services, keys, who=audit.COMMAND_LINE)
        click.echo(f"Erased {', '.join(_told(key) for key in sorted(keys))}.")


@privacy.command()
@settings_option
def retention(path: Path) -> None:
    """Says how much is older than the settings keep it, and would be removed by the next clearing."""
    with _services(path) as services, reading(services.engine) as connection:
        for rule, count in old_rows(connection, services.settings.retention, now=services.clock()):
            click.echo(f"{rule.name}\tkept {rule.days} days\t{count} older")


def to_json(holding: people.Holding) -> dict[str, Any]:
    """What is held, in plain values."""
    return {
        "erased": holding.erased,
        "held": {
            section.table: [
                {name: value for name, value in row.items() if not isinstance(value, bytes)}
                for row in section.rows
            ]
            for section in holding.held
        },
        "perhaps_the_same_person": [_told(key) for key in holding.linked],
    }


def _told(key: Key) -> str:
    return f"{key.connection}:{key.object}:{key.id}"


def _keys(
    services: Services, name: str | None, contact: str | None, lead: str | None, email: str | None
) -> set[Key]:
    """The people whom the options name."""
    if email and not (name or contact or lead):
        with reading(services.engine) as connection:
            found = people.by_email(connection, email)
        if not found:
            raise click.ClickException("nobody with this e-mail address is known; try the CRM's id")
        return found
    if name and bool(contact) != bool(lead) and not email:
        object_ = ObjectType.CONTACT if contact else ObjectType.LEAD
        try:
            return {people.by_id(services.settings, name, object_, str(contact or lead))}
        except SettingsError as exc:
            raise click.ClickException(exc.message) from exc
    raise click.UsageError("name one person: --connection with --contact or --lead, or --email")


@contextmanager
def _services(path: Path) -> Iterator[Services]:
    """The services of these settings without any CRM: nothing here calls one."""
    settings = load_settings(path)
    with open_database(path) as engine:
        mappings = load_mappings(settings.mappings_directory)
        yield Services(engine=engine, settings=settings, mappings=mappings, crms={})
