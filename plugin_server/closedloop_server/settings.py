"""The settings of a server: one TOML file, in which secrets are only ever named.

public_url = "https://loop.example.com"
database = "closedloop.db"

[connections.sales]
crm = "salesforce"
organisation_id = "00D…"
login_url = "https://example.my.salesforce.com"
client_id = "…"
client_secret = {env = "SALES_CLIENT_SECRET"}
webhook_secrets = [{file = "/run/secrets/sales-webhook"}]
"""

from __future__ import annotations

import os
import secrets
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from marshmallow import ValidationError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from closedloop.crm.hubspot import HubSpotCredentials
from closedloop.crm.salesforce import SalesforceCredentials
from closedloop.errors import SettingsError
from closedloop.schema.vocabulary import AttributionModel, CrmName
from closedloop_server.retention import RetentionSettings
from closedloop_server.settings_file import SettingsFile, complaints
from closedloop_server.store.postgresql import database_url as postgresql_url
from closedloop_server.subscriptions.settings import WebhookSettings

DATABASE_URL = "DATABASE_URL"
"""The environment variable that names the database where the settings file does not."""

DATABASE = "closedloop.db"
"""The database where nobody names one."""

SHORTEST_KEY = 32
"""Characters of a secret_key: what `openssl rand -base64 24` makes is the least."""

Credentials: TypeAlias = SalesforceCredentials | HubSpotCredentials


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """One installed CRM.

    `webhook_secrets` are the secret parts of Salesforce's webhook URL, or the client secrets of the HubSpot
    app; several are valid at once, so that they can be changed without losing a delivery.
    """

    name: str
    crm: CrmName
    organisation_id: str
    credentials: Credentials = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    app_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. An empty `public_url` stands for the address that the server itself listens on."""

    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    previous_secret_keys: tuple[str, ...] = field(default=(), repr=False)
    connections: tuple[ConnectionSettings, ...]
    public_url: str = ""
    attribution: AttributionModel = AttributionModel.PRIMARY
    mappings_directory: Path | None = None
    poll_seconds: float = 300.0
    settle_seconds: float = 0.5
    bulk_share: float = 0.8
    host: str = "127.0.0.1"
    port: int = 8080
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    trusted_proxies: tuple[str, ...] = ()


def load_settings(path: Path) -> Settings:
    """The settings in the file; raises a SettingsError that names the file, the key and what is allowed."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise SettingsError(
            f"cannot read the settings file {path}: {exc.strerror}", reason="no_file"
        ) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path} is not TOML: {exc}", reason="not_toml") from exc
    try:
        told = SettingsFile().load(document)
    except ValidationError as exc:
        raise SettingsError(f"{path}: {complaints(exc, document)}") from exc
    return _settings(told, path)


def _settings(told: Mapping[str, Any], path: Path) -> Settings:
    secret = _Secrets(path)
    database_url = _database_url(told, path, secret)
    given = "secret_key" in told
    key = secret.value("secret_key", told["secret_key"]) if given else _generated_key(database_url, path)
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"{path}: secret_key has {len(key)} characters, and {SHORTEST_KEY} are needed: it signs sessions "
            "and encrypts secrets. `openssl rand -base64 48` makes one; name the present one, if it was "
            "used, in previous_secret_keys. Where no setting names one, it is in the file *.secret-key by "
            "the database",
            reason="weak_secret",
        )
    return Settings(
        database_url=database_url,
        secret_key=key,
        previous_secret_keys=tuple(
            secret.value(f"previous_secret_keys[{place}]", each)
            for place, each in enumerate(told["previous_secret_keys"])
        ),
        connections=tuple(
            _connection(name, each, secret) for name, each in sorted(told["connections"].items())
        ),
        public_url=told["public_url"].rstrip("/"),
        attribution=told["attribution"],
        mappings_directory=path.parent / told["mappings"] if "mappings" in told else None,
        poll_seconds=told["poll_seconds"],
        settle_seconds=told["settle_seconds"],
        bulk_share=told["bulk_share"],
        host=told["host"],
        port=told["port"],
        webhooks=told["webhooks"],
        retention=told["retention"],
        trusted_proxies=tuple(told["trusted_proxies"]),
    )


_CREDENTIALS: Mapping[CrmName, type[SalesforceCredentials] | type[HubSpotCredentials]] = {
    CrmName.SALESFORCE: SalesforceCredentials,
    CrmName.HUBSPOT: HubSpotCredentials,
}
_PLAIN = frozenset({"crm", "organisation_id", "webhook_secrets", "app_id"})
"""What a connection has beside its credentials, which are everything else."""


def _connection(name: str, told: Mapping[str, Any], secret: _Secrets) -> ConnectionSettings:
    where = f"connections.{name}"
    given: dict[str, Any] = {
        key: secret.value(f"{where}.{key}", value) if isinstance(value, dict) else value
        for key, value in told.items()
        if key not in _PLAIN
    }
    try:
        credentials = _CREDENTIALS[told["crm"]](**given)
    except SettingsError as exc:
        raise SettingsError(f"{secret.path}: {where}: {exc.message}", reason=exc.reason) from exc
    return ConnectionSettings(
        name=name,
        crm=told["crm"],
        organisation_id=told["organisation_id"],
        credentials=credentials,
        webhook_secrets=tuple(
            secret.value(f"{where}.webhook_secrets[{place}]", each)
            for place, each in enumerate(told["webhook_secrets"])
        ),
        app_id=told.get("app_id"),
    )


def _database_url(told: Mapping[str, Any], path: Path, secret: _Secrets) -> str:
    """The URL that the file or else DATABASE_URL gives; a file name becomes SQLite's, beside the settings
    file unless it is absolute."""
    database = told.get("database") or os.environ.get(DATABASE_URL) or DATABASE
    where = "database" if "database" in told else DATABASE_URL
    if isinstance(database, dict):
        database = secret.value("database", database)
    if "://" not in database:
        return f"sqlite:///{(path.parent / database).resolve()}"
    try:
        url = make_url(database)
        if url.drivername == "sqlite":
            return database
        return postgresql_url(database).render_as_string(hide_password=False)
    except (ArgumentError, ValueError):
        # Neither what was found nor the error that quotes it: there may be a password in it.
        raise SettingsError(
            f"{path}: {where}: this is no database URL; give a file name for SQLite, or"
            " postgresql://user@host/name"
        ) from None
    except SettingsError as exc:
        raise SettingsError(f"{path}: {where}: {exc.message}", reason=exc.reason) from exc


def _generated_key(database_url: str, path: Path) -> str:
    """The key that signs sessions, made once and kept beside the SQLite file, readable by its owner alone."""
    file = make_url(database_url).database
    if not database_url.startswith("sqlite") or not file:
        raise SettingsError(
            f"{path}: secret_key is missing: without a SQLite file there is no place to keep one; "
            'give secret_key = {env = "…"} or {file = "…"}',
            reason="missing_secret",
        )
    place = Path(file).with_suffix(".secret-key")
    try:
        if not place.exists():
            _write_key(place)
        return place.read_text(encoding="ascii").strip()
    except OSError as exc:
        raise SettingsError(f"cannot make the key file {place}: {exc.strerror}", reason="no_file") from exc


def _write_key(place: Path) -> None:
    """Makes the file whole or not at all, and leaves one alone that another process makes meanwhile."""
    opened, draft = tempfile.mkstemp(dir=place.parent, prefix=place.name)  # for its owner alone
    try:
        with os.fdopen(opened, "w", encoding="ascii") as written:
            written.write(secrets.token_urlsafe(48))
            written.flush()
            os.fsync(written.fileno())
        with suppress(FileExistsError):
            os.link(draft, place)
    finally:
        Path(draft).unlink()


@dataclass(frozen=True, slots=True)
class _Secrets:
    """Looks up what the settings file only names: `{env = "NAME"}` or `{file = "path"}`."""

    path: Path

    def value(self, where: str, told: Mapping[str, str]) -> str:
        """The secret as text, never as anything else, however much it looks like a number."""
        found = self._environment(told["env"]) if "env" in told else self._file(told["file"])
        if not found:
            looked = (
                f"the environment variable {told['env']}"
                if "env" in told
                else f"the file {self._place(told['file'])}"
            )
            raise SettingsError(
                f"{self.path}: {where}: no secret found. Looked in {looked}: it is missing or empty",
                reason="missing_secret",
            )
        return found

    def _environment(self, name: str) -> str:
        return os.environ.get(name, "")

    def _file(self, name: str) -> str:
        try:
            return self._place(name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def _place(self, name: str) -> Path:
        return self.path.parent / name
