"""What goes wrong between a client and a server, ordered one by one, and the server's part in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from waitress.channel import HTTPChannel
from waitress.task import WSGITask

from closedloop.sandbox.faults.chance import Seconds
from closedloop.sandbox.faults.effects import Cut, Disturbance
from closedloop.sandbox.faults.engine import Faults
from closedloop.sandbox.faults.standard import LONGEST_SILENCE
from closedloop.sandbox.faults.wire import SOCKET, Way

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["Channel", "Disturbance", "Disturbances"]

_SILENT = frozenset({Disturbance.SILENCE, Disturbance.UNANSWERED})


class Disturbances:
    """What goes wrong next with a server's answers: what was asked for, in order, and then what rules say."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._way = Way(faults)

    def plan(
        self,
        what: Disturbance,
        *,
        times: int = 1,
        path: str = "",
        method: str | None = None,
        seconds: float = 0.05,
    ) -> None:
        """Disturbs the next `times` requests whose path contains `path`."""
        wait = LONGEST_SILENCE if what in _SILENT else Seconds.of(seconds)
        cut = Cut(what=what, seconds=wait)
        self._faults.ask_for(cut, fault=what, times=times, path=path, method=method)

    def end(self) -> None:
        """Wakes everything that waits: the server stops."""
        self._way.end()

    def around(self, app: WSGIApplication) -> WSGIApplication:
        """The application with these disturbances in front of it."""
        return self._way.around(app)


class _Task(WSGITask):  # type: ignore[misc]  # waitress has no types
    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[SOCKET] = self.channel.socket
        return environ


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection whose application can get at the socket."""

    task_class = _Task
