"""`closedloop token`: makes, lists and revokes what opens the pages and the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from closedloop_server.access.links import LIFETIME, make_link
from closedloop_server.access.sessions import end_sessions
from closedloop_server.access.tokens import (
    Role,
    Scope,
    Token,
    create_token,
    list_tokens,
    newest_named,
    revoke_tokens,
)
from closedloop_server.commands.serve import open_database, settings_option
from closedloop_server.services import now
from closedloop_server.settings import load_settings
from closedloop_server.store import audit
from closedloop_server.store.engine import reading, writing

_SPANS = {"h": "hours", "d": "days", "w": "weeks"}


def _end(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """The point in time that a date means, or a span from now on."""
    if value is None:
        return None
    number, unit = value[:-1], value[-1:]
    try:
        if unit in _SPANS:
            return now() + timedelta(**{_SPANS[unit]: int(number)})
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    except (ValueError, OverflowError) as exc:
        told = f"{value!r} is neither a date such as 2027-03-31 nor a span such as 12h, 90d, 8w"
        raise click.BadParameter(told) from exc


@click.group()
def token() -> None:
    """Makes, lists and revokes the tokens that open the pages and the API."""


@token.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    help="Scopes that go together: viewer has reports, operator has operate too, admin has all.",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What the token opens; may be given more than once. Without role and scope it is reports.",
)
@click.option("--expires", callback=_end, help="When it ends: 2027-03-31, or 12h, 90d, 8w from now.")
@settings_option
def create(
    name: str, role: str | None, scopes: tuple[str, ...], expires: datetime | None, path: Path
) -> None:
    """Makes a token for NAME and prints it, once."""
    allowed = {Scope(scope) for scope in scopes} | (Role(role).scopes if role else set())
    allowed = allowed or {Scope.REPORTS}
    with open_database(path) as engine, writing(engine) as connection:
        at = now()
        made = create_token(connection, name=name, scopes=allowed, expires_at=expires, now=at)
        details = {"scopes": sorted(allowed), "expires": expires.isoformat() if expires else None}
        _note(connection, "token.create", name.strip(), details=details, now=at)
        click.echo(made)


@token.command("list")
@settings_option
def list_(path: Path) -> None:
    """Lists all tokens ever made, without the tokens themselves."""
    with open_database(path) as engine, reading(engine) as connection:
        for each in list_tokens(connection):
            click.echo("\t".join(_told(each)))


def _told(each: Token) -> tuple[str, ...]:
    if each.revoked_at:
        state = f"revoked {each.revoked_at:%Y-%m-%d}"
    elif each.expires_at:
        state = f"{'valid until' if each.is_valid(now()) else 'ended'} {each.expires_at:%Y-%m-%d}"
    else:
        state = "valid"
    used = f"used {each.last_used_at:%Y-%m-%d}" if each.last_used_at else "never used"
    scopes = each.role.value if each.role else " ".join(sorted(each.scopes))
    return each.name, scopes, f"made {each.created_at:%Y-%m-%d}", used, state


@token.command()
@click.argument("name")
@settings_option
def revoke(name: str, path: Path) -> None:
    """Ends every token of NAME, and the sessions that they opened."""
    with open_database(path) as engine, writing(engine) as connection:
        at = now()
        if count := revoke_tokens(connection, name=name, now=at):
            _note(connection, "token.revoke", name, details={"tokens": count}, now=at)
    if not count:
        raise _unknown(name)
    click.echo(f"Revoked {count}.")


@token.command()
@click.argument("name")
@settings_option
def link(name: str, path: Path) -> None:
    """Prints a link that signs in once with the token of NAME, within ten minutes."""
    settings = load_settings(path)
    with open_database(path) as engine, writing(engine) as connection:
        at = now()
        found = newest_named(connection, name, now=at)
        if found is None:
            raise _unknown(name)
        made = make_link(connection, found.digest, now=at)
        _note(connection, "token.link", name, now=at)
    click.echo(settings.public_url + made)
    click.echo(f"It works once, until {at + LIFETIME:%H:%M} UTC.", err=True)


@token.command("sign-out")
@click.argument("name")
@settings_option
def sign_out(name: str, path: Path) -> None:
    """Ends all sessions of NAME's tokens; the tokens stay valid."""
    with open_database(path) as engine, writing(engine) as connection:
        at = now()
        count = end_sessions(connection, name=name)
        _note(connection, "session.end_all", name, details={"sessions": count}, now=at)
    click.echo(f"Ended {count}.")


def _note(connection: Any, action: str, name: str, *, now: datetime, details: Any = None) -> None:
    audit.note(connection, who=audit.COMMAND_LINE, action=action, target=name, details=details, now=now)


def _unknown(name: str) -> click.ClickException:
    return click.ClickException(f"no valid token is called {name!r}; `closedloop token list` shows them")
