"""What a draft becomes before it is sent: properties as texts, and associations. Nothing is sent that the
portal's definitions say it will refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from closedloop.crm.hubspot.properties import (
    CAMPAIGNS,
    STANDARD_CAMPAIGN_PROPERTIES,
    Definition,
    Definitions,
)
from closedloop.crm.results import Draft
from closedloop.errors import UnsupportedError, ValueRefusedError
from closedloop.mapping import CrmMapping
from closedloop.schema.records import Money
from closedloop.schema.vocabulary import ObjectType


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A draft in HubSpot's words: `links` are the ids to associate by the name of the association, None
    where there is to be none; `fields` our names of those."""

    properties: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str | None] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


class Values:
    """Prepares drafts. `currency` gives the portal's own."""

    def __init__(
        self, mapping: CrmMapping, definitions: Definitions, currency: Callable[[], str | None]
    ) -> None:
        self._mapping, self._definitions, self._currency = mapping, definitions, currency

    def prepared(self, of: ObjectType, source: str, draft: Draft) -> Prepared:
        """The draft for this source of the object; UnsupportedError or ValueRefusedError name the field that
        cannot be written."""
        named = {path: name for name, path in self._mapping.writable(of, source).items()}
        properties: dict[str, str] = {}
        links: dict[str, str | None] = {}
        fields: dict[str, str] = {}
        own = self._currency() if any(isinstance(value, Money) for value in draft.values.values()) else None
        for path, value in self._mapping.denormalise(of, draft.values, source, currency=own).items():
            name, ours = str(path[1]), named.get(path, "")
            if path[0] == "associations":
                links[name], fields[name] = value or None, ours
            elif not ours and name not in self._known(of, source):
                self._refuse_foreign(draft, value, own)  # the currency, and no property for it
            else:
                properties[name] = self._text(of, source, name, value, ours)
        return Prepared(properties=properties, links=links, fields=fields)

    def unique(self, of: ObjectType, source: str) -> Iterator[str]:
        """The writable properties of which no two records have the same value. HubSpot keeps contacts apart
        by their e-mail address, whether or not its definition says so."""
        known = self._known(of, source)
        for path in self._mapping.writable(of, source).values():
            name = str(path[1]) if path[0] in {"properties", "labels"} else ""
            is_email = of is ObjectType.CONTACT and name == "email"
            if is_email or (name in known and known[name].unique):
                yield name

    def _text(self, of: ObjectType, source: str, name: str, value: str, ours: str) -> str:
        definition = self._definition(of, source, name, ours)
        if definition is None:
            return value
        if definition.read_only:
            raise UnsupportedError(
                f"HubSpot sets `{name}` itself: leave {ours or name} out", field=ours, reason="read_only"
            )
        found = chosen(definition, value)
        if found is None:  # an admin may have added the option just now
            newest = self._definitions.newest(self._source(of, source)).get(name, definition)
            found = chosen(newest, value)
        if found is None:
            raise ValueRefusedError(
                f"{ours or name} is none of the {len(definition.options)} options of HubSpot's `{name}`: "
                f"give the value or the label of one",
                fields=(name,),
                reason="unknown_option",
            )
        return found

    def _definition(self, of: ObjectType, source: str, name: str, ours: str) -> Definition | None:
        """The property's definition; None where HubSpot does not show any."""
        known = self._known(of, source)
        if name not in known and known:
            known = self._definitions.newest(self._source(of, source))
        if name in known or not known or name in STANDARD_CAMPAIGN_PROPERTIES:
            return known.get(name)
        raise UnsupportedError(
            f"this portal has no property `{name}` of {source} for {ours or name}: create it, or name "
            f"another in the mapping",
            field=ours,
            reason="no_property",
        )

    def _known(self, of: ObjectType, source: str) -> Mapping[str, Definition]:
        return self._definitions.of(self._source(of, source))

    def _source(self, of: ObjectType, source: str) -> str:
        return CAMPAIGNS if of is ObjectType.CAMPAIGN else source

    def _refuse_foreign(self, draft: Draft, currency: str, own: str | None) -> None:
        """Where the portal has no property for the currency, a number can only be in its own."""
        priced = (name for name, value in draft.values.items() if isinstance(value, Money))
        if currency != own:
            raise UnsupportedError(
                f"this portal keeps amounts in its own currency, {own}: give it in that one",
                field=next(priced, ""),
                reason="currency",
            )


def chosen(definition: Definition, value: str) -> str | None:
    """The value of the option, or of each of several, that has this value or label: exactly so, or as the
    only one in any case. None if there is none; the text itself where the property has no options, or, like
    a pipeline's stages, has them elsewhere."""
    if not definition.options or not value:
        return value
    parts = [part.strip() for part in value.split(";")] if definition.several else [value]
    found = [_option(definition.options, part) for part in parts if part]
    return ";".join(str(each) for each in found) if all(each is not None for each in found) else None


def _option(options: Mapping[str, str], text: str) -> str | None:
    if text in options:
        return text
    exact = [value for value, label in options.items() if label == text]
    folded = text.casefold()
    alike = [value for value, label in options.items() if folded in {value.casefold(), label.casefold()}]
    return next((found[0] for found in (exact, alike) if len(found) == 1), None)
