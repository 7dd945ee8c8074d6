"""The HTTP server itself: many connections, and one thread that looks after all of them."""

from __future__ import annotations

import os
import resource
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from waitress.channel import HTTPChannel

from closedloop_server.serving import HttpServer

if TYPE_CHECKING:
    import pytest
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

FIRST_THAT_SELECT_CANNOT_WATCH = 1024


def answer(_: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", [("Content-Length", "2")])
    return [b"ok"]


@contextmanager
def serving(app: Any) -> Iterator[str]:
    server = HttpServer("127.0.0.1", 0)
    server.start(app)
    try:
        yield server.url
    finally:
        server.stop()


def asked(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 - our own server
        body: bytes = response.read()
    return body


def test_a_connection_is_served_whatever_number_its_descriptor_has() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * FIRST_THAT_SELECT_CANNOT_WATCH), hard))
    taken: list[int] = []
    try:
        with serving(answer) as url:
            while not taken or taken[-1] < FIRST_THAT_SELECT_CANNOT_WATCH:
                taken.append(os.open(os.devnull, os.O_RDONLY))
            assert asked(url) == b"ok"
    finally:
        for each in taken:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_nobody_asks_again_and_again_for_what_a_task_is_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task's thread is held up while it sends; meanwhile another connection keeps the server awake."""
    sending, go_on = threading.Event(), threading.Event()
    slow: list[HTTPChannel] = []
    handled: list[HTTPChannel] = []
    send, handle_write = HTTPChannel.send, HTTPChannel.handle_write

    def held_up(channel: Any, data: bytes, **told: Any) -> Any:
        if b"slow" in data:
            slow.append(channel)
            sending.set()
            assert go_on.wait(30)
        return send(channel, data, **told)

    def counted(channel: HTTPChannel) -> None:
        handled.append(channel)
        handle_write(channel)

    monkeypatch.setattr(HTTPChannel, "send", held_up)
    monkeypatch.setattr(HTTPChannel, "handle_write", counted)

    def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        body = environ["PATH_INFO"].strip("/").encode()
        start("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    with serving(app) as url:
        found: list[bytes] = []
        asking = threading.Thread(target=lambda: found.append(asked(f"{url}/slow")))
        asking.start()
        assert sending.wait(30)
        try:
            for _ in range(20):
                assert asked(f"{url}/quick") == b"quick"
            assert not [each for each in handled if each in slow]
        finally:
            go_on.set()
            asking.join(30)
        assert found == [b"slow"]
