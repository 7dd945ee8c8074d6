"""Every route of the portal, asked in every strange way: it answers, and never with a failure of its own."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from closedloop.sandbox.hubspot import HubSpotSandbox
from closedloop.sandbox.hubspot.rest import routes
from closedloop.sandbox.hubspot.rest.app import PortalApp

BODIES: list[Any] = [
    b"",
    b"{",
    [],
    None,
    7,
    "x",
    dict.fromkeys(("properties", "inputs", "filterGroups", "options", "name", "labels", "filterBranch"), 5),
    {word: [5] for word in ("inputs", "filterGroups", "associations", "properties", "sorts", "values")}
    | {"name": "x", "objectTypeId": "0-1", "processingType": "DYNAMIC"}
    | {"filterBranch": {"filterBranchType": []}},
    {"inputs": [{}], "associations": [{}], "filterGroups": [{"filters": [{}]}]}
    | {"objectTypeId": {}, "processingType": []},
    {
        "inputs": [{"id": {}, "from": 5, "to": 5, "name": {}, "objectId": []}],
        "limit": {},
        "after": [],
        "query": {},
    },
    {
        "filterGroups": [{"filters": [{"propertyName": "email", "operator": "IN", "values": [{}, None, 5]}]}],
        "sorts": [{"propertyName": {}, "direction": 5}],
        "query": 5,
    },
    {"eventName": "a", "eventOrganizer": "b", "externalEventId": "c", "externalAccountId": "d"}
    | {"startDateTime": {}, "customProperties": [{"name": "nope", "value": []}]},
]
QUERIES = [
    "",
    "limit=-1&after=x&offset=x&count=x",
    "limit=1&after=%00&archived=x&sort=%ff&listIds=x&objectType=0-1&occurredAfter=99999999999999999999",
    "after=MQ%3D%3D&limit=5&includeFilters=true&idProperty=email&since=-5",
    "idProperty=hs_object_id&properties=,,&associations=,contacts&propertiesWithHistory=email",
]
ROUTES = sorted(
    {
        (method, routes.AREAS[area][0] + rest)
        for module in routes._MODULES
        for method, area, rest, _ in module.ROUTES
    }
)


@pytest.fixture(scope="module")
def inhabited() -> Iterator[tuple[HubSpotSandbox, list[str]]]:
    """A portal with one thing of each kind, and what stands for ids in paths."""
    sandbox = HubSpotSandbox()
    portal = sandbox.portal
    contact = portal.create("contacts", {"email": "a@example.com"})
    named = ["contacts", "0-1", "p_car", "1", "%00", "\xe9", "x" * 300, "-5", "9" * 26, contact]
    named.append(portal.marketing.create_list("contacts", "L", members=[contact]))
    named.append(portal.marketing.create_email("A", "B"))
    named.append(portal.create("deals", {"dealname": "D", "dealstage": "closedwon"}))
    labels = {"singular": "Car", "plural": "Cars"}
    fields = [{"name": "model", "label": "Model"}]
    schema = {"name": "car", "labels": labels, "primaryDisplayProperty": "model", "properties": fields}
    named.append(portal.create_schema(schema))
    yield sandbox, named
    sandbox.stop()


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_a_route_answers_whatever_it_is_asked(
    inhabited: tuple[HubSpotSandbox, list[str]], method: str, route: str
) -> None:
    sandbox, named = inhabited
    draw = random.Random(f"{method} {route}")
    app = PortalApp(sandbox.portal, sandbox._access)
    for body in BODIES:
        environ = EnvironBuilder(
            path=re.sub("<[^>]+>", lambda _: draw.choice(named), route),
            method=method,
            query_string=draw.choice(QUERIES),
            data=body if isinstance(body, bytes) else json.dumps(body),
            headers=Headers({"Authorization": f"Bearer {sandbox.access_token}"}),
            content_type="application/json",
        ).get_environ()
        content, status, _ = run_wsgi_app(app, environ)
        assert int(status.split()[0]) < 500, b"".join(content)
