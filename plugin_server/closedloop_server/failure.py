"""Says where something failed, without saying with what: neither a log nor a caller is told more."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response


def where(error: BaseException) -> str:
    """The type of the error and the places it passed, the innermost first; never its message."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    cause = error.__cause__
    told = f"{type(error).__name__} at {places}"
    return f"{told}; caused by {where(cause)}" if cause is not None else told


def for_programs(path: str) -> bool:
    """Whether programs call this address, and no people."""
    return path.startswith(("/api/", "/webhooks/"))


def as_json(error: HTTPException) -> Response:
    """What the framework itself refuses, with a reason in the form that our own refusals have."""
    told = {"error": error.name.lower().replace(" ", "_"), "message": error.description}
    return Response(json.dumps(told), error.code or 500, headers_of(error), content_type="application/json")


def headers_of(error: HTTPException) -> list[tuple[str, str]]:
    """The headers that the framework's own answer has, such as the methods that are allowed, and how long
    to wait."""
    return [(name, value) for name, value in error.get_headers() if name.lower() != "content-type"]
