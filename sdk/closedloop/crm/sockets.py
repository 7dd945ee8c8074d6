"""Connections that keep to the deadline of a call while an answer arrives, and that are not used when stale.

A socket's timeout begins anew with every byte, so a server that sends a byte a second can hold a caller for
ever, in the headers as in the body. Here each read gets no more than what is left of the call's time. The
pools go into urllib3's `PoolManager.pool_classes_by_scheme`, the place it documents for that.

urllib3 logs every address, with the whole query and whoever it names: not for these pools.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Mapping
from contextvars import ContextVar
from http.client import HTTPResponse
from typing import Any, ClassVar

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from closedloop.crm import retry

IDLE = 45.0
"""Seconds after which an unused connection is not trusted any more: routers forget them without telling
either end, and a write that is sent over one has an uncertain outcome."""
SENDING = 120.0
"""Seconds that sending a request may take; urllib3 would allow it the connect timeout."""

_ours: ContextVar[bool] = ContextVar("closedloop_is_sending", default=False)


class _Silence(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - all of ours, whatever they say
        return not _ours.get()


logging.getLogger("urllib3.connectionpool").addFilter(_Silence())


class _Timed(io.RawIOBase):
    """What arrives at a socket, within `each` seconds a read and within the call's deadline."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._each: float | None = sock.gettimeout()
        self._bytes = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = retry.remaining(float("inf") if self._each is None else self._each)
        if left <= 0:
            raise TimeoutError("the deadline of the call has passed")
        self._sock.settimeout(None if left == float("inf") else left)
        count: int | None = self._bytes.readinto(buffer)
        return count

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _TimedSocket:
    """As much of a socket as an `HTTPResponse` asks for."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_Timed(self._sock))


class TimedResponse(HTTPResponse):
    """An answer read within the deadline."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_TimedSocket(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Fresh:
    """Tells urllib3 that a connection is gone when it was idle for too long: it then opens another."""

    response_class: ClassVar[type[HTTPResponse]] = TimedResponse
    sock: Any
    _used_at = 0.0

    @property
    def is_connected(self) -> bool:
        return time.monotonic() - self._used_at < IDLE and bool(super().is_connected)  # type: ignore[misc]

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._time_sending()

    def send(self, data: Any) -> None:
        if self.sock is not None:
            self._time_sending()
        super().send(data)  # type: ignore[misc]

    def getresponse(self) -> Any:
        try:
            return super().getresponse()  # type: ignore[misc]
        finally:
            self._used_at = time.monotonic()

    def _time_sending(self) -> None:
        """Looks right before each piece is sent: others rely on nothing being sent after the deadline."""
        left = retry.remaining(SENDING)
        if left <= 0:
            raise TimeoutError("the deadline of the call has passed")
        self.sock.settimeout(left)


class _Plain(_Fresh, HTTPConnection):
    pass


class _Secure(_Fresh, HTTPSConnection):
    pass


class _Unlogged:
    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        token = _ours.set(True)
        try:
            return super().urlopen(*args, **kwargs)  # type: ignore[misc]
        finally:
            _ours.reset(token)


class _PlainPool(_Unlogged, HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(_Unlogged, HTTPSConnectionPool):
    ConnectionCls = _Secure


POOLS: Mapping[str, type[HTTPConnectionPool]] = {"http": _PlainPool, "https": _SecurePool}
"""Scheme to pool."""
