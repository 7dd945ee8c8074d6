"""The OpenAPI document says everything about the API."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))
OPERATIONS = [
    (path, method) for path, item in DOCUMENT["paths"].items() for method in item if method != "parameters"
]


def test_the_copy_in_the_docs_is_current() -> None:
    generated = runpy.run_path(str(DOCS / "openapi.py"))
    assert (DOCS / "openapi.json").read_text() == generated["document"](), (
        "run `make docs` and commit the result"
    )


def test_every_resource_is_described(site: Any) -> None:
    app: Flask = site.app
    routed = {
        (str(rule).replace("<", "{").replace(">", "}").replace("int:", ""), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and rule.endpoint != "api.nothing"
        for method in rule.methods or ()
        if method not in {"HEAD", "OPTIONS"}
    }
    assert routed == set(OPERATIONS)


def test_everything_in_it_is_explained() -> None:
    for path, method in OPERATIONS:
        operation = DOCUMENT["paths"][path][method]
        assert operation["summary"].endswith("."), path
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), (path, parameter["name"])


def test_the_document_is_for_those_with_a_token(site: Any, get: Callable[..., Any]) -> None:
    assert site.app.test_client().get("/api/v1/openapi.json").status_code == 401
    assert get("/openapi.json") == DOCUMENT
