"""What the org says about its objects: which fields there are, how long, and which may be written.

Nothing is assumed of an org. A field that the mapping names and the org lacks is left out and told;
a field that the integration user may not see looks exactly like one that does not exist.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from closedloop.errors import AnswerError
from closedloop.schema.vocabulary import ObjectType

if TYPE_CHECKING:
    from closedloop.crm.salesforce.client import Client

log = logging.getLogger(__name__)

KEPT_SECONDS = 900.0
"""How long a describe is believed: an admin's new field shows up after this at the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One value of a picklist; one that is not active is kept for old records."""

    value: str
    label: str
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an object. `relation` is the name that leads to a record of `targets`.

    `unique`: no two records have the same value; `finds`: records can be upserted by it, because it is an
    external id or has describe's idLookup. `scale` is how many decimals a number keeps, `options` are a
    picklist's.
    """

    name: str
    type: str
    label: str = ""
    custom: bool = False
    length: int = 0
    scale: int | None = None
    createable: bool = False
    updateable: bool = False
    unique: bool = False
    case_sensitive: bool = False
    finds: bool = False
    relation: str | None = None
    targets: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One object of the org. Names are looked up without regard to case, as the org does."""

    name: str
    fields: Mapping[str, Field]

    def field(self, name: str) -> Field | None:
        """The field of that name, if there is one."""
        return self.fields.get(name.lower())

    def relation(self, name: str) -> Field | None:
        """The field behind the relationship of that name, if there is one."""
        named = (field for field in self.fields.values() if (field.relation or "").lower() == name.lower())
        return next(named, None)


class Describes:
    """The org's objects, each asked for once in a while."""

    def __init__(self, client: Client, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._lacking: dict[tuple[ObjectType, str], tuple[str, ...]] = {}
        self._clock = clock
        self._known: dict[str, tuple[float, Described | None]] = {}

    def get(self, sobject: str) -> Described | None:
        """The object, or None when the org has none of that name or shows us none."""
        known = self._known.get(sobject)
        if known is None or self._clock() >= known[0] + KEPT_SECONDS:
            body = self._client.describe(sobject)
            known = (self._clock(), None if body is None else _described(sobject, body))
            self._known[sobject] = known
        return known[1]

    def forget(self) -> None:
        """Asks anew from here on: a field that was there a moment ago is not."""
        self._known.clear()

    @property
    def missing(self) -> Mapping[ObjectType, tuple[str, ...]]:
        """The fields that the mapping names and the org lacks, per object of ours."""
        found: dict[ObjectType, tuple[str, ...]] = {}
        for (of, _), names in self._lacking.copy().items():
            if names:
                found[of] = (*found.get(of, ()), *names)
        return found

    def note_missing(self, of: ObjectType, sobject: str, names: tuple[str, ...]) -> None:
        """Keeps, and logs when it is news, what the mapping names and the org lacks."""
        if names and self._lacking.get((of, sobject)) != names:
            log.warning("%s lacks %s, or hides it from the integration user", sobject, ", ".join(names))
        self._lacking[of, sobject] = names

    def has(self, sobject: str, path: str) -> bool:
        """Whether a field path such as `Name` or `Owner.Name` leads to a field."""
        return self.at(sobject, path) is not None

    def at(self, sobject: str, path: str) -> Field | None:
        """The field that a path such as `Name` or `Owner.Name` leads to; of several targets the first's."""
        described = self.get(sobject)
        head, _, rest = path.partition(".")
        if described is None or not rest:
            return described.field(head) if described else None
        by = described.relation(head)
        found = (self.at(target, rest) for target in by.targets) if by else iter(())
        return next((field for field in found if field is not None), None)


def _described(sobject: str, body: Mapping[str, Any]) -> Described:
    try:
        fields = {field.name.lower(): field for field in map(_field, body["fields"])}
    except (AttributeError, TypeError, ValueError) as exc:
        raise AnswerError(
            f"the description of {sobject} is not one of Salesforce's API", reason="not_the_api"
        ) from exc
    return Described(name=sobject, fields=fields)


def _field(body: Mapping[str, Any]) -> Field:
    return Field(
        name=str(body.get("name", "")),
        type=str(body.get("type", "")),
        label=str(body.get("label") or ""),
        custom=body.get("custom") is True,
        length=int(body.get("length") or 0),
        scale=None if body.get("scale") is None else int(body["scale"]),
        createable=body.get("createable") is True,
        updateable=body.get("updateable") is True,
        unique=body.get("unique") is True,
        case_sensitive=body.get("caseSensitive") is True,
        finds=body.get("externalId") is True or body.get("idLookup") is True,
        relation=body.get("relationshipName"),
        targets=tuple(body.get("referenceTo") or ()),
        options=tuple(_option(value) for value in body.get("picklistValues") or ()),
    )


def _option(body: Mapping[str, Any]) -> Option:
    value = str(body.get("value", ""))
    return Option(value=value, label=str(body.get("label") or value), active=body.get("active") is not False)
