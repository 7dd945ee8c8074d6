"""The settings of the webhooks that are sent: the table [webhooks]."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """Which networks may be told beside the public ones, how old news may be, when to give up."""

    allow_networks: tuple[Network, ...] = ()
    oldest_days: int = 7
    disable_after_days: int = 5
    keep_days: int = 90
    raw_reasons: bool = False

    @property
    def oldest(self) -> timedelta:
        """How long ago something may have happened to become an event when it is learned."""
        return timedelta(days=self.oldest_days)

    @property
    def disable_after(self) -> timedelta:
        """How long nothing may get through before a subscription is disabled."""
        return timedelta(days=self.disable_after_days)

    @property
    def keep(self) -> timedelta:
        """How long events and the log of sending them are kept."""
        return timedelta(days=self.keep_days)


class NetworkField(fields.Field[Network]):
    """A network such as `10.1.0.0/16`, or one address."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Network:
        try:
            return ipaddress.ip_network(value if isinstance(value, str) else "")
        except ValueError as exc:
            raise ValidationError("expected a network such as 10.1.0.0/16 or fd00:1::/64") from exc


class WebhooksForm(Schema):
    """The table as the file has it."""

    class Meta:
        unknown = RAISE

    allow_networks = fields.List(NetworkField())
    oldest_days = fields.Integer(strict=True, validate=validate.Range(min=1, max=3650))
    disable_after_days = fields.Integer(strict=True, validate=validate.Range(min=1, max=365))
    keep_days = fields.Integer(strict=True, validate=validate.Range(min=7, max=3650))
    raw_reasons = fields.Boolean(truthy={True}, falsy={False})

    @post_load
    def _settings(self, told: dict[str, Any], **_: Any) -> WebhookSettings:
        networks = tuple(told.pop("allow_networks", ()))
        return WebhookSettings(allow_networks=networks, **told)
