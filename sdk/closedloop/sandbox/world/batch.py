"""A part of a world that is put into the sandboxes together, as it stands when the script begins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from closedloop.sandbox.world.market import Market
from closedloop.sandbox.world.model import (
    Account,
    Attempt,
    Move,
    Person,
    Step,
    Story,
    Subject,
    Touch,
    Twin,
)
from closedloop.sandbox.world.scenario import World

_COMPANIES = 400


@dataclass(kw_only=True)
class Batch:
    """Some companies with everything about them. `lived` are the past steps of each subject, in order;
    `merged` and `erased` say which twins and people were, and when; `later` are the steps of the script."""

    accounts: list[Account] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    subjects: list[Subject] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    twins: list[Twin] = field(default_factory=list)
    lived: dict[str, list[Step]] = field(default_factory=lambda: defaultdict(list))
    merged: dict[str, datetime] = field(default_factory=dict)
    erased: dict[str, datetime] = field(default_factory=dict)
    later: list[Step] = field(default_factory=list)
    waiting: list[Subject] = field(default_factory=list)

    @classmethod
    def of_world(cls, world: World) -> Batch:
        """A world whose decisions all lie in its script: nothing of them has happened yet."""
        return cls(
            accounts=list(world.accounts),
            people=list(world.people),
            touches=list(world.touches),
            subjects=[subject for subject in world.subjects if not subject.converted_from],
        )

    def add(self, story: Story, start: datetime) -> None:
        """Adds a company, as it stands at the start of the script."""
        self.accounts.append(story.account)
        self.people += story.people
        self.touches += story.touches
        self.attempts += story.attempts
        self.twins += story.twins
        for step in story.steps:
            self._step(step, start)
        for subject in story.subjects:
            made = not subject.converted_from or self.converted(subject.converted_from) is not None
            (self.subjects if made else self.waiting).append(subject)

    def converted(self, lead: str) -> Step | None:
        """The step of the past that converted the lead, if one did."""
        steps = self.lived.get(lead)
        return steps[-1] if steps and steps[-1].move is Move.CONVERTED else None

    def _step(self, step: Step, start: datetime) -> None:
        if step.at is None or step.at >= start:
            self.later.append(step)
        elif step.subject:
            self.lived[step.subject].append(step)
        elif step.merges:
            self.merged[step.merges] = step.at
        elif step.erases:
            self.erased[step.erases] = step.at


def batches(world: World | Market) -> Iterator[Batch]:
    """Yields the world in parts that need little memory."""
    if isinstance(world, World):
        yield Batch.of_world(world)
        return
    batch = Batch()
    for story in world.stories():
        batch.add(story, world.start)
        if len(batch.accounts) == _COMPANIES:
            yield batch
            batch = Batch()
    yield batch


def by_time(touches: Iterable[Touch]) -> list[Touch]:
    """The touches, oldest first."""
    return sorted(touches, key=lambda touch: touch.at)
