"""Pipelines and stages: made, changed, taken out, and who did it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from hubspot.crm.pipelines import PipelineInput, PipelineStageInput, PipelineStagePatchInput

from closedloop.sandbox.hubspot import HubSpotSandbox, Portal

Call = Callable[..., requests.Response]
DEALS = "/crm/v3/pipelines/deals"
NEW: dict[str, Any] = {
    "label": "Renewals",
    "displayOrder": 2,
    "pipelineId": "renewals",
    "stages": [
        {"label": "Due", "displayOrder": 0, "stageId": "due", "metadata": {"probability": 0.5}},
        {"label": "Renewed", "displayOrder": 1, "metadata": {"probability": "1"}},
        {"label": "Lapsed", "displayOrder": 2, "metadata": {"probability": "0.00", "colour": "red"}},
    ],
}


@pytest.fixture
def renewals(call: Call) -> dict[str, Any]:
    """A pipeline of the portal's own, as it is read."""
    assert call("POST", DEALS, json=NEW).status_code == 201
    body: dict[str, Any] = call("GET", f"{DEALS}/renewals").json()
    return body


def test_the_client_makes_a_pipeline_and_deals_go_through_it(hub: Any, call: Call, portal: Portal) -> None:
    stages = [
        PipelineStageInput(label="Begun", display_order=0, metadata={"probability": "0.1"}),
        PipelineStageInput(label="Won", display_order=1, metadata={"probability": "1.0"}),
    ]
    made = hub.crm.pipelines.pipelines_api.create(
        "deals", PipelineInput(label="Services", display_order=3, stages=stages)
    )
    won = made.stages[1].id
    deal = portal.create("deals", {"dealname": "D", "dealstage": won})
    values = portal.get("deals", deal)["properties"]
    assert (values["pipeline"], values["hs_is_closed_won"]) == (made.id, "true")
    assert values[f"hs_v2_date_entered_{won}"]
    names = {p["name"] for p in call("GET", "/crm/v3/properties/deals").json()["results"]}
    assert {f"hs_v2_date_entered_{won}", f"hs_v2_cumulative_time_in_{won}"} <= names


def test_what_is_kept_of_a_stage_is_text_and_what_follows_from_it(renewals: dict[str, Any]) -> None:
    assert [(s["label"], s["metadata"]) for s in renewals["stages"]] == [
        ("Due", {"isClosed": "false", "probability": "0.5"}),
        ("Renewed", {"isClosed": "true", "probability": "1.0"}),
        ("Lapsed", {"isClosed": "true", "probability": "0.0"}),
    ]
    assert renewals["stages"][0]["id"] == "due"
    assert renewals["stages"][1]["id"].isdigit()


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"stages": []}, 400, "at least one stage"),
        ({"label": "sales PIPELINE"}, 400, "An active pipeline with label sales PIPELINE already exists."),
        (
            {"pipelineId": "default"},
            400,
            "There's another pipeline in this portal with pipelineId (default).",
        ),
        ({"pipelineId": "lead-pipeline-id"}, 409, "one of the same stages"),
        ({"stages": [{**NEW["stages"][0], "stageId": "closedwon"}]}, 409, "one of the same stages"),
        ({"stages": [{"label": "A", "displayOrder": 0}]}, 400, "must specify probability"),
        ({"stages": [{"label": "A", "metadata": {"probability": "2"}}]}, 400, "between 0.0 and 1.0"),
        ({"stages": [{"label": "A", "metadata": {"probability": "soon"}}]}, 400, "between 0.0 and 1.0"),
        ({"stages": [NEW["stages"][0], {**NEW["stages"][1], "label": " due"}]}, 400, "already exists"),
        ({"stages": [{**NEW["stages"][0], "displayOrder": -1}]}, 400, "cannot be negative"),
        ({"stages": "none"}, 400, "list"),
        ({"label": None}, 400, "[label]"),
        ({"label": 7}, 400, "[label]"),
        ({"pipelineId": "x" * 37}, 400, "pipelineId"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_pipeline_that_cannot_be_is_refused(
    call: Call, changes: dict[str, Any], status: int, words: str
) -> None:
    answer = call("POST", DEALS, json=NEW | changes)
    assert (answer.status_code, words in answer.json()["message"]) == (status, True), answer.text
    assert len(call("GET", DEALS).json()["results"]) == 2


def test_a_stage_is_made_changed_and_taken_out(hub: Any, call: Call, renewals: dict[str, Any]) -> None:
    api = hub.crm.pipelines.pipeline_stages_api
    made = api.create(
        "deals",
        "renewals",
        PipelineStageInput(label="Talking", display_order=0, metadata={"probability": "0.6"}),
    )
    labels = [s["label"] for s in call("GET", f"{DEALS}/renewals/stages").json()["results"]]
    assert labels == ["Due", "Talking", "Renewed", "Lapsed"], "a taken place is the one after"
    api.update("deals", "renewals", made.id, PipelineStagePatchInput(metadata={"probability": 0.25}))
    read = api.get_by_id("deals", "renewals", made.id)
    assert (read.label, read.metadata["probability"]) == ("Talking", "0.25")
    replaced = call("PUT", f"{DEALS}/renewals/stages/{made.id}", json={"label": "Asked", "displayOrder": 9})
    assert (replaced.json()["label"], replaced.json()["displayOrder"]) == ("Asked", 9)
    assert replaced.json()["metadata"]["probability"] == "0.25"
    api.archive("deals", "renewals", made.id)
    assert call("GET", f"{DEALS}/renewals/stages/{made.id}").status_code == 404


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"label": "DUE ", "metadata": {"probability": "0.5"}}, "Stage with label DUE  already exists"),
        (
            {"label": "X", "stageId": "closedwon", "metadata": {"probability": "0.5"}},
            "already using stage id",
        ),
        ({"label": "X", "metadata": {}}, "must specify probability"),
        ({"metadata": {"probability": "0.5"}}, "[label]"),
        ({"label": "X", "displayOrder": "first", "metadata": {"probability": "0.5"}}, "whole number"),
    ],
    ids=["label", "id", "probability", "nameless", "order"],
)
def test_a_stage_that_cannot_be_is_refused(
    call: Call, renewals: dict[str, Any], body: dict[str, Any], words: str
) -> None:
    answer = call("POST", f"{DEALS}/renewals/stages", json=body)
    assert (answer.status_code, words in answer.json()["message"]) == (400, True), answer.text


def test_the_last_stage_stays(call: Call, renewals: dict[str, Any]) -> None:
    first, *others = (stage["id"] for stage in renewals["stages"])
    for stage in others:
        assert call("DELETE", f"{DEALS}/renewals/stages/{stage}").status_code == 204
    answer = call("DELETE", f"{DEALS}/renewals/stages/{first}")
    assert (answer.status_code, answer.json()["message"]) == (400, "Pipeline must have at least one stage")
    assert call("DELETE", f"{DEALS}/renewals/stages/nothing").status_code == 204


@pytest.mark.parametrize(
    "case",
    [
        ("/crm/pipelines/2026-09/deals", True),
        ("/crm/v3/pipelines/deals", False),
        ("/crm/v3/pipelines/deals?validateReferencesBeforeDelete=true", True),
        ("/crm/pipelines/2026-03/deals?validateDealStageUsagesBeforeDelete=true", True),
    ],
    ids=["dated", "numbered", "references", "usages"],
)
@pytest.mark.parametrize("what", ["pipeline", "stage"])
def test_a_stage_that_a_deal_stands_in_stays_where_it_is_guarded(
    call: Call, portal: Portal, renewals: dict[str, Any], case: tuple[str, bool], what: str
) -> None:
    path, guarded = case
    deal = portal.create("deals", {"dealname": "D", "dealstage": "due"})
    prefix, _, query = path.partition("?")
    rest = "/renewals/stages/due" if what == "stage" else "/renewals"
    answer = call("DELETE", f"{prefix}{rest}?{query}")
    assert answer.status_code == (400 if guarded else 204)
    if guarded:
        body = answer.json()
        assert body["subCategory"] == "PipelineError.STAGE_ID_IN_USE"
        assert body["context"]["objectIds"] == [f"[{deal}]"]
        assert body["context"]["stageIds"][0].startswith("[due")
        portal.delete("deals", deal)
        assert call("DELETE", f"{prefix}{rest}?{query}").status_code == 204


def test_a_pipeline_is_replaced_with_the_stages_that_are_named(call: Call, renewals: dict[str, Any]) -> None:
    body = {
        "label": "Renewals 2",
        "displayOrder": 5,
        "stages": [
            {"stageId": "due", "label": "Due soon", "displayOrder": 0, "metadata": {"probability": "0.4"}},
            {"label": "Gone", "displayOrder": 1, "metadata": {"probability": "0"}},
        ],
    }
    answer = call("PUT", f"{DEALS}/renewals", json=body)
    assert answer.status_code == 200
    read = call("GET", f"{DEALS}/renewals").json()
    assert [(s["id"] == "due", s["label"]) for s in read["stages"]] == [(True, "Due soon"), (False, "Gone")]
    assert (read["label"], read["displayOrder"]) == ("Renewals 2", 5)
    patched = call("PATCH", f"{DEALS}/renewals", json={"label": "Renewals 3"}).json()
    assert (patched["label"], patched["displayOrder"]) == ("Renewals 3", 5)


def test_every_change_is_told_newest_first(
    call: Call, sandbox: HubSpotSandbox, renewals: dict[str, Any]
) -> None:
    call("PATCH", f"{DEALS}/renewals", json={"displayOrder": 7})
    call("PATCH", f"{DEALS}/renewals/stages/due", json={"label": "Soon", "metadata": {}})
    changes = call("GET", f"{DEALS}/renewals/audit").json()["results"]
    assert [c["action"] for c in changes] == ["UPDATE", "UPDATE", "CREATE"]
    assert changes[0]["identifier"] == f"{sandbox.portal_id}:renewals"
    assert json.loads(changes[0]["rawObject"])["stages"][0]["label"] == "Soon"
    (change,) = call("GET", f"{DEALS}/renewals/stages/due/audit").json()["results"]
    assert (change["action"], change["portalId"]) == ("UPDATE", sandbox.portal_id)
    assert call("GET", f"{DEALS}/none/audit").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "category"),
    [
        ("GET", "/none", None),
        ("PATCH", "/none", None),
        ("PUT", "/none", None),
        ("GET", "/none/stages/x", None),
        ("POST", "/none/stages", None),
        ("GET", "/none/stages", "json"),
        ("DELETE", "/none", "OBJECT_NOT_FOUND"),
        ("PATCH", "/default/stages/none", None),
    ],
)
def test_what_is_not_there_is_a_404_some_with_a_body_and_some_without(
    call: Call, method: str, path: str, category: str | None
) -> None:
    answer = call(method, DEALS + path, json={"label": "X", "metadata": {"probability": "1"}})
    assert answer.status_code == 404
    if category is None:
        assert answer.content == b""
    else:
        assert answer.json().get("category", "json") == category


def test_tickets_keep_a_closed_stage(call: Call) -> None:
    path = "/crm/v3/pipelines/tickets"
    (support,) = call("GET", path).json()["results"]
    closed = [s["id"] for s in support["stages"] if s["metadata"]["ticketState"] == "CLOSED"]
    answer = call("DELETE", f"{path}/{support['id']}/stages/{closed[0]}")
    assert answer.json()["subCategory"] == "PipelineError.MISSING_CLOSED_STAGE"
    body = {"label": "X", "displayOrder": 9, "metadata": {"ticketState": "closed"}}
    refused = call("POST", f"{path}/{support['id']}/stages", json=body)
    assert refused.json()["subCategory"] == "PipelineError.INVALID_PIPELINE_STAGE_METADATA"
    made = call("POST", f"{path}/{support['id']}/stages", json=body | {"metadata": {}})
    assert made.json()["metadata"] == {"ticketState": "OPEN", "isClosed": "false"}


def test_contacts_have_a_pipeline_of_lifecycle_stages(call: Call) -> None:
    (line,) = call("GET", "/crm/v3/pipelines/contacts").json()["results"]
    assert (line["id"], len(line["stages"])) == ("contacts-lifecycle-pipeline", 8)
    assert call("GET", "/crm/v3/pipelines/products").json() == {"results": []}


def test_stages_of_one_place_are_numbered_against_their_order(call: Call) -> None:
    rows = [{"label": label, "displayOrder": 0, "metadata": {"probability": "0.5"}} for label in "ABC"]
    made = call("POST", DEALS, json={"label": "Ties", "displayOrder": 0, "stages": rows}).json()
    assert [(s["label"], s["displayOrder"]) for s in made["stages"]] == [("C", 0), ("B", 1), ("A", 2)]
