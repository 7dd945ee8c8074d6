"""Workers that take turns within one thread: who goes on at each pause, a seed decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from greenlet import GreenletExit, getcurrent, greenlet

from closedloop.errors import CrmError
from closedloop_server.store.leases import SupersededError
from closedloop_server.work.kinds import Kind, Work
from closedloop_server.work.owned import OwnedWork

_OFTEN = {Kind.LOOP: 10, Kind.READ: 10, Kind.TELL: 10, Kind.SEND: 1, Kind.KEEP: 1}
"""How often each kind has its turn: here nobody subscribes to anything, and nothing gets old."""


@dataclass(kw_only=True)
class Process:
    """A process that has a piece of work."""

    work: Work
    owned: OwnedWork
    turn: greenlet | None = None

    @property
    def busy(self) -> bool:
        """Whether it is in the middle of a turn."""
        return self.turn is not None and not self.turn.dead


@dataclass(kw_only=True)
class Scheduler:
    """Lets processes go on, die and be taken for dead, in an order that `chance` draws.

    `start` makes the owned work of a new process. Those that were taken for dead may wake up later, in the
    middle of their turn, and find that another has their work.
    """

    works: tuple[Work, ...]
    start: Callable[[Work], OwnedWork]
    chance: Random
    holders: dict[Work, Process] = field(default_factory=dict)
    lost: list[Process] = field(default_factory=list)
    takeovers: int = 0
    kills: int = 0
    _main: greenlet = field(default_factory=getcurrent)

    def pause(self) -> None:
        """Called from within a turn, where others may come in between. Outside of turns nothing waits."""
        if getcurrent() is not self._main:
            self._main.switch()

    def step(self) -> None:
        """One process goes on, mostly for a while, or begins a turn."""
        process = self._holder(self.chance.choices(self.works, [_OFTEN[work.kind] for work in self.works])[0])
        if not process.busy:
            process.turn = greenlet(lambda: _take(process.owned), parent=self._main)
        for _ in range(self.chance.choice((1, 1, 2, 4, 8, 30))):
            self._go_on(process)

    def kill(self) -> None:
        """A process ends where it is; what it has not committed never was. Another one takes its work."""
        process = self._busy()
        if process is not None:
            self.kills += 1
            _end(process)
            del self.holders[process.work]

    def lose(self) -> None:
        """A process stands still, and is taken for dead. Another one takes its work."""
        process = self._busy()
        if process is not None:
            self.takeovers += 1
            self.lost.append(process)
            del self.holders[process.work]

    def find(self) -> None:
        """One that was taken for dead goes on."""
        if self.lost:
            process = self.chance.choice(self.lost)
            self._go_on(process)
            if not process.busy:
                self.lost.remove(process)

    def finish(self) -> None:
        """Everybody's turn comes to its end, that of the lost ones too."""
        while self.lost:
            self.find()
        for process in self.holders.values():
            while process.busy:
                self._go_on(process)

    def take_turns(self) -> None:
        """Each process takes one whole turn, undisturbed."""
        for work in self.works:
            _take(self._holder(work).owned)

    def _holder(self, work: Work) -> Process:
        if work not in self.holders:
            self.holders[work] = Process(work=work, owned=self.start(work))
        return self.holders[work]

    def _busy(self) -> Process | None:
        """Somebody who is in the middle of a turn; misfortune that strikes the idle changes nothing."""
        busy = [process for process in self.holders.values() if process.busy]
        return self.chance.choice(busy) if busy else None

    def _go_on(self, process: Process) -> None:
        if process.turn is not None and process.busy:
            process.turn.switch()


def _take(owned: OwnedWork) -> None:
    """What a worker does with a turn that fails: it tries again later."""
    try:
        owned.take_turn()
    except (CrmError, SupersededError):
        return


def _end(process: Process) -> None:
    if process.turn is not None:
        process.turn.throw(GreenletExit)
