"""Pipelines and their stages, and the properties that record when a record entered and left each stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from closedloop.sandbox.hubspot.settings.definitions import PropertyDefinition, moment, number
from closedloop.sandbox.hubspot.settings.kinds import COMPANIES, CONTACTS, DEALS, LEADS, TICKETS, ObjectKind

# The dates of everything that came with the portal (recorded).
_BUILT_IN_AT = "1970-01-01T00:00:00Z"
_FIRST_ID = 801_000_001


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineStage:
    """One stage. `category` is what kind of lead stage it is; `suffix` ends the names of the properties
    that hold its times, where HubSpot adds one."""

    id: str
    label: str
    display_order: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    category: str = ""
    suffix: str = ""
    created_at: str = _BUILT_IN_AT
    updated_at: str = _BUILT_IN_AT

    @property
    def closed(self) -> bool:
        """Whether a deal ends here: the metadata is text, "true" or "false"."""
        return self.metadata.get("isClosed") == "true"

    @property
    def won(self) -> bool:
        """Whether a deal is won here: closed, with a probability of one."""
        return self.closed and float(self.metadata.get("probability", 0)) == 1

    def time_property(self, event: str) -> str:
        """The name of the property that holds when the stage was `entered` or `exited`."""
        return f"hs_v2_date_{event}_{self.id.replace('-', '_')}{self.suffix}"

    def properties(self) -> Iterator[PropertyDefinition]:
        """The definitions of the properties that HubSpot makes for the stage."""
        for event in ("entered", "exited"):
            label = f"Date {event} {self.label}"
            yield moment(self.time_property(event), label, read_only=True, calculated=True)
        for span in ("cumulative", "latest"):
            name = self.time_property("entered").replace("date_entered", f"{span}_time_in")
            yield number(name, f"{span} time in {self.label}", read_only=True, calculated=True)

    def to_wire(self) -> dict[str, Any]:
        """The stage as the pipelines API shows it (recorded)."""
        return {
            "label": self.label,
            "displayOrder": self.display_order,
            "metadata": dict(self.metadata),
            "id": self.id,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            "archived": False,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One pipeline of an object type, its stages in order."""

    id: str
    label: str
    stages: tuple[PipelineStage, ...]
    display_order: int = 0
    created_at: str = _BUILT_IN_AT
    updated_at: str = _BUILT_IN_AT

    def stage(self, stage_id: str) -> PipelineStage | None:
        """The stage with this id."""
        return next((stage for stage in self.stages if stage.id == stage_id), None)

    def to_wire(self) -> dict[str, Any]:
        """The pipeline as the pipelines API shows it (recorded)."""
        return {
            "label": self.label,
            "displayOrder": self.display_order,
            "id": self.id,
            "stages": [stage.to_wire() for stage in self.stages],
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "archived": False,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change to a pipeline or to one of its stages, and the pipeline as it was then."""

    at: str
    action: str
    kind: ObjectKind
    line: Pipeline
    stage: str | None = None


def _pipeline(pipeline_id: str, label: str, *stages: PipelineStage, order: int = 0) -> Pipeline:
    placed = tuple(replace(stage, display_order=place) for place, stage in enumerate(stages))
    return Pipeline(id=pipeline_id, label=label, stages=placed, display_order=order)


def _deal(stage: str, label: str, probability: str, *, closed: bool = False) -> PipelineStage:
    metadata = {"isClosed": "true" if closed else "false", "probability": probability}
    return PipelineStage(id=stage, label=label, metadata=metadata)


def _lead(stage: str, label: str, category: str, suffix: str) -> PipelineStage:
    return PipelineStage(id=stage, label=label, category=category, suffix=f"_{suffix}")


# Probabilities are strings, and not all written alike.
_SALES = _pipeline(
    "default",
    "Sales Pipeline",
    _deal("appointmentscheduled", "Appointment Scheduled", "0.2"),
    _deal("qualifiedtobuy", "Qualified To Buy", "0.4"),
    _deal("presentationscheduled", "Presentation Scheduled", "0.6"),
    _deal("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    _deal("contractsent", "Contract Sent", "0.9"),
    _deal("closedwon", "Closed Won", "1.0", closed=True),
    _deal("closedlost", "Closed Lost", "0.0", closed=True),
)
_PARTNERS = _pipeline(
    "755338291",
    "Partner Pipeline",
    _deal("1098400001", "Registered", "0.1"),
    _deal("1098400002", "In Negotiation", "0.5"),
    _deal("1098400003", "Signed", "1", closed=True),
    _deal("1098400004", "Withdrawn", "0", closed=True),
    order=1,
)
# QUALIFIED is a recorded category; the other three words are unverified.
_LEADS = _pipeline(
    "lead-pipeline-id",
    "Lead pipeline",
    _lead("new-stage-id", "New", "NEW", "1318266061"),
    _lead("attempting-stage-id", "Attempting", "IN_PROGRESS", "745667965"),
    _lead("connected-stage-id", "Connected", "IN_PROGRESS", "2058487257"),
    _lead("qualified-stage-id", "Qualified", "QUALIFIED", "233247981"),
    _lead("unqualified-stage-id", "Disqualified", "UNQUALIFIED", "1675714327"),
)
# Ids and labels: HubSpot documentation, "Tickets"; "isClosed": the behaviour notes named below.
_SUPPORT = _pipeline(
    "0",
    "Support Pipeline",
    *(
        PipelineStage(
            id=stage,
            label=label,
            metadata={"ticketState": state, "isClosed": "true" if state == "CLOSED" else "false"},
        )
        for stage, label, state in (
            ("1", "New", "OPEN"),
            ("2", "Waiting on contact", "OPEN"),
            ("3", "Waiting on us", "OPEN"),
            ("4", "Closed", "CLOSED"),
        )
    ),
)
# Contacts and companies have a pipeline of lifecycle stages, eight of them (docs/hubspot-behaviour.md of
# scopiousdigital/kalup); only the last is closed (`metadata-contacts-external-pipelines.json` of
# amp-labs/connectors).
_LIFECYCLE = (
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
)


def _lifecycle_stage(stage: str, label: str) -> PipelineStage:
    state = "CLOSED" if stage == _LIFECYCLE[-1][0] else "OPEN"
    metadata = {"isClosed": "true" if state == "CLOSED" else "false", "state": state}
    return PipelineStage(id=stage, label=label, metadata=metadata)


def _lifecycle(kind: ObjectKind) -> Pipeline:
    stages = (_lifecycle_stage(stage, label) for stage, label in _LIFECYCLE)
    return _pipeline(f"{kind.name}-lifecycle-pipeline", "Lifecycle Stage Pipeline", *stages)


_BUILT_IN: Mapping[ObjectKind, tuple[Pipeline, ...]] = {
    CONTACTS: (_lifecycle(CONTACTS),),
    COMPANIES: (_lifecycle(COMPANIES),),
    DEALS: (_SALES, _PARTNERS),
    LEADS: (_LEADS,),
    TICKETS: (_SUPPORT,),
}


class Pipelines:
    """The pipelines of one portal, by object type. Stage ids are unique among those of an object type."""

    def __init__(self) -> None:
        self._lines: dict[ObjectKind, list[Pipeline]] = {
            kind: list(lines) for kind, lines in _BUILT_IN.items()
        }
        self._stages: dict[ObjectKind, dict[str, tuple[PipelineStage, str]]] = {}
        self._audit: list[Change] = []
        self._ids = count(_FIRST_ID)
        for kind in self._lines:
            self._reindex(kind)

    def of(self, kind: ObjectKind) -> Sequence[Pipeline]:
        """The pipelines of an object type; none where it has none."""
        return tuple(self._lines.get(kind, ()))

    def get(self, kind: ObjectKind, pipeline_id: str) -> Pipeline | None:
        """The pipeline with this id."""
        return next((line for line in self._lines.get(kind, ()) if line.id == pipeline_id), None)

    def stage(self, kind: ObjectKind, stage_id: str) -> PipelineStage | None:
        """The stage with this id, in whichever pipeline."""
        found = self._stages.get(kind, {}).get(stage_id)
        return None if found is None else found[0]

    def pipeline_of_stage(self, kind: ObjectKind, stage_id: str) -> str | None:
        """The id of the pipeline that a stage belongs to."""
        found = self._stages.get(kind, {}).get(stage_id)
        return None if found is None else found[1]

    def options(self, kind: ObjectKind, name: str) -> tuple[str, ...] | None:
        """The values that a pipeline or stage property takes; None for any other property."""
        if name == kind.pipeline:
            return tuple(line.id for line in self._lines.get(kind, ()))
        return tuple(self._stages.get(kind, {})) if name == kind.stage else None

    def stage_properties(self, kind: ObjectKind) -> Iterable[PropertyDefinition]:
        """The definitions of all the stage times of an object type."""
        lines = self._lines.get(kind, ()) if kind.stage else ()
        return (p for line in lines for stage in line.stages for p in stage.properties())

    def elsewhere(self, kind: ObjectKind, pipeline_id: str) -> bool:
        """Whether another object type has a pipeline of this id."""
        others = (lines for other, lines in self._lines.items() if other is not kind)
        return any(line.id == pipeline_id for lines in others for line in lines)

    def new_id(self) -> str:
        """An id for a pipeline or stage that was made without one."""
        return str(next(self._ids))

    def record(
        self, at: str, action: str, kind: ObjectKind, line: Pipeline, stage: str | None = None
    ) -> None:
        """Notes a change to a pipeline or, if `stage` is named, to one of its stages."""
        self._audit.append(Change(at=at, action=action, kind=kind, line=line, stage=stage))

    def changes(self, kind: ObjectKind, pipeline_id: str, stage: str | None = None) -> list[Change]:
        """What was changed about a pipeline or a stage, newest first."""
        mine = (c for c in self._audit if c.kind is kind and c.line.id == pipeline_id and c.stage == stage)
        return list(mine)[::-1]

    def put(self, kind: ObjectKind, line: Pipeline) -> None:
        """Adds a pipeline, or takes the place of the one with the same id."""
        lines = self._lines.setdefault(kind, [])
        place = next((n for n, old in enumerate(lines) if old.id == line.id), None)
        if place is None:
            lines.append(line)
        else:
            lines[place] = line
        self._reindex(kind)

    def remove(self, kind: ObjectKind, pipeline_id: str) -> None:
        """Takes a pipeline out for good."""
        self._lines[kind] = [line for line in self._lines[kind] if line.id != pipeline_id]
        self._reindex(kind)

    def _reindex(self, kind: ObjectKind) -> None:
        lines = self._lines[kind]
        self._stages[kind] = {stage.id: (stage, line.id) for line in lines for stage in line.stages}
