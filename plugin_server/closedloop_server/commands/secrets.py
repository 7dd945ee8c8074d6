"""`closedloop secrets`: what to do after the key was changed that encrypts the stored secrets."""

from __future__ import annotations

from pathlib import Path

import click

from closedloop_server.commands.serve import open_database, settings_option
from closedloop_server.encryption import Cipher, rotate
from closedloop_server.services import now
from closedloop_server.settings import load_settings
from closedloop_server.store import audit
from closedloop_server.store.engine import writing


@click.group()
def secrets() -> None:
    """Looks after the secrets that the database keeps."""


@secrets.command("rotate")
@settings_option
def rotate_(path: Path) -> None:
    """Encrypts every stored secret anew with secret_key, whatever key it was encrypted with.

    Afterwards previous_secret_keys can be removed from the settings. May be repeated, and run while the
    server does.
    """
    settings = load_settings(path)
    with open_database(path) as engine:
        count = rotate(engine, Cipher((settings.secret_key, *settings.previous_secret_keys)))
        with writing(engine) as connection:
            audit.note(
                connection,
                who=audit.COMMAND_LINE,
                action="secrets.rotate",
                details={"secrets": count},
                now=now(),
            )
    click.echo(f"Encrypted {count} anew.")
