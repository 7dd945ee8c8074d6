"""Requests whose bodies are compressed.

REST API Developer Guide, "Compression Headers", and SOAP API Developer Guide, "Compression": requests may be
gzip or deflate and say so. pyforce compresses every one of its own.
"""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_LARGEST = 2**28
_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


def unpacked(environ: WSGIEnvironment) -> WSGIEnvironment:
    """The request with its body as it was before it was compressed; unchanged if that fails."""
    windows = _WINDOWS.get(environ.get("HTTP_CONTENT_ENCODING", "").strip().lower())
    if windows is None:
        return environ
    sent = environ["wsgi.input"].read()
    body = _expanded(sent, windows)
    environ["wsgi.input"] = io.BytesIO(sent if body is None else body)
    if body is not None:
        environ["CONTENT_LENGTH"] = str(len(body))
        del environ["HTTP_CONTENT_ENCODING"]
    return environ


def _expanded(sent: bytes, windows: int) -> bytes | None:
    """What was compressed; None where that is nothing of the kind, or expands to too much."""
    expanding = zlib.decompressobj(windows)
    try:
        body = expanding.decompress(sent, _LARGEST)
    except zlib.error:
        return None
    return body if expanding.eof else None
