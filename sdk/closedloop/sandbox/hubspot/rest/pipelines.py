"""The pipelines API: pipelines, their stages, and who changed them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from closedloop.sandbox.hubspot.access.tokens import USER_ID
from closedloop.sandbox.hubspot.errors import HubSpotError, not_found
from closedloop.sandbox.hubspot.records.record import stamp
from closedloop.sandbox.hubspot.rest.asking import Answer, Call, Routes, is_true
from closedloop.sandbox.hubspot.settings.kinds import ObjectKind
from closedloop.sandbox.hubspot.settings.pipeline_changes import PipelineEditor
from closedloop.sandbox.hubspot.settings.pipelines import Change, Pipeline, PipelineStage

# A missing pipeline or stage is a 404 without a body where one is read or changed.
_NOTHING = (404, None)


def list_pipelines(call: Call) -> Answer:
    """GET: every pipeline of an object type with its stages."""
    return 200, {"results": [line.to_wire() for line in call.portal.pipelines.of(call.kind)]}


def create_pipeline(call: Call) -> Answer:
    """POST: makes a pipeline with its stages."""
    return 201, _with_times(call, _editor(call).create(call.body).to_wire())


def get_pipeline(call: Call) -> Answer:
    """GET: one pipeline."""
    line = _pipeline(call)
    return _NOTHING if line is None else (200, line.to_wire())


def replace_pipeline(call: Call) -> Answer:
    """PUT: puts another pipeline in the place of one; the stages that it leaves out are gone."""
    line = _pipeline(call)
    if line is None:
        return _NOTHING
    made = _editor(call).replace(line, call.body, guarded=_guarded(call))
    return 200, _with_times(call, made.to_wire())


def update_pipeline(call: Call) -> Answer:
    """PATCH: changes a pipeline's label or place."""
    line = _pipeline(call)
    return _NOTHING if line is None else (200, _editor(call).patch(line, call.body).to_wire())


def delete_pipeline(call: Call) -> Answer:
    """DELETE: takes a pipeline out for good."""
    line = _pipeline(call)
    if line is None:
        name = call.path["pipeline"]
        raise HubSpotError(f"No pipeline found with id {name}", status=404, category="OBJECT_NOT_FOUND")
    _editor(call).remove(line, guarded=_guarded(call))
    return 204, None


def audit_pipeline(call: Call) -> Answer:
    """GET: what was changed about a pipeline, newest first."""
    if _pipeline(call) is None:
        raise not_found()
    changes = call.portal.pipelines.changes(call.kind, call.path["pipeline"])
    return 200, {"results": [_change(call, change, "Pipeline") for change in changes]}


def list_stages(call: Call) -> Answer:
    """GET: the stages of one pipeline."""
    line = _pipeline(call)
    if line is None:
        raise HubSpotError(f"No pipeline found with id {call.path['pipeline']}", status=404, category=None)
    return 200, {"results": [stage.to_wire() for stage in line.stages]}


def create_stage(call: Call) -> Answer:
    """POST: makes a stage."""
    line = _pipeline(call)
    if line is None:
        return _NOTHING
    return 201, _with_times(call, _editor(call).add_stage(line, call.body).to_wire())


def get_stage(call: Call) -> Answer:
    """GET: one stage."""
    found = _stage(call)
    return _NOTHING if found is None else (200, found[1].to_wire())


def update_stage(call: Call) -> Answer:
    """PATCH: changes the fields of a stage that are named."""
    return _changed_stage(call, whole=False)


def replace_stage(call: Call) -> Answer:
    """PUT: changes a stage as a whole, but for its metadata, which are merged."""
    return _changed_stage(call, whole=True)


def delete_stage(call: Call) -> Answer:
    """DELETE: takes a stage out for good; 204 too where there is none."""
    found = _stage(call)
    if found is not None:
        _editor(call).remove_stage(*found, guarded=_guarded(call))
    return 204, None


def audit_stage(call: Call) -> Answer:
    """GET: what was changed about a stage, newest first."""
    if _stage(call) is None:
        raise not_found()
    changes = call.portal.pipelines.changes(call.kind, call.path["pipeline"], call.path["stage"])
    return 200, {"results": [_change(call, change, "Stage") for change in changes]}


def _changed_stage(call: Call, *, whole: bool) -> Answer:
    found = _stage(call)
    if found is None:
        return _NOTHING
    changed = _editor(call).change_stage(*found, call.body, whole=whole)
    for record in call.portal.store.all(call.kind):
        # Whether a deal is closed, and how likely it is, follows from its stage.
        if record.properties.get(call.kind.stage or "") == changed.id:
            call.portal.writer.follow(record, call.at)
    return 200, changed.to_wire()


def _editor(call: Call) -> PipelineEditor:
    def in_use(kind: ObjectKind, stages: Sequence[str]) -> list[str]:
        # Changes of pipelines are rare: an index of every record's stage would cost more than this.
        records = call.portal.store.all(kind)
        return [record.id for record in records if record.properties.get(kind.stage or "") in stages]

    return PipelineEditor(call.portal.pipelines, call.kind, stamp(call.at), in_use)


def _pipeline(call: Call) -> Pipeline | None:
    return call.portal.pipelines.get(call.kind, call.path["pipeline"])


def _stage(call: Call) -> tuple[Pipeline, PipelineStage] | None:
    line = _pipeline(call)
    stage = line.stage(call.path["stage"]) if line else None
    return None if line is None or stage is None else (line, stage)


def _guarded(call: Call) -> bool:
    """Whether stages that records stand in must stay: always in 2026-09; before, where a flag says so."""
    flags = ("validateReferencesBeforeDelete", "validateDealStageUsagesBeforeDelete")
    return "/2026-09/" in call.request.path or any(is_true(call.request, flag) for flag in flags)


def _with_times(call: Call, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, once the new stages have their times among the properties."""
    call.portal.catalogue.add_stage_times(call.kind)
    return answer


def _change(call: Call, change: Change, what: str) -> dict[str, Any]:
    """One change, with the pipeline as it was then as JSON within JSON (documented)."""
    raw = {
        "portalId": call.portal.id,
        "objectType": call.kind.singular.upper(),
        "objectTypeId": call.kind.type_id,
        "pipelineId": change.line.id,
        "label": change.line.label,
        "displayOrder": change.line.display_order,
        "active": change.action != "DELETE",
        "stages": [_raw_stage(change.line, stage) for stage in change.line.stages],
    }
    return {
        "portalId": call.portal.id,
        "identifier": f"{call.portal.id}:{change.stage or change.line.id}",
        "action": change.action,
        "timestamp": change.at,
        "message": f"{what} {change.action.lower()}",
        "rawObject": json.dumps(raw, separators=(",", ":")),
        # Changes by an app are shown under the user who installed it (not confirmed).
        "fromUserId": USER_ID,
    }


def _raw_stage(line: Pipeline, stage: PipelineStage) -> dict[str, Any]:
    return {
        "stageId": stage.id,
        "pipelineId": line.id,
        "label": stage.label,
        "displayOrder": stage.display_order,
        "metadata": dict(stage.metadata),
        "active": True,
    }


ROUTES: Routes = (
    ("GET", "pipelines", "/<type>", list_pipelines),
    ("POST", "pipelines", "/<type>", create_pipeline),
    ("GET", "pipelines", "/<type>/<pipeline>", get_pipeline),
    ("PUT", "pipelines", "/<type>/<pipeline>", replace_pipeline),
    ("PATCH", "pipelines", "/<type>/<pipeline>", update_pipeline),
    ("DELETE", "pipelines", "/<type>/<pipeline>", delete_pipeline),
    ("GET", "pipelines", "/<type>/<pipeline>/audit", audit_pipeline),
    ("GET", "pipelines", "/<type>/<pipeline>/stages", list_stages),
    ("POST", "pipelines", "/<type>/<pipeline>/stages", create_stage),
    ("GET", "pipelines", "/<type>/<pipeline>/stages/<stage>", get_stage),
    ("PUT", "pipelines", "/<type>/<pipeline>/stages/<stage>", replace_stage),
    ("PATCH", "pipelines", "/<type>/<pipeline>/stages/<stage>", update_stage),
    ("DELETE", "pipelines", "/<type>/<pipeline>/stages/<stage>", delete_stage),
    ("GET", "pipelines", "/<type>/<pipeline>/stages/<stage>/audit", audit_stage),
)
