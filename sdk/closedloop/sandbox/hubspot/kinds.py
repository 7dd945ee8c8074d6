"""The object types of the portal: their names and ids, and which properties they answer with by default."""

from __future__ import annotations

from dataclasses import dataclass

from closedloop.sandbox.hubspot.errors import unknown_type


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObjectKind:
    """One object type, of which there is one each; `defaults` are what an answer holds unless told."""

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


def _activity(name: str, type_id: str, *searched: str) -> ObjectKind:
    """An engagement: what somebody did or is to do (type ids: HubSpot documentation, "Object type IDs")."""
    always = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")
    return ObjectKind(
        name=name,
        singular=name.removesuffix("s"),
        type_id=type_id,
        created="hs_createdate",
        modified="hs_lastmodifieddate",
        defaults=always,
        search_defaults=always,
        searched=searched,
    )


CALLS = _activity("calls", "0-48", "hs_call_title", "hs_call_body")
EMAILS = _activity("emails", "0-49", "hs_email_subject")
MEETINGS = _activity("meetings", "0-47", "hs_meeting_title", "hs_meeting_body")
TASKS = _activity("tasks", "0-27", "hs_task_subject", "hs_task_body")
NOTES = _activity("notes", "0-46", "hs_note_body")

ACTIVITIES = (CALLS, EMAILS, MEETINGS, TASKS, NOTES)
KINDS = (CONTACTS, COMPANIES, DEALS, LEADS, CAMPAIGNS, *ACTIVITIES)

_BY_NAME = {name: kind for kind in KINDS for name in (kind.name, kind.singular, kind.type_id)}


def kind_of(name: str) -> ObjectKind:
    """The object type behind a plural, a singular or a type id, in any case; 400 for any other name."""
    found = _BY_NAME.get(name.lower())
    if found is None:
        raise unknown_type(name)
    return found
