"""The API does what its OpenAPI document says, for whoever may do everything: the checks of schemathesis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks
from sqlalchemy import delete

from closedloop_server.access import Role
from closedloop_server.store.engine import writing
from closedloop_server.store.tables import failed_sign_ins

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text(encoding="utf-8"))
OPERATIONS = [
    (path, method) for path, item in DOCUMENT["paths"].items() for method in item if method != "parameters"
]
LISTS = {
    "/api/v1/campaigns": "/campaigns?limit=1",
    "/api/v1/deliveries": "/deliveries?limit=1&connection=salesforce-emea&state=waiting",
}
"""Where a cursor of a list comes from; those not named here are lists of decisions."""

load_all_checks()


def _headers(site: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {site.tokens[Role.ADMIN]}"}


@pytest.fixture(scope="module")
def described(watched: Any) -> Any:
    """The document, as any client reads it from the server, with values that no generator can know."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", watched.app, headers=_headers(watched))
    client = watched.app.test_client()
    cursors = {}
    for path, address in {**LISTS, "": "/unattributed?limit=1"}.items():
        answer = client.get(f"/api/v1{address}", headers=_headers(watched))
        assert answer.status_code == 200, answer.get_data(as_text=True)
        cursors[path] = answer.get_json()["next_cursor"]

    @schema.hook
    def map_case(_: Any, case: Any) -> Any:
        query = case.query or {}
        if case.meta.generation.mode.is_positive and query.get("cursor"):
            query["cursor"] = cursors.get(case.operation.path) or cursors[""]
            query.pop("state", None)
        return case

    return schema


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda part: part)
def test_the_api_does_what_the_document_says(described: Any, watched: Any, path: str, method: str) -> None:
    """All checks, with arguments that fit the description and with some that do not."""
    assert len(CHECKS.get_all_names()) > 10

    @given(case=described[path][method].as_strategy())
    @settings(
        max_examples=12,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        with writing(watched.engine) as connection:  # the checks try more wrong tokens than one may
            connection.execute(delete(failed_sign_ins))
        case.call_and_validate(headers=_headers(watched))

    ask()
