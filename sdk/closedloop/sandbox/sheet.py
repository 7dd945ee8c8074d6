"""What one has to know to use running sandboxes: addresses, secrets, and settings to paste."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from closedloop.sandbox.control import PATH
from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.running import NAMES, Running
from closedloop.sandbox.salesforce import SalesforceSandbox
from closedloop.schema.vocabulary import CrmName

_VERSION = "v62.0"
_SERVER = "http://127.0.0.1:8080"
"""Where `closedloop serve` listens unless told otherwise."""


def as_json(running: Running) -> dict[str, Any]:
    """Everything, for programs."""
    sheet: dict[str, Any] = {"page": running.page.url, "faults": f"{running.page.url}{PATH}"}
    if running.salesforce is not None:
        sheet["salesforce"] = _salesforce_access(running.salesforce)
    if running.hubspot is not None:
        sheet["hubspot"] = _hubspot_access(running.hubspot)
    if running.filled is not None:
        sheet["world"] = {"people": running.filled.market.people, "seed": running.filled.market.seed}
    if (receiver := running.receiver) is not None:
        sheet["webhooks"] = {"salesforce": receiver.salesforce, "hubspot": receiver.hubspot}
    if running.certificate is not None:
        sheet["trust"] = str(running.certificate.authority)
    return sheet


def as_text(running: Running) -> str:
    """The same for people, with lines to paste."""
    lines: list[str] = []
    if running.salesforce is not None:
        lines += ["Salesforce", *_listed(_salesforce_access(running.salesforce)), ""]
        lines += [*_salesforce_clients(running.salesforce), ""]
    if running.hubspot is not None:
        lines += ["HubSpot", *_listed(_hubspot_access(running.hubspot)), ""]
        lines += [*_hubspot_clients(running.hubspot), ""]
    lines += ["In closedloop.toml, for `closedloop serve`", *_indented(_settings(running)), ""]
    lines += ["In the shell, where closedloop.toml is", *_indented(_commands(running)), ""]
    if (receiver := running.receiver) is None:
        lines += [f"Nobody is told what sales decides: `--webhooks {_SERVER}` tells that server", ""]
    else:
        lines += ["Told what sales decides", f"    {receiver.salesforce}"]
        lines += [f"    {receiver.hubspot}  signed with HubSpot's client_secret", ""]
    if running.certificate is not None:
        lines += ["Clients have to trust", f"    {running.certificate.authority}", ""]
    lines += ["The page with both CRMs' records", f"    {running.page.url}", ""]
    lines += ["The faults: GET, PUT a plan as JSON, DELETE", f"    {running.page.url}{PATH}"]
    return "\n".join(lines)


def _salesforce_access(sandbox: SalesforceSandbox) -> dict[str, str | None]:
    login = sandbox.login
    return {
        "url": sandbox.url,
        "organization_id": sandbox.organization_id,
        "access_token": sandbox.access_token,
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "refresh_token": login.refresh_token,
        "username": login.username,
        "password": login.password,
        "security_token": login.security_token,
    }


def _hubspot_access(sandbox: HubSpotSandbox) -> dict[str, str | int]:
    return {
        "url": sandbox.url,
        "portal_id": sandbox.portal_id,
        "app_id": sandbox.app_id,
        "access_token": sandbox.access_token,
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "refresh_token": sandbox.refresh_token,
    }


def _salesforce_clients(sandbox: SalesforceSandbox) -> Iterator[str]:
    url, token = sandbox.url, sandbox.access_token
    yield from _pasted(
        "closedloop",
        f'closedloop.connect("salesforce", login_url="{url}", client_id="{sandbox.client_id}", '
        f'client_secret="{sandbox.client_secret}")',
    )
    # simple-salesforce makes https of every address; the session knows the way (or use --https).
    yield from _pasted(
        "simple-salesforce",
        "from closedloop.testing.detour import Detour",
        f'Salesforce(instance_url="{url}", session_id="{token}", '
        f'session=Detour({{"salesforce.com": "{url}"}}).session())',
    )
    yield from _pasted(
        "jsforce", f'new jsforce.Connection({{ instanceUrl: "{url}", accessToken: "{token}" }})'
    )
    yield from _pasted(
        "curl",
        f"curl -H 'Authorization: Bearer {token}' "
        f"'{url}/services/data/{_VERSION}/query?q=SELECT+Id,Name+FROM+Lead+LIMIT+5'",
    )


def _hubspot_clients(sandbox: HubSpotSandbox) -> Iterator[str]:
    url, token = sandbox.url, sandbox.access_token
    yield from _pasted(
        "closedloop", f'closedloop.connect("hubspot", base_url="{url}", access_token="{token}")'
    )
    yield from _pasted(
        "hubspot-api-client", f'HubSpot(access_token="{token}", host="{url}", base_url="{url}")'
    )
    yield from _pasted("@hubspot/api-client", f'new Client({{ accessToken: "{token}", basePath: "{url}" }})')
    yield from _pasted(
        "curl", f"curl -H 'Authorization: Bearer {token}' '{url}/crm/v3/objects/contacts?limit=5'"
    )


def _settings(running: Running) -> Iterator[str]:
    """The server's settings: it listens where the CRMs tell what sales decides."""
    receiver = running.receiver
    address = receiver.server if receiver is not None and receiver.server else _SERVER
    yield f'public_url = "{address}"'
    if (port := urlsplit(address).port) not in {None, urlsplit(_SERVER).port}:
        yield f"port = {port}"
    if running.salesforce is not None:
        sandbox = running.salesforce
        yield f"[connections.{NAMES[CrmName.SALESFORCE]}]"
        yield 'crm = "salesforce"'
        yield f'organisation_id = "{sandbox.organization_id}"'
        yield f'login_url = "{sandbox.url}"'
        yield f'client_id = "{sandbox.client_id}"'
        yield 'client_secret = {env = "SALESFORCE_CLIENT_SECRET"}'
        yield f'currency = "{sandbox.currency}"'
        yield 'webhook_secrets = [{env = "SALESFORCE_WEBHOOK_SECRET"}]'
    if running.hubspot is not None:
        portal = running.hubspot
        yield f"[connections.{NAMES[CrmName.HUBSPOT]}]"
        yield 'crm = "hubspot"'
        yield f'organisation_id = "{portal.portal_id}"'
        yield f'base_url = "{portal.url}"'
        yield f'app_id = "{portal.app_id}"'
        yield 'access_token = {env = "HUBSPOT_TOKEN"}'
        yield 'webhook_secrets = [{env = "HUBSPOT_CLIENT_SECRET"}]'


def _commands(running: Running) -> Iterator[str]:
    """The secrets that the settings name, then what makes the server ready, and starts it."""
    if running.salesforce is not None:
        yield f"export SALESFORCE_CLIENT_SECRET={running.salesforce.client_secret}"
        yield f"export SALESFORCE_WEBHOOK_SECRET={running.webhook_secret}"
    if running.hubspot is not None:
        yield f"export HUBSPOT_TOKEN={running.hubspot.access_token}"
        yield f"export HUBSPOT_CLIENT_SECRET={running.hubspot.client_secret}"
    if running.certificate is not None:
        yield f"export REQUESTS_CA_BUNDLE={shlex.quote(str(running.certificate.authority.absolute()))}"
    yield "closedloop install --apply"
    yield "closedloop serve"


def _listed(access: dict[str, Any]) -> list[str]:
    return [f"    {name:<16} {value}" for name, value in access.items()]


def _pasted(client: str, *lines: str) -> Iterator[str]:
    yield f"    {client}"
    yield from (f"        {line}" for line in lines)


def _indented(lines: Iterator[str]) -> list[str]:
    return [f"    {line}" for line in lines]
