"""`closedloop verify`: whether what is stored agrees with itself and with the records."""

from __future__ import annotations

from pathlib import Path

import click

from closedloop_server.commands.rederive import open_services
from closedloop_server.commands.serve import settings_option
from closedloop_server.verify.verifying import verify


@click.command("verify")
@settings_option
def command(path: Path) -> None:
    """Derives everything once more and compares; exit status 1 when anything is not as it must be.

    It writes nothing, calls no CRM and may run beside a server.
    """
    with open_services(path) as services:
        findings = verify(services)
    for finding in findings:
        click.echo(str(finding))
    if findings:
        raise click.ClickException(
            f"{len(findings)} findings; `closedloop rederive --apply` has the server work everything out anew"
        )
    click.echo("Everything agrees.")
