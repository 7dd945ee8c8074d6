"""Records that are sent in parts, with a file in one of them.

REST API Developer Guide, "Insert or Update Blob Data": the first part holds the other fields as JSON, the
name of the second is the field.
"""

from __future__ import annotations

import base64
import io
from typing import Any

from werkzeug import Request
from werkzeug.formparser import FormDataParser

from closedloop.sandbox.salesforce.rest.json_body import object_in

MULTIPART = "multipart/form-data"


def record_in(request: Request) -> dict[str, Any]:
    """The fields in a body of several parts; the files among them as base64."""
    data = request.get_data()
    _, texts, files = FormDataParser(silent=True, stream_factory=_in_memory).parse(
        io.BytesIO(data), MULTIPART, len(data), request.mimetype_params
    )
    parts = {name: file.read() for name, file in files.items()}
    # What JavaScript sends as a Blob calls itself a file too.
    sent = next(iter(texts.values())).encode() if texts else parts.pop(next(iter(parts), ""), b"")
    return object_in(sent) | {name: base64.b64encode(file).decode() for name, file in parts.items()}


def _in_memory(*_: object, **__: object) -> io.BytesIO:
    return io.BytesIO()
