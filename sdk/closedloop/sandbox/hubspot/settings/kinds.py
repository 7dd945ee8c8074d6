"""The object types of the portal: their names and ids, and which properties they answer with by default."""

from __future__ import annotations

from collections.abc import Iterator
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
    required: tuple[str, ...] = ()
    custom: bool = False

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

COMMUNICATIONS = _activity("communications", "0-18", "hs_communication_body")

POSTAL_MAIL = _activity("postal_mail", "0-116", "hs_postal_mail_body")

ACTIVITIES = (CALLS, EMAILS, MEETINGS, TASKS, NOTES, COMMUNICATIONS, POSTAL_MAIL)


def _other(
    name: str,
    type_id: str,
    *defaults: str,
    created: str = "createdate",
    required: tuple[str, ...] = (),
    singular: str | None = None,
) -> ObjectKind:
    """A further type of HubSpot's own (type ids: HubSpot documentation, "Object type IDs")."""
    shown = tuple(sorted((*defaults, created, "hs_lastmodifieddate", "hs_object_id")))
    return ObjectKind(
        name=name,
        singular=singular or name.removesuffix("s"),
        type_id=type_id,
        created=created,
        modified="hs_lastmodifieddate",
        defaults=shown,
        search_defaults=shown,
        searched=defaults,
        required=required,
    )


_TICKET_DEFAULTS = (
    *("content", "createdate", "hs_lastmodifieddate", "hs_object_id", "hs_pipeline", "hs_pipeline_stage"),
    *("hs_ticket_category", "hs_ticket_priority", "subject"),
)
TICKETS = ObjectKind(
    name="tickets",
    singular="ticket",
    type_id="0-5",
    created="createdate",
    modified="hs_lastmodifieddate",
    defaults=_TICKET_DEFAULTS,
    search_defaults=_TICKET_DEFAULTS,
    searched=("subject", "content", "hs_ticket_category"),
    pipeline="hs_pipeline",
    stage="hs_pipeline_stage",
)
PRODUCTS = _other("products", "0-7", "description", "name", "price")
LINE_ITEMS = _other("line_items", "0-8", "amount", "name", "price", "quantity")
QUOTES = _other("quotes", "0-14", "hs_expiration_date", "hs_title", created="hs_createdate")
MARKETING_EVENTS = _other("marketing_events", "0-54", "hs_event_name", created="hs_createdate")
GOALS = _other("goal_targets", "0-74", "hs_goal_name")
DEAL_SPLITS = _other("deal_splits", "0-72", created="hs_createdate")
FEEDBACK = _other("feedback_submissions", "0-19", created="hs_createdate")
TAXES = _other("taxes", "0-86", created="hs_createdate", singular="tax")
DISCOUNTS = _other("discounts", "0-84", created="hs_createdate")
FEES = _other("fees", "0-85", created="hs_createdate")
INVOICES = _other("invoices", "0-53", created="hs_createdate")
ORDERS = _other("orders", "0-123", "hs_order_name", created="hs_createdate")
CARTS = _other("carts", "0-142", created="hs_createdate")
KINDS = (
    *(CONTACTS, COMPANIES, DEALS, LEADS, CAMPAIGNS, *ACTIVITIES),
    *(TICKETS, PRODUCTS, LINE_ITEMS, QUOTES, MARKETING_EVENTS),
    *(GOALS, DEAL_SPLITS, FEEDBACK, TAXES, DISCOUNTS, FEES, INVOICES, ORDERS, CARTS),
)

_BY_NAME = {name: kind for kind in KINDS for name in (kind.name, kind.singular, kind.type_id)}


class Kinds:
    """The object types of one portal: HubSpot's own, and those that the portal's schemas define."""

    def __init__(self) -> None:
        self._by_name = dict(_BY_NAME)

    def get(self, name: str) -> ObjectKind:
        """The type behind a plural, singular, type id or qualified name, in any case; 400 for others."""
        found = self.find(name)
        if found is None:
            raise unknown_type(name)
        return found

    def find(self, name: str) -> ObjectKind | None:
        """The type behind a name, if there is one."""
        return self._by_name.get(name.lower())

    def __iter__(self) -> Iterator[ObjectKind]:
        """Every type once."""
        return iter(dict.fromkeys(self._by_name.values()))

    def add(self, kind: ObjectKind, *names: str) -> None:
        """Makes a type known under its type id and these names."""
        self._by_name |= {name.lower(): kind for name in (kind.type_id, *names)}

    def remove(self, kind: ObjectKind) -> None:
        """Makes a type unknown."""
        self._by_name = {name: known for name, known in self._by_name.items() if known is not kind}
