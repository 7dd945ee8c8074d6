"""Pipelines and their stages, and the properties that record when a record entered and left each stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from closedloop.sandbox.hubspot.definitions import PropertyDefinition, moment, number
from closedloop.sandbox.hubspot.errors import not_found
from closedloop.sandbox.hubspot.kinds import DEALS, LEADS, ObjectKind

# The dates of everything that came with the portal (recorded).
_BUILT_IN_AT = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineStage:
    """One stage. `category` is what kind of lead stage it is; `suffix` ends the names of the properties
    that hold its times, where HubSpot adds one."""

    id: str
    label: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    category: str = ""
    suffix: str = ""

    @property
    def closed(self) -> bool:
        """Whether a deal ends here: the metadata is text, "true" or "false"."""
        return self.metadata.get("isClosed") == "true"

    @property
    def won(self) -> bool:
        """Whether a deal is won here: closed, with a probability of one."""
        return self.closed and float(self.metadata["probability"]) == 1

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One pipeline of an object type, its stages in order."""

    id: str
    label: str
    stages: tuple[PipelineStage, ...]


def _deal(stage: str, label: str, probability: str, *, closed: bool = False) -> PipelineStage:
    metadata = {"isClosed": "true" if closed else "false", "probability": probability}
    return PipelineStage(id=stage, label=label, metadata=metadata)


def _lead(stage: str, label: str, category: str, suffix: str) -> PipelineStage:
    return PipelineStage(id=stage, label=label, category=category, suffix=f"_{suffix}")


# Probabilities are strings, and not all written alike.
_SALES = Pipeline(
    id="default",
    label="Sales Pipeline",
    stages=(
        _deal("appointmentscheduled", "Appointment Scheduled", "0.2"),
        _deal("qualifiedtobuy", "Qualified To Buy", "0.4"),
        _deal("presentationscheduled", "Presentation Scheduled", "0.6"),
        _deal("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
        _deal("contractsent", "Contract Sent", "0.9"),
        _deal("closedwon", "Closed Won", "1.0", closed=True),
        _deal("closedlost", "Closed Lost", "0.0", closed=True),
    ),
)
_PARTNERS = Pipeline(
    id="755338291",
    label="Partner Pipeline",
    stages=(
        _deal("1098400001", "Registered", "0.1"),
        _deal("1098400002", "In Negotiation", "0.5"),
        _deal("1098400003", "Signed", "1", closed=True),
        _deal("1098400004", "Withdrawn", "0", closed=True),
    ),
)
# QUALIFIED is a recorded category; the other three words are unverified.
_LEADS = Pipeline(
    id="lead-pipeline-id",
    label="Lead pipeline",
    stages=(
        _lead("new-stage-id", "New", "NEW", "1318266061"),
        _lead("attempting-stage-id", "Attempting", "IN_PROGRESS", "745667965"),
        _lead("connected-stage-id", "Connected", "IN_PROGRESS", "2058487257"),
        _lead("qualified-stage-id", "Qualified", "QUALIFIED", "233247981"),
        _lead("unqualified-stage-id", "Disqualified", "UNQUALIFIED", "1675714327"),
    ),
)
PIPELINES: Mapping[ObjectKind, tuple[Pipeline, ...]] = {DEALS: (_SALES, _PARTNERS), LEADS: (_LEADS,)}


def pipelines_of(kind: ObjectKind) -> tuple[Pipeline, ...]:
    """The pipelines of an object type; 404 when it has none."""
    if kind not in PIPELINES:
        raise not_found()
    return PIPELINES[kind]


def find_stage(kind: ObjectKind, stage: str, pipeline: str | None = None) -> PipelineStage | None:
    """The stage with this id, in one pipeline or in any."""
    lines = (line for line in PIPELINES.get(kind, ()) if pipeline in {None, line.id})
    return next((found for line in lines for found in line.stages if found.id == stage), None)


def stage_options(kind: ObjectKind, name: str) -> tuple[str, ...] | None:
    """The values that a pipeline or stage property takes; None for any other property."""
    lines = PIPELINES.get(kind, ())
    if name == kind.pipeline:
        return tuple(line.id for line in lines)
    return tuple(stage.id for line in lines for stage in line.stages) if name == kind.stage else None


def pipeline_of_stage(kind: ObjectKind, stage: str) -> str | None:
    """The pipeline that a stage belongs to: stage ids are unique among an object type's pipelines."""
    lines = PIPELINES.get(kind, ())
    return next((line.id for line in lines if any(found.id == stage for found in line.stages)), None)


def stage_properties(kind: ObjectKind) -> tuple[PropertyDefinition, ...]:
    """The definitions of all the stage times of an object type."""
    return tuple(p for line in PIPELINES.get(kind, ()) for stage in line.stages for p in stage.properties())


def pipeline_to_wire(pipeline: Pipeline, order: int) -> dict[str, Any]:
    """The pipeline as the pipelines API shows it (recorded)."""
    return {
        "label": pipeline.label,
        "displayOrder": order,
        "id": pipeline.id,
        "stages": [stage_to_wire(stage, place) for place, stage in enumerate(pipeline.stages)],
        "createdAt": _BUILT_IN_AT,
        "updatedAt": _BUILT_IN_AT,
        "archived": False,
    }


def stage_to_wire(stage: PipelineStage, order: int) -> dict[str, Any]:
    """The stage as the pipelines API shows it (recorded)."""
    return {
        "label": stage.label,
        "displayOrder": order,
        "metadata": dict(stage.metadata),
        "id": stage.id,
        "createdAt": _BUILT_IN_AT,
        "updatedAt": _BUILT_IN_AT,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        "archived": False,
    }
