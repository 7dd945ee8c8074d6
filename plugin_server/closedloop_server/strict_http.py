"""Refuses requests that two servers can read as different ones, and those that never come to their end.

A proxy that takes the end of a request from one header, with a server behind it that takes it from another,
lets a stranger hide a second request in the first one's body: request smuggling. waitress refuses most such
shapes. It takes a request that names its length twice, as bytes and as chunks, by its chunks, and reads what
follows as the next request; RFC 9112 (6.3) allows to refuse it, and that is done here. And it takes a line
feed at the end of a chunk's size for a part of the size, which other servers take for the end of the line.

waitress gives up a connection that is silent, but not one that sends a byte now and then for ever.
"""

from __future__ import annotations

import re
import time
from typing import Any

from waitress import receiver
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.utilities import BadRequest, Error

_LONGEST_LINE = 1_024
"""Bytes of a chunk's size with its extensions, and of what may follow the last chunk. waitress would put
megabytes of it together piece by piece, in the one thread that serves every connection."""


_PIECE = 8_192
"""Bytes of a body in chunks that are looked through at a time."""

_LONGEST = 60.0
"""Seconds from a request's first byte to its last. The largest takes so long over 1.5 megabits a second."""


class _TooSlowError(Error):  # type: ignore[misc]  # waitress ships no type information
    code = 408
    reason = "Request Timeout"


class _StrictParser(HTTPRequestParser):  # type: ignore[misc]  # the same
    """Reads one request."""

    body_rcv: Any
    error: Any

    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self._began = time.monotonic()

    def received(self, data: bytes) -> int:
        """Takes in what came; returns how many bytes of it were this request's."""
        if time.monotonic() - self._began > _LONGEST:
            self.error = _TooSlowError(f"The request did not come to its end within {_LONGEST:g} seconds")
            self.completed = True
            return len(data)
        taken: int = super().received(data)
        if self.error:
            # Else waitress asks for the body of what it has refused for its length already.
            self.expect_continue = False
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        """Takes in the head, or raises the ParsingError that becomes a 400 and closes the connection."""
        try:
            super().parse_header(header_plus)
        except ValueError as exc:  # from urlsplit, which waitress does not expect: a log entry per request
            raise ParsingError("The address cannot be read") from exc
        if self.chunked:
            self.body_rcv = _StrictChunks(self.body_rcv.buf)
        # On HTTP/1.0 waitress leaves the header there and goes by the length; a proxy may not.
        chunks = self.chunked or "TRANSFER_ENCODING" in self.headers
        if chunks and ("CONTENT_LENGTH" in self.headers or self.version == "1.0"):
            raise ParsingError("Content-Length and Transfer-Encoding do not go together")


class _StrictChunks(receiver.ChunkedReceiver):  # type: ignore[misc]  # the same
    """Puts a body in chunks together."""

    error: Any

    def received(self, s: bytes) -> int:
        """Takes in what came; returns how many bytes of it were this body's."""
        taken = 0
        # Piece by piece: for each chunk, waitress copies all that comes after it.
        while taken < len(s) and not self.completed and not self.error:
            taken += super().received(s[taken : taken + _PIECE])
            if len(self.control_line) > _LONGEST_LINE or len(self.trailer) > _LONGEST_LINE:
                self.error = BadRequest("A chunk's size, or what follows the last chunk, is too long")
        return taken


class _StrictChannel(HTTPChannel):  # type: ignore[misc]  # the same
    parser_class = _StrictParser

    def writable(self) -> bool:
        """Whether the thread that serves all connections has something to send on this one.

        While a task's thread sends, waitress says yes, can do nothing for want of the lock, and asks again at
        once: a loop that takes the interpreter from the very thread that it waits for. What that one leaves
        unsent, it tells when it is done; it waits for us only when more is unsent than it may leave.
        """
        alone = 0 < self.total_outbufs_len <= self.adj.outbuf_high_watermark
        if self.requests and alone and not self.will_close and not self.close_when_flushed:
            if not self.outbuf_lock.acquire(blocking=False):
                return False
            self.outbuf_lock.release()
        return bool(super().writable())


def make_strict(server: Any) -> None:
    """Has a server that `waitress.server.create_server` made refuse what is ambiguous."""
    server.channel_class = _StrictChannel
    # Their $ matches before a line feed at the end too. There is no other way in than these two names.
    receiver.ONLY_HEXDIG_RE = _to_the_end(receiver.ONLY_HEXDIG_RE)
    receiver.CHUNK_EXT_RE = _to_the_end(receiver.CHUNK_EXT_RE)


def _to_the_end(pattern: re.Pattern[bytes]) -> re.Pattern[bytes]:
    return re.compile(pattern.pattern.removesuffix(rb"\Z").removesuffix(b"$") + rb"\Z")
