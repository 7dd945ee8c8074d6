"""What the org itself has for an object of ours: its fields beside those that are mapped."""

from __future__ import annotations

from closedloop.crm.salesforce.describes import Describes, Field
from closedloop.crm.salesforce.fetch import Fetch
from closedloop.mapping import CrmMapping
from closedloop.mapping.discovery import Discovery, OrgField, OrgOption, discover
from closedloop.mapping.reasons import Reasons
from closedloop.schema.vocabulary import ObjectType


def described(
    of: ObjectType, *, mapping: CrmMapping, reasons: Reasons, describes: Describes, fetch: Fetch
) -> Discovery:
    """The fields of the org's object for ours, read anew: an admin may have just made one."""
    describes.forget()
    source = fetch.sources(of)[0]
    found = describes.get(source)
    fields = [_org_field(field) for field in found.fields.values()] if found else []
    return discover(mapping, reasons, of, source, fields)


def _org_field(field: Field) -> OrgField:
    options = (OrgOption(value=o.value, label=o.label, active=o.active) for o in field.options)
    return OrgField(
        name=field.name,
        label=field.label,
        type=field.type,
        custom=field.custom,
        createable=field.createable,
        updateable=field.updateable,
        options=tuple(options),
    )
