"""Every path that clients use, as it was numbered and as it is dated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from closedloop.sandbox.hubspot import Portal

Call = Callable[..., requests.Response]
EMPTY: dict[str, Any] = {"inputs": []}
# Method, the area's path in version 3 or 4, how it is dated, the rest of the path, a body.
PATHS: list[tuple[str, str, str, str, Any]] = [
    ("GET", "/crm/v3/objects", "/crm/objects/{}", "/contacts?associations=companies&archived=true", None),
    ("POST", "/crm/v3/objects", "/crm/objects/{}", "/0-136/search", {}),
    ("POST", "/crm/v3/objects", "/crm/objects/{}", "/calls/batch/read", EMPTY),
    ("POST", "/crm/v3/objects", "/crm/objects/{}", "/deals/batch/create", EMPTY),
    ("POST", "/crm/v3/objects", "/crm/objects/{}", "/deals/batch/update", EMPTY),
    ("POST", "/crm/v3/objects", "/crm/objects/{}", "/deals/batch/upsert", EMPTY),
    ("POST", "/crm/v3/objects", "/crm/objects/{}", "/deals/batch/archive", EMPTY),
    ("POST", "/crm/v4/associations", "/crm/associations/{}", "/contacts/companies/batch/read", EMPTY),
    ("POST", "/crm/v4/associations", "/crm/associations/{}", "/contacts/companies/batch/create", EMPTY),
    ("POST", "/crm/v4/associations", "/crm/associations/{}", "/deals/contacts/batch/archive", EMPTY),
    ("POST", "/crm/v4/associations", "/crm/associations/{}", "/deals/contacts/batch/labels/archive", EMPTY),
    (
        "POST",
        "/crm/v4/associations",
        "/crm/associations/{}",
        "/leads/contacts/batch/associate/default",
        EMPTY,
    ),
    ("GET", "/crm/v4/associations", "/crm/associations/{}", "/notes/leads/labels", None),
    ("GET", "/crm/v3/properties", "/crm/properties/{}", "/tasks", None),
    ("GET", "/crm/v3/properties", "/crm/properties/{}", "/meetings/groups", None),
    ("GET", "/crm/v3/pipelines", "/crm/pipelines/{}", "/deals", None),
    ("GET", "/crm/v3/owners", "/crm/owners/{}", "/?limit=1&archived=true", None),
    ("GET", "/marketing/v3/campaigns", "/marketing/campaigns/{}", "?sort=-updatedAt", None),
    ("POST", "/marketing/v3/campaigns", "/marketing/campaigns/{}", "/batch/read?properties=hs_name", EMPTY),
    ("POST", "/marketing/v3/campaigns", "/marketing/campaigns/{}", "/batch/update", EMPTY),
    ("GET", "/account-info/v3", "/account-info/{}", "/details", None),
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[0] + path[1] + path[3])
def test_a_dated_path_answers_as_the_numbered_one_does(
    call: Call, portal: Portal, path: tuple[str, str, str, str, Any]
) -> None:
    method, numbered, dated, rest, body = path
    portal.create("contacts", {"email": "ada@example.com"})
    first = call(method, numbered + rest, json=body)
    assert first.status_code < 300
    for version in ("2026-03", "2026-09"):
        again = call(method, dated.format(version) + rest, json=body)
        assert again.status_code == first.status_code
        if first.status_code != 204:
            assert list(again.json()) == list(first.json())
