"""What the process does that the servers are forked from: all that a start imports and compiles, once."""

from __future__ import annotations

import gc
import secrets
import tempfile

from closedloop_server.app import create_app
from closedloop_server.runtime import Workers, make_services, prepare
from closedloop_server.settings import Settings


def _make_a_server() -> None:
    """On a database of its own, which goes. No thread is started: none would survive the fork."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            database_url=f"sqlite:///{folder}/loop.db", secret_key=secrets.token_urlsafe(48), connections=()
        )
        services, _ = make_services(settings, workers=Workers.THREADS)
        create_app(services)
        prepare(services)
        services.engine.dispose()


_make_a_server()
# What is there by now stays: no server looks through it again for garbage.
gc.freeze()
