"""The HubSpot portal on the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from itertools import islice

from closedloop.sandbox.hubspot import HubSpotError, HubSpotSandbox
from closedloop.sandbox.hubspot.records.record import CrmObject
from closedloop.sandbox.hubspot.settings.kinds import CAMPAIGNS, DEALS, LEADS, ObjectKind
from closedloop.sandbox.page.side import (
    Choice,
    FedBack,
    Form,
    Kind,
    Listing,
    RefusedError,
    Related,
    Row,
    Sent,
    Shown,
    Side,
    Value,
)

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "leads": ("hs_pipeline_stage", "hs_lead_disqualification_reason", "hs_lastmodifieddate"),
    "deals": ("dealstage", "amount", "closed_lost_reason", "hs_lastmodifieddate"),
    "campaigns": ("hs_campaign_status", "hs_start_date", "hs_end_date"),
    "contacts": ("email", "lifecyclestage", "hs_lead_status", "lastmodifieddate"),
    "companies": ("industry", "country", "hs_lastmodifieddate"),
}
_NAMES = ("hs_name", "dealname", "hs_lead_name", "name", "hs_full_name_or_email", "hs_task_subject")
_FED_BACK, _NOTES = "closed_loop_", "hs_notes"
_RELATED = ("contacts", "companies", "deals", "leads", "campaigns")
_DECIDED = (
    "closed_loop_outcome",
    "closed_loop_reason",
    "closed_loop_reason_detail",
    "closed_loop_decided_at",
)
"""What Closed Loop says of a person, the time last."""
_MOST_RELATED = 25


class HubSpotSide(Side):
    """The portal's records, and what a rep does with a lead, a deal or a contact."""

    key, name = "hubspot", "HubSpot"
    starts = (("leads", "Disqualify a lead"), ("deals", "Win or lose a deal"))

    def __init__(self, sandbox: HubSpotSandbox) -> None:
        self._sandbox, self._portal = sandbox, sandbox.portal
        self.url, self.received = sandbox.url, sandbox.received
        self._contacts = self._portal.kinds.get("contacts")

    def credentials(self) -> Mapping[str, str]:
        """What a client needs to come in."""
        sandbox = self._sandbox
        return {
            "Portal id": str(sandbox.portal_id),
            "Access token": sandbox.access_token,
            "Client id": sandbox.client_id,
            "Client secret": sandbox.client_secret,
        }

    def kinds(self) -> list[Kind]:
        """The object types, those that matter most first."""
        with self._portal.lock:
            others = sorted(kind.name for kind in self._portal.kinds if kind.name not in _COLUMNS)
            found = [self._portal.kinds.get(name) for name in (*_COLUMNS, *others)]
            return [Kind(name=k.name, label=_plural(k), count=self._count(k)) for k in found]

    def records(self, kind: str, *, start: int, size: int, find: str) -> Listing | None:
        """Records of a type from a place on, the newest first."""
        known = self._kind(kind)
        if known is None:
            return None
        columns = _COLUMNS.get(known.name, (known.created, known.modified))
        with self._portal.lock:
            found = list(islice(self._matching(known, find.casefold()), start, start + size + 1))
            return Listing(
                label=_plural(known),
                columns=tuple(self._label(known, name) for name in columns),
                rows=[self._row(record, columns) for record in found[:size]],
                more=len(found) > size,
            )

    def record(self, kind: str, record_id: str) -> Shown | None:
        """One record with its values, and what can be done with it."""
        known = self._kind(kind)
        if known is None:
            return None
        with self._portal.lock:
            record = self._portal.store.find(known, record_id)
            if record is None:
                return None
            return Shown(
                id=record.id,
                label=_plural(known),
                title=_title(record),
                values=[self._value(record, name) for name in self._told(record)],
                forms=self._forms(record),
                related=self._related(record),
            )

    def act(self, kind: str, record_id: str, form: str, given: Mapping[str, str]) -> None:
        """Changes the record as somebody in HubSpot's pages does."""
        shown = self.record(kind, record_id)
        forms = shown.forms if shown else ()
        allowed = {choice.name for each in forms if each.name == form for choice in each.choices}
        changes = {name: value.strip() for name, value in given.items() if name in allowed}
        try:
            self._portal.update(kind, record_id, changes, by=self._somebody())
        except HubSpotError as problem:
            raise RefusedError(problem.message) from None

    def fed_back(self) -> list[FedBack]:
        """The campaigns that Closed Loop wrote on, in properties of its own or in the notes."""
        with self._portal.lock:
            return [
                FedBack(
                    kind=CAMPAIGNS.name, id=record.id, title=_title(record), at=written, text=_reasons(record)
                )
                for record in self._portal.store.all(CAMPAIGNS)
                if (written := _written(record))
            ]

    @property
    def tells(self) -> bool:
        """Whether the app wants to hear of anything."""
        return self._portal.webhooks.to_wire() is not None

    def sent(self) -> list[Sent]:
        """The latest webhooks, the newest first."""
        return [
            Sent(
                at=f"{delivery.at:%Y-%m-%d %H:%M:%S}",
                target=delivery.url,
                what=f"{delivery.events} events{f', retry {delivery.attempt}' if delivery.attempt else ''}",
                result="no answer in time" if delivery.status is None else f"answered {delivery.status}",
            )
            for delivery in reversed(self._portal.deliveries)
        ]

    def _kind(self, name: str) -> ObjectKind | None:
        return next((kind for kind in self._portal.kinds if kind.name == name), None)

    def _count(self, kind: ObjectKind) -> int:
        return sum(1 for _ in self._portal.store.all(kind))

    def _somebody(self) -> int | None:
        """The user who makes the changes: the portal's first, if it has any."""
        owner = next(iter(self._portal.owners.all()), None)
        return owner.user_id if owner else None

    def _matching(self, kind: ObjectKind, find: str) -> Iterator[CrmObject]:
        for record in reversed(list(self._portal.store.all(kind))):
            if not find or any(find in value.casefold() for value in record.properties.values()):
                yield record

    def _label(self, kind: ObjectKind, name: str) -> str:
        return self._portal.catalogue.get(kind, name).label

    def _text(self, record: CrmObject, name: str) -> str:
        """A value as people see it: the label of an option or stage instead of its value."""
        value = record.properties.get(name, "")
        if value and name == record.kind.stage:
            stage = self._portal.pipelines.stage(record.kind, value)
            return stage.label if stage else value
        definition = self._portal.catalogue.get(record.kind, name)
        if definition.type == "datetime":
            return f"{value[:10]} {value[11:16]} UTC" if value else ""
        labels = {option.value: option.label for option in definition.options}
        several = definition.field_type == "checkbox"
        return ", ".join(labels.get(each, each) for each in (value.split(";") if several else [value]))

    def _row(self, record: CrmObject, columns: tuple[str, ...]) -> Row:
        return Row(
            id=record.id, title=_title(record), cells=tuple(self._text(record, name) for name in columns)
        )

    def _told(self, record: CrmObject) -> list[str]:
        """The values to show: what Closed Loop writes first, and always."""
        fed_back = self._fed_back_to(record.kind)
        return fed_back + [name for name in record.properties if name not in fed_back]

    def _fed_back_to(self, kind: ObjectKind) -> list[str]:
        return [each.name for each in self._portal.catalogue.all(kind) if each.name.startswith(_FED_BACK)]

    def _value(self, record: CrmObject, name: str) -> Value:
        return Value(
            name=name,
            label=self._label(record.kind, name),
            text=self._text(record, name),
            # Where a portal has no properties of ours for campaigns, it stands in their notes.
            fed_back=name.startswith(_FED_BACK) or _block_start() in record.properties.get(name, ""),
        )

    def _related(self, record: CrmObject) -> list[Related]:
        found = [self._table(self._portal.kinds.get(n), self._linked(record, n)) for n in _RELATED]
        return [each for each in found if each.count]

    def _linked(self, record: CrmObject, name: str) -> list[CrmObject]:
        """The records of a type that belong to one, the latest first."""
        kind, store = self._portal.kinds.get(name), self._portal.store
        touched: Iterable[CrmObject | None] = ()
        if record.kind is CAMPAIGNS and name == "contacts":
            touched = (store.find(kind, contact) for contact in self._portal.touches.contacts(record.guid))
        elif name == CAMPAIGNS.name:
            touched = map(store.campaign, self._campaigns(record))
        linked = (store.find(kind, link.id) for link in self._portal.associations.of(record.end, kind))
        return list({each.id: each for each in (*linked, *touched) if each}.values())[::-1]

    def _campaigns(self, record: CrmObject) -> Iterator[str]:
        """The GUIDs of the campaigns that the person met, or the people of a lead or deal."""
        people = [record.id]
        if record.kind in {LEADS, DEALS}:
            people = [link.id for link in self._portal.associations.of(record.end, self._contacts)]
        elif record.kind is not self._contacts:
            people = []
        for person in people:
            yield from (touch.campaign for touch in self._portal.touches.of(person))

    def _table(self, kind: ObjectKind, records: list[CrmObject]) -> Related:
        columns = _COLUMNS[kind.name]
        if kind is self._contacts and (ours := [n for n in _DECIDED if n in self._fed_back_to(kind)]):
            columns = tuple(ours)
            records = sorted(records, key=lambda each: each.properties.get(_DECIDED[-1], ""), reverse=True)
        return Related(
            label=_plural(kind),
            kind=kind.name,
            columns=tuple(self._label(kind, column) for column in columns),
            rows=tuple(self._row(each, columns) for each in records[:_MOST_RELATED]),
            count=len(records),
        )

    def _forms(self, record: CrmObject) -> list[Form]:
        if record.kind is LEADS:
            reason = self._choice(record, "hs_lead_disqualification_reason")
            note = Choice(
                name="hs_lead_disqualification_note",
                label="In the rep's own words",
                value=record.properties.get("hs_lead_disqualification_note", ""),
            )
            return [_decide("Decide about this lead", self._stages(record), reason, note)]
        if record.kind is DEALS:
            lost, won = (self._choice(record, f"closed_{how}_reason") for how in ("lost", "won"))
            return [_decide("Decide about this deal", self._stages(record), lost, won)]
        if record.kind.name == "contacts":
            return [_decide("Decide about this contact", self._choice(record, "hs_lead_status"))]
        return []

    def _stages(self, record: CrmObject) -> Choice:
        """The stages of the record's own pipeline."""
        name = record.kind.stage or ""
        lines = self._portal.pipelines.of(record.kind)
        mine = record.properties.get(record.kind.pipeline or "", "")
        stages = [stage for line in lines if line.id == mine for stage in line.stages]
        return Choice(
            name=name,
            label="Stage",
            value=record.properties.get(name, ""),
            options=tuple((stage.id, stage.label) for stage in stages),
        )

    def _choice(self, record: CrmObject, name: str) -> Choice:
        definition = self._portal.catalogue.get(record.kind, name)
        value = record.properties.get(name, "")
        options = tuple((option.value, option.label) for option in definition.options)
        if definition.field_type == "checkbox":
            # Several at once, which a list cannot hold: as the API has them, `one;other`.
            given = tuple(option.value for option in definition.options)
            return Choice(name=name, label=definition.label, value=value, suggestions=given)
        return Choice(
            name=name,
            label=definition.label,
            value=value,
            options=(("", "none"), *options) if options else (),
        )


def _decide(title: str, *choices: Choice) -> Form:
    return Form(name="decide", title=title, help="As a rep does in HubSpot.", button="Save", choices=choices)


def _plural(kind: ObjectKind) -> str:
    return kind.name.replace("_", " ").capitalize()


def _written(record: CrmObject) -> datetime | None:
    """When Closed Loop wrote on a campaign last, None where it never did."""
    ours = (name.startswith(_FED_BACK) or _block_start() in text for name, text in record.properties.items())
    return record.updated_at if any(ours) else None


def _reasons(record: CrmObject) -> str:
    """The reasons that stand on a campaign."""
    given = record.properties.get("closed_loop_top_reasons")
    if given is not None:
        return given
    _, _, block = record.properties.get(_NOTES, "").partition(_block_start())
    _, _, reasons = block.partition("Reasons:")
    return "\n".join(line[2:] for line in reasons.splitlines() if line.startswith("- "))


def _title(record: CrmObject) -> str:
    return next((record.properties[name] for name in _NAMES if record.properties.get(name)), record.id)


@cache
def _block_start() -> str:
    """How the block begins that Closed Loop writes into a campaign's notes."""
    # The sandbox starts without the library that writes it.
    from closedloop.crm.hubspot.notes import START  # noqa: PLC0415

    return START
