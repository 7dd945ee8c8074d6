"""What may stand in a settings file: keys, types and limits, and how to say what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from closedloop.schema.vocabulary import AttributionModel, CrmName
from closedloop_server.retention import RetentionForm, RetentionSettings
from closedloop_server.subscriptions.settings import WebhookSettings, WebhooksForm


class Secret(fields.Field[dict[str, str]]):
    """The name of a secret: `{env = "NAME"}` or `{file = "path"}`, never the secret itself."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, str]:
        named = isinstance(value, dict) and len(value) == 1 and set(value) <= {"env", "file"}
        if not named or not all(isinstance(each, str) and each for each in value.values()):
            raise ValidationError(
                'a secret is never written here: name it with {env = "NAME"} or {file = "path"}'
            )
        return dict(value)


class _Database(Secret):
    """A file name or a URL, or the name of a secret that holds one: a URL may carry a password."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, dict):
            return super()._deserialize(value, *args, **kwargs)
        if not isinstance(value, str) or not value:
            raise ValidationError('expected a file name, a database URL, {env = "NAME"} or {file = "path"}')
        if urlsplit(value).password:
            raise ValidationError('a password is never written here: name the URL with {env = "NAME"}')
        return value


def _is_url(value: str) -> None:
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment):
        raise ValidationError("expected the address that the CRMs call, such as https://loop.example.com")


def _is_network(value: str) -> None:
    try:
        ip_network(value)
    except ValueError as exc:
        raise ValidationError("expected an address or a network, such as 10.0.0.5 or 10.0.0.0/24") from exc


def _text(**kwargs: Any) -> fields.String:
    return fields.String(validate=validate.Length(min=1), **kwargs)


def _budget() -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(min=1))


class SalesforceConnection(Schema):
    """A Salesforce org."""

    class Meta:
        unknown = RAISE

    crm = fields.Enum(CrmName, by_value=True, required=True)
    organisation_id = fields.String(
        required=True,
        validate=validate.Regexp(
            r"00D[A-Za-z0-9]{12}([A-Za-z0-9]{3})?\Z", error="expected 15 or 18 characters that start with 00D"
        ),
    )
    login_url = _text(required=True)
    client_id = _text()
    client_secret = Secret()
    username = _text()
    private_key = Secret()
    audience = _text()
    refresh_token = Secret()
    access_token = Secret()
    api_version = _text()
    currency = _text()
    daily_budget = _budget()
    webhook_secrets = fields.List(Secret(), load_default=list)


class HubSpotConnection(Schema):
    """A HubSpot portal."""

    class Meta:
        unknown = RAISE

    crm = fields.Enum(CrmName, by_value=True, required=True)
    organisation_id = fields.String(
        required=True,
        validate=validate.Regexp(r"[0-9]{1,20}\Z", error="expected the portal's number, in quotes"),
    )
    access_token = Secret()
    client_id = _text()
    client_secret = Secret()
    refresh_token = Secret()
    base_url = _text()
    daily_budget = _budget()
    app_id = _text()
    calls_per_10_seconds = fields.Integer(strict=True, validate=validate.Range(min=1))
    searches_per_second = fields.Integer(strict=True, validate=validate.Range(min=1))
    report_calls_per_poll = fields.Integer(strict=True, validate=validate.Range(min=1))
    webhook_secrets = fields.List(Secret(), load_default=list)


CONNECTIONS: Mapping[CrmName, type[Schema]] = {
    CrmName.SALESFORCE: SalesforceConnection,
    CrmName.HUBSPOT: HubSpotConnection,
}


class _Connection(fields.Field[dict[str, Any]]):
    """A connection, described by its CRM."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("expected a table such as [connections.sales]")
        if value.get("crm") not in set(CrmName):
            raise ValidationError({"crm": [f"expected one of {', '.join(CrmName)}"]})
        loaded: dict[str, Any] = CONNECTIONS[CrmName(value["crm"])]().load(value)
        return loaded


class SettingsFile(Schema):
    """The whole file."""

    class Meta:
        unknown = RAISE

    public_url = fields.String(required=True, validate=_is_url)
    database = _Database()
    secret_key = Secret()
    previous_secret_keys = fields.List(Secret(), load_default=list)
    attribution = fields.Enum(AttributionModel, by_value=True, load_default=AttributionModel.PRIMARY)
    mappings = _text()
    poll_seconds = fields.Float(load_default=300.0, validate=validate.Range(min=1, max=86_400))
    settle_seconds = fields.Float(load_default=0.5, validate=validate.Range(min=0, max=600))
    bulk_share = fields.Float(load_default=0.8, validate=validate.Range(min=0, max=1))
    host = _text(load_default="127.0.0.1")
    port = fields.Integer(strict=True, load_default=8080, validate=validate.Range(min=0, max=65_535))
    trusted_proxies = fields.List(fields.String(validate=_is_network), load_default=list)
    webhooks = fields.Nested(WebhooksForm, load_default=WebhookSettings)
    retention = fields.Nested(RetentionForm, load_default=RetentionSettings)
    connections = fields.Dict(
        keys=fields.String(
            validate=validate.Regexp(
                r"[a-z][a-z0-9_-]{0,62}\Z", error="a connection is named with a-z, 0-9, _ and -"
            )
        ),
        values=_Connection(),
        required=True,
        validate=validate.Length(min=1, error="name at least one connection: [connections.sales]"),
    )


def complaints(error: ValidationError, document: Mapping[str, Any]) -> str:
    """What is wrong: per key what was expected, and what stands there unless it may be a secret."""
    return "; ".join(f"{key}: {message}{_found(key, document)}" for key, message in _flat(error.messages, ()))


def _flat(messages: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(messages, dict):
        for key, inner in messages.items():
            # marshmallow puts a dictionary's entries under "value" and "key".
            yield from _flat(inner, path if key in {"value", "key", "_schema"} else (*path, str(key)))
    else:
        for message in messages:
            yield ".".join(path), str(message).rstrip(".")


def _found(key: str, document: Mapping[str, Any]) -> str:
    value: Any = document
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    plain = isinstance(value, bool | int | float) or (
        isinstance(value, str) and not any(word in key for word in ("secret", "token", "database"))
    )
    return f" (found {value!r})" if plain else ""
