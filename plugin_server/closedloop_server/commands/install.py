"""`closedloop install`: what Closed Loop needs in each CRM, shown before anything is changed."""

from __future__ import annotations

import json
from pathlib import Path

import click

from closedloop.crm.hubspot import HubSpotCrm
from closedloop.crm.hubspot import install as hubspot
from closedloop.crm.salesforce import SalesforceCrm
from closedloop.crm.salesforce import install as salesforce
from closedloop.mapping import load_mappings
from closedloop_server.commands.serve import settings_option
from closedloop_server.services import connect_all
from closedloop_server.settings import ConnectionSettings, Settings, load_settings


@click.command()
@settings_option
@click.option("--apply", is_flag=True, help="Make the HubSpot properties that may be made.")
@click.option(
    "--package",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write what Salesforce needs as a Metadata API package into this folder, for you to deploy.",
)
@click.option("--integration-user", help="The Salesforce user that the package's outbound messages run as.")
def install(*, path: Path, apply: bool, package: Path | None, integration_user: str | None) -> None:
    """Shows what is missing in each CRM, and makes it only when told to."""
    settings = load_settings(path)
    crms = connect_all(settings, load_mappings(settings.mappings_directory))
    for connection in settings.connections:
        crm = crms[connection.name]
        click.echo(f"{connection.name} ({connection.crm})")
        if isinstance(crm, SalesforceCrm):
            _salesforce(settings, connection, crm, package, integration_user)
        elif isinstance(crm, HubSpotCrm):
            _hubspot(settings, connection, crm, apply=apply)


def _salesforce(
    settings: Settings,
    connection: ConnectionSettings,
    crm: SalesforceCrm,
    package: Path | None,
    integration_user: str | None,
) -> None:
    for change in salesforce.plan(crm):
        state = change.problem or ("is there" if change.exists else "missing")
        click.echo(f"  {change.object}{f'.{change.name}' if change.name else ''}: {state}")
    if package is None:
        return
    folder = package / connection.name
    endpoint = _endpoint(settings, connection) if integration_user else None
    salesforce.package(folder, crm, endpoint=endpoint, integration_user=integration_user)
    click.echo(f"  The package is in {folder}: read it, then deploy it with your own tools.")


def _endpoint(settings: Settings, connection: ConnectionSettings) -> str:
    if not connection.webhook_secrets:
        raise click.ClickException(
            f"connections.{connection.name}.webhook_secrets is empty: the webhook's address ends in a secret"
        )
    return f"{settings.public_url}/webhooks/salesforce/{connection.name}/{connection.webhook_secrets[0]}"


def _hubspot(settings: Settings, connection: ConnectionSettings, crm: HubSpotCrm, *, apply: bool) -> None:
    if apply:
        for applied in hubspot.apply(crm):
            click.echo(
                f"  {applied.change.object}.{applied.change.name}: {applied.done} {applied.message}".rstrip()
            )
        return
    for change in hubspot.plan(crm):
        click.echo(f"  {change.object}.{change.name}: {'is there' if change.exists else 'missing'}")
    address = f"{settings.public_url}/webhooks/hubspot/{connection.name}"
    click.echo("  The project app's webhooks-hsmeta.json:")
    click.echo(json.dumps(hubspot.webhooks_file(address, mapping=crm.mapping), indent=2))
