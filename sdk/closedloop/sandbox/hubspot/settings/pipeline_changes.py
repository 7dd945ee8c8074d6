"""Changes to pipelines and stages: what HubSpot takes, what it refuses, and what it keeps of it.

Source: HubSpot documentation, "Pipelines", and what others saw of a live portal in October 2026
(docs/hubspot-behaviour.md and the simulator of scopiousdigital/kalup), which the refusals' words follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from closedloop.sandbox.hubspot.errors import HubSpotError
from closedloop.sandbox.hubspot.records.values import NotOfItsTypeError, as_text, parse_number
from closedloop.sandbox.hubspot.rest.asking import mapping, objects
from closedloop.sandbox.hubspot.settings.kinds import DEALS, ObjectKind
from closedloop.sandbox.hubspot.settings.pipelines import Pipeline, Pipelines, PipelineStage

# Finds the ids of the records that stand in one of the stages.
InUse = Callable[[ObjectKind, Sequence[str]], list[str]]

# HubSpot answers a longer id with a 500 and makes nothing; a 400 here, so that nobody takes it for an outage.
_LONGEST_PIPELINE_ID, _LONGEST_STAGE_ID = 36, 100
_STATES = frozenset({"OPEN", "CLOSED"})


class PipelineEditor:
    """Changes the pipelines of one object type at one time."""

    def __init__(self, pipelines: Pipelines, kind: ObjectKind, at: str, in_use: InUse) -> None:
        self._pipelines = pipelines
        self._kind = kind
        self._at = at
        self._in_use = in_use

    def create(self, body: Mapping[str, Any]) -> Pipeline:
        """Makes a pipeline with its stages."""
        pipeline_id = _an_id(body, "pipelineId", _LONGEST_PIPELINE_ID) or self._pipelines.new_id()
        rows = objects(body, "stages")
        self._refuse_taken(pipeline_id, rows)
        made = Pipeline(
            id=pipeline_id,
            label=self._free_label(_text(body, "label"), None),
            display_order=_order(body, 0),
            stages=self._stages(rows, {}),
            created_at=self._at,
            updated_at=self._at,
        )
        return self._kept("CREATE", made)

    def replace(self, old: Pipeline, body: Mapping[str, Any], *, guarded: bool) -> Pipeline:
        """Puts another pipeline in the place of one: a stage that the new one leaves out is gone."""
        stages = self._stages(objects(body, "stages"), {stage.id: stage for stage in old.stages})
        kept = {stage.id for stage in stages}
        if guarded:
            self._refuse_used([stage.id for stage in old.stages if stage.id not in kept])
        label = self._free_label(_text(body, "label"), old)
        made = replace(old, label=label, display_order=_order(body, 0), stages=stages, updated_at=self._at)
        return self._kept("UPDATE", made)

    def patch(self, old: Pipeline, body: Mapping[str, Any]) -> Pipeline:
        """Changes a pipeline's label or place, which dates all of its stages."""
        label = self._free_label(_text(body, "label"), old) if "label" in body else old.label
        stages = tuple(replace(stage, updated_at=self._at) for stage in old.stages)
        order = _order(body, old.display_order)
        changed = replace(old, label=label, display_order=order, stages=stages, updated_at=self._at)
        return self._kept("UPDATE", changed)

    def remove(self, old: Pipeline, *, guarded: bool) -> None:
        """Takes a pipeline out for good."""
        if guarded:
            self._refuse_used([stage.id for stage in old.stages])
        self._pipelines.remove(self._kind, old.id)
        self._pipelines.record(self._at, "DELETE", self._kind, old)

    def add_stage(self, line: Pipeline, body: Mapping[str, Any]) -> PipelineStage:
        """Makes a stage."""
        stage_id = _an_id(body, "stageId", _LONGEST_STAGE_ID)
        holder = self._pipelines.pipeline_of_stage(self._kind, stage_id) if stage_id else None
        if holder is not None:
            raise HubSpotError(
                f"An existing active stage in another pipeline is already using stage id {stage_id}",
                category=None,
            )
        made = self._stage(body, line.stages, None)
        self._kept_stage("CREATE", line, _placed(line.stages, made), made)
        return made

    def change_stage(
        self, line: Pipeline, old: PipelineStage, body: Mapping[str, Any], *, whole: bool
    ) -> PipelineStage:
        """Changes a stage: what a body leaves out stays, unless it is to be replaced as a whole. Its metadata
        are merged either way."""
        others = tuple(stage for stage in line.stages if stage is not old)
        label = _text(body, "label") if whole or "label" in body else old.label
        _refuse_label(others, label)
        metadata = {**_sent_metadata(old), **mapping(body, "metadata")}
        changed = replace(
            old,
            label=label,
            display_order=_order(body, 0 if whole else old.display_order),
            metadata=stored_metadata(self._kind, metadata),
            updated_at=self._at,
        )
        self._kept_stage("UPDATE", line, _placed(others, changed), changed)
        return changed

    def remove_stage(self, line: Pipeline, stage: PipelineStage, *, guarded: bool) -> None:
        """Takes a stage out for good; the last one stays."""
        rest = tuple(other for other in line.stages if other is not stage)
        if not rest:
            raise HubSpotError("Pipeline must have at least one stage", category=None)
        _refuse_all_open(self._kind, line.id, rest)
        if guarded:
            self._refuse_used([stage.id])
        self._kept_stage("DELETE", line, rest, stage)

    def _kept(self, action: str, line: Pipeline) -> Pipeline:
        _refuse_all_open(self._kind, line.id, line.stages)
        self._pipelines.put(self._kind, line)
        self._pipelines.record(self._at, action, self._kind, line)
        return line

    def _kept_stage(
        self, action: str, line: Pipeline, stages: Sequence[PipelineStage], stage: PipelineStage
    ) -> None:
        _refuse_all_open(self._kind, line.id, stages)
        changed = replace(line, stages=tuple(stages), updated_at=self._at)
        self._pipelines.put(self._kind, changed)
        self._pipelines.record(self._at, action, self._kind, changed, stage.id)
        self._pipelines.record(self._at, "UPDATE", self._kind, changed)

    def _stages(
        self, rows: Sequence[Mapping[str, Any]], known: Mapping[str, PipelineStage]
    ) -> tuple[PipelineStage, ...]:
        if not rows:
            raise HubSpotError("Pipeline must have at least one stage")
        stages: list[PipelineStage] = []
        for row in rows:
            stages.append(self._stage(row, stages, known.get(str(row.get("stageId")))))
        return _renumbered(stages)

    def _stage(
        self, body: Mapping[str, Any], others: Sequence[PipelineStage], old: PipelineStage | None
    ) -> PipelineStage:
        label = _text(body, "label")
        _refuse_label(others, label)
        stage = old or PipelineStage(
            id=_an_id(body, "stageId", _LONGEST_STAGE_ID) or self._pipelines.new_id(),
            label=label,
            created_at=self._at,
        )
        return replace(
            stage,
            label=label,
            display_order=_order(body, 0),
            metadata=stored_metadata(self._kind, mapping(body, "metadata")),
            updated_at=self._at,
        )

    def _refuse_taken(self, pipeline_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if self._pipelines.get(self._kind, pipeline_id):
            raise HubSpotError(f"There's another pipeline in this portal with pipelineId ({pipeline_id}).")
        taken = any(self._pipelines.stage(self._kind, str(row.get("stageId"))) for row in rows)
        if taken or self._pipelines.elsewhere(self._kind, pipeline_id):
            raise HubSpotError(
                "There's another pipeline in this portal with one of the same stages",
                status=409,
                category="OBJECT_ALREADY_EXISTS",
                sub_category="PipelineError.STAGE_ID_EXISTS_IN_ANOTHER_PIPELINE",
            )

    def _free_label(self, label: str, own: Pipeline | None) -> str:
        lines = (line for line in self._pipelines.of(self._kind) if own is None or line.id != own.id)
        if any(line.label.casefold() == label.casefold() for line in lines):
            raise HubSpotError(f"An active pipeline with label {label} already exists.")
        return label

    def _refuse_used(self, stages: Sequence[str]) -> None:
        """Refuses to take out stages that records stand in, naming both (documented)."""
        ids = self._in_use(self._kind, stages) if stages else []
        if ids:
            named, records = f"[{', '.join(stages)}]", f"[{', '.join(ids)}]"
            raise HubSpotError(
                f"Stage IDs: {named} are being referenced by object IDs: {records}",
                sub_category="PipelineError.STAGE_ID_IN_USE",
                context={"stageIds": [named], "objectIds": [records]},
            )


def stored_metadata(kind: ObjectKind, sent: Mapping[str, Any]) -> dict[str, str]:
    """What HubSpot keeps of a stage's metadata: the one field that its object type has, as text, and what
    follows from it. Other keys are dropped."""
    if kind is DEALS:
        probability = _probability(sent.get("probability"))
        return {"isClosed": as_text(probability in {0, 1}), "probability": str(float(probability))}
    field = "ticketState" if kind.type_id == "0-5" else "state"
    if kind.type_id.startswith("0-") and field == "state":
        return {"isClosed": "false"}
    state = "OPEN" if sent.get(field) is None else as_text(sent[field])
    if state not in _STATES:
        raise HubSpotError(
            f"Failed to deserialize metadata for object type {kind.name}",
            sub_category="PipelineError.INVALID_PIPELINE_STAGE_METADATA",
        )
    return {field: state, "isClosed": as_text(state == "CLOSED")}


def _probability(raw: Any) -> Decimal:
    if raw is None:
        raise HubSpotError("must specify probability when writing a dealstage", category=None)
    try:
        probability = parse_number(as_text(raw))
    except NotOfItsTypeError:
        probability = Decimal(-1)
    if not 0 <= probability <= 1:
        words = "dealstage probability is not valid, must be between 0.0 and 1.0 (inclusive)"
        raise HubSpotError(words, category=None)
    return probability


def _sent_metadata(stage: PipelineStage) -> dict[str, str]:
    return {name: value for name, value in stage.metadata.items() if name != "isClosed"}


def _refuse_label(others: Sequence[PipelineStage], label: str) -> None:
    plain = label.strip().casefold()
    if any(other.label.strip().casefold() == plain for other in others):
        raise HubSpotError(
            f"Stage with label {label} already exists", sub_category="PipelineError.STAGE_LABEL_EXISTS"
        )


def _refuse_all_open(kind: ObjectKind, pipeline_id: str, stages: Sequence[PipelineStage]) -> None:
    """A pipeline of tickets keeps at least one closed stage."""
    if kind.type_id == "0-5" and not any(stage.closed for stage in stages):
        raise HubSpotError(
            f"{kind.name} pipeline: {pipeline_id} must have at least one closed stage",
            sub_category="PipelineError.MISSING_CLOSED_STAGE",
        )


def _placed(others: Sequence[PipelineStage], stage: PipelineStage) -> tuple[PipelineStage, ...]:
    """The stages in order. One that is put to a taken place comes right after the one that held it, and then
    all are numbered anew; gaps stay otherwise."""
    ordered = sorted(others, key=lambda other: other.display_order)
    place = next((n for n, other in enumerate(ordered) if other.display_order == stage.display_order), None)
    if place is None:
        return tuple(sorted((*ordered, stage), key=lambda other: other.display_order))
    ordered.insert(place + 1, stage)
    return tuple(replace(other, display_order=n) for n, other in enumerate(ordered))


def _renumbered(stages: Sequence[PipelineStage]) -> tuple[PipelineStage, ...]:
    """The stages of one request in order: ties are broken against the order in which they were sent."""
    ordered = list(stages)
    ordered.reverse()
    ordered.sort(key=lambda stage: stage.display_order)
    if len({stage.display_order for stage in stages}) == len(stages):
        return tuple(ordered)
    return tuple(replace(stage, display_order=n) for n, stage in enumerate(ordered))


def _an_id(body: Mapping[str, Any], name: str, longest: int) -> str | None:
    value = body.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str | int) or isinstance(value, bool) or len(str(value)) > longest:
        raise HubSpotError(f"Invalid {name}: expected a text of at most {longest} characters")
    return str(value)


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise HubSpotError(
            f"Invalid input JSON on line 1, column 1: Some required fields were not set: [{name}]"
        )
    return value


def _order(body: Mapping[str, Any], default: int) -> int:
    order = body.get("displayOrder")
    if order is None:
        return default
    if isinstance(order, bool) or not isinstance(order, int):
        raise HubSpotError("Invalid input JSON on line 1, column 1: displayOrder has to be a whole number")
    if order < 0:
        raise HubSpotError("Pipeline display order cannot be negative", category=None)
    return order
