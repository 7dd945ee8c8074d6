"""What the portal itself has for an object of ours: its properties beside those that are mapped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from closedloop.crm.hubspot.payloads import stages
from closedloop.crm.hubspot.properties import CAMPAIGNS, Definition
from closedloop.crm.hubspot.read import Reader
from closedloop.errors import UnsupportedError
from closedloop.mapping.discovery import Discovery, OrgField, OrgOption, discover
from closedloop.mapping.reasons import Reasons
from closedloop.schema.vocabulary import ObjectType

_STAGES: Mapping[ObjectType, str] = {
    ObjectType.OPPORTUNITY: "dealstage",
    ObjectType.LEAD: "hs_pipeline_stage",
}
"""Properties whose options are not in their definitions, but in the pipelines."""

_WITHOUT = frozenset({ObjectType.USER, ObjectType.STAGE, ObjectType.CAMPAIGN_MEMBER, ObjectType.CONTACT_ROLE})


def described(reader: Reader, reasons: Reasons, name: ObjectType | str) -> Discovery:
    """The properties of the portal's object for ours, read anew: an admin may have just made one. Of several,
    as activities are, the one that HubSpot's own name names, else the first."""
    of, source = reader.mapping.named(name)
    if of in _WITHOUT:
        raise UnsupportedError(f"a {of} of HubSpot's has no properties of its own", reason="not_described")
    reader.definitions.forget()
    found = reader.definitions.of(CAMPAIGNS if of is ObjectType.CAMPAIGN else source)
    fields = [_field(reader, of, source, definition) for definition in found.values()]
    return discover(reader.mapping, reasons, of, source, fields)


def _field(reader: Reader, of: ObjectType, source: str, definition: Definition) -> OrgField:
    options = [
        OrgOption(value=value, label=label, active=value not in definition.hidden)
        for value, label in definition.options.items()
    ]
    if definition.name == _STAGES.get(of):
        options = list(_stages(reader, source))
    return OrgField(
        name=definition.name,
        label=definition.label,
        type=definition.type,
        custom=definition.custom,
        createable=not definition.read_only,
        updateable=not definition.read_only,
        options=tuple(options),
    )


def _stages(reader: Reader, source: str) -> Iterator[OrgOption]:
    for stage in stages(reader.client.pipelines(source), source):
        id_ = str(stage.get("id"))
        yield OrgOption(
            value=id_, label=str(stage.get("label") or id_), active=stage.get("archived") is not True
        )
