"""What the org itself has for an object of ours: its fields beside those that are mapped."""

from __future__ import annotations

from closedloop.crm.salesforce.describes import Describes, Field
from closedloop.crm.salesforce.fetch import Fetch
from closedloop.mapping import CrmMapping
from closedloop.mapping.discovery import Discovery, OrgField, OrgOption, discover
from closedloop.mapping.reasons import Reasons
from closedloop.schema.vocabulary import ObjectType


def described(
    name: ObjectType | str, *, mapping: CrmMapping, reasons: Reasons, describes: Describes, fetch: Fetch
) -> Discovery:
    """The fields of the org's object for ours, read anew: an admin may have just made one. Of several, as
    activities are, the one that Salesforce's own name names, else the first. UnsupportedError for a name that
    the mapping does not know."""
    of, source = mapping.named(name)
    describes.forget()
    sources = fetch.sources(of)
    source = source if source in sources else sources[0]
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
