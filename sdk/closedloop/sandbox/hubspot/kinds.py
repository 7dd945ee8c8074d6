"""The object types of the portal: their names and ids, and which properties they answer with by default."""

from __future__ import annotations

from dataclasses import dataclass

from closedloop.sandbox.hubspot.errors import unknown_type


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectKind:
    """One object type. `defaults` are the properties of an answer that asked for none."""

    name: str
    singular: str
    type_id: str
    created: str
    modified: str
    defaults: tuple[str, ...]
    search_defaults: tuple[str, ...]
    searched: tuple[str, ...]
    pipeline: str | None = None
    stage: str | None = None

    @property
    def always(self) -> tuple[str, ...]:
        """The properties that every answer holds, whatever was asked for."""
        return (self.created, self.modified, "hs_object_id")


CONTACTS = ObjectKind(
    name="contacts",
    singular="contact",
    type_id="0-1",
    created="createdate",
    modified="lastmodifieddate",  # every other type has hs_lastmodifieddate
    defaults=("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    search_defaults=(
        *("company", "createdate", "email", "firstname", "hs_object_id"),
        *("lastmodifieddate", "lastname", "phone", "website"),
    ),
    searched=("firstname", "lastname", "email", "phone", "company"),
)
COMPANIES = ObjectKind(
    name="companies",
    singular="company",
    type_id="0-2",
    created="createdate",
    modified="hs_lastmodifieddate",
    defaults=("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    search_defaults=("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    searched=("name", "domain", "phone"),
)
_DEAL_DEFAULTS = (
    *("amount", "closedate", "createdate", "dealname"),
    *("dealstage", "hs_lastmodifieddate", "hs_object_id", "pipeline"),
)
DEALS = ObjectKind(
    name="deals",
    singular="deal",
    type_id="0-3",
    created="createdate",
    modified="hs_lastmodifieddate",
    defaults=_DEAL_DEFAULTS,
    search_defaults=_DEAL_DEFAULTS,
    searched=("dealname",),
    pipeline="pipeline",
    stage="dealstage",
)
LEADS = ObjectKind(
    name="leads",
    singular="lead",
    type_id="0-136",
    created="hs_createdate",
    modified="hs_lastmodifieddate",
    defaults=("hs_createdate", "hs_lastmodifieddate", "hs_object_id"),
    search_defaults=("hs_createdate", "hs_lastmodifieddate", "hs_object_id"),
    searched=("hs_lead_name",),
    pipeline="hs_pipeline",
    stage="hs_pipeline_stage",
)
CAMPAIGNS = ObjectKind(
    name="campaigns",
    singular="campaign",
    type_id="0-35",
    created="hs_createdate",
    modified="hs_lastmodifieddate",
    defaults=("hs_createdate", "hs_lastmodifieddate", "hs_object_id"),
    search_defaults=("hs_createdate", "hs_lastmodifieddate", "hs_object_id"),
    searched=("hs_name",),
)

KINDS = (CONTACTS, COMPANIES, DEALS, LEADS, CAMPAIGNS)

_BY_NAME = {name: kind for kind in KINDS for name in (kind.name, kind.singular, kind.type_id)}


def kind_of(name: str) -> ObjectKind:
    """The object type behind a plural, a singular or a type id, in any case; 400 for any other name."""
    found = _BY_NAME.get(name.lower())
    if found is None:
        raise unknown_type(name)
    return found
