"""Which properties a portal has, and what the options of its enumerations are called."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from closedloop.crm.hubspot.answers import Json
from closedloop.errors import AuthenticationError, CrmError, RefusedError

if TYPE_CHECKING:
    from closedloop.crm.hubspot.client import HubSpotClient

log = logging.getLogger(__name__)

CAMPAIGNS = "0-35"
"""The object type id of campaigns; their definitions and associations go by it."""

STANDARD_CAMPAIGN_PROPERTIES = frozenset(
    {
        "hs_audience",
        "hs_budget_items_sum_amount",
        "hs_campaign_status",
        "hs_color_hex",
        "hs_created_by_user_id",
        "hs_currency_code",
        "hs_end_date",
        "hs_name",
        "hs_notes",
        "hs_object_id",
        "hs_owner",
        "hs_spend_items_sum_amount",
        "hs_start_date",
        "hs_utm",
    }
)
"""What the campaigns API answers without any set-up (its OpenAPI description). It answers 400 to
properties that it does not know, among them some that the definitions of 0-35 list."""

_KEPT_SECONDS = 600.0
_UNKNOWN_AFTER_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A property: its type, whether the portal made it, and the labels of its options, hidden ones too.

    `several` says that it holds any number of its options, `unique` that no two records hold the same value.
    """

    name: str
    type: str
    custom: bool
    options: Mapping[str, str]
    label: str = ""
    several: bool = False
    unique: bool = False
    read_only: bool = False
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Known:
    at: float
    definitions: Mapping[str, Definition]


class Definitions:
    """The property definitions of a portal, kept for ten minutes."""

    def __init__(self, client: HubSpotClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def of(self, object_type: str) -> Mapping[str, Definition]:
        """The definitions by name. Empty where the portal has no such objects or the token no access."""
        return self._fresh(object_type, _KEPT_SECONDS)

    def newest(self, object_type: str) -> Mapping[str, Definition]:
        """The definitions as they were a minute ago at most, for when something seems to be missing."""
        return self._fresh(object_type, _UNKNOWN_AFTER_SECONDS)

    def forget(self) -> None:
        """Reads all definitions anew when they are next needed."""
        with self._lock:
            self._known.clear()

    def labels(self, object_type: str, values: Mapping[str, Any]) -> dict[str, str]:
        """The option labels of the enumerations among these property values, ";"-joined like the values.

        A value without an option may be one that an admin just added, so the definitions are read again.
        """
        labels, unknown = _labels(self.of(object_type), values)
        if unknown:
            labels, _ = _labels(self.newest(object_type), values)
        return labels

    def _fresh(self, object_type: str, seconds: float) -> Mapping[str, Definition]:
        with self._lock:
            known = self._known.get(object_type)
            if known is None or self._clock() - known.at > seconds:
                known = _Known(self._clock(), self._read(object_type))
                self._known[object_type] = known
            return known.definitions

    def _read(self, object_type: str) -> Mapping[str, Definition]:
        try:
            found = self._client.definitions(object_type)
        except (AuthenticationError, RefusedError) as error:
            if _is_token(error):
                raise
            # Leads need Sales Hub Professional, campaigns Marketing Hub Professional, each its own scope.
            log.warning("HubSpot shows no properties of %s: %s", object_type, error.message)
            return {}
        return {each["name"]: _definition(each) for each in found if isinstance(each.get("name"), str)}


def _is_token(error: CrmError) -> bool:
    return isinstance(error, AuthenticationError) and error.status != 403


def _definition(told: Json) -> Definition:
    options = told.get("options")
    listed = [each for each in options if isinstance(each, dict)] if isinstance(options, list) else []
    rules = told.get("modificationMetadata")
    return Definition(
        name=told["name"],
        type=str(told.get("type") or ""),
        custom=told.get("hubspotDefined") is not True,
        options={str(each.get("value")): str(each.get("label") or each.get("value")) for each in listed},
        label=str(told.get("label") or ""),
        several=told.get("fieldType") == "checkbox",
        unique=told.get("hasUniqueValue") is True,
        read_only=told.get("calculated") is True
        or (isinstance(rules, dict) and rules.get("readOnlyValue") is True),
        hidden=frozenset(str(each.get("value")) for each in listed if each.get("hidden") is True),
    )


def _labels(
    definitions: Mapping[str, Definition], values: Mapping[str, Any]
) -> tuple[dict[str, str], list[str]]:
    """The labels, and the properties that hold a value without an option."""
    labels: dict[str, str] = {}
    unknown: list[str] = []
    for name, value in values.items():
        definition = definitions.get(name)
        # No options: not an enumeration, or one like dealstage whose options live elsewhere.
        if definition is None or not definition.options or not isinstance(value, str) or not value:
            continue
        chosen = [part.strip() for part in value.split(";") if part.strip()]
        if any(part not in definition.options for part in chosen):
            unknown.append(name)
        if any(part in definition.options for part in chosen):
            labels[name] = ";".join(definition.options.get(part, part) for part in chosen)
    return labels, unknown


def wanted_of(definitions: Mapping[str, Definition], fields: Iterable[str]) -> tuple[str, ...]:
    """Those of the fields that the portal has, in their order and each once."""
    return tuple(dict.fromkeys(name for name in fields if name in definitions))
