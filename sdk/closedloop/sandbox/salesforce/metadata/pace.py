"""How fast deployments go."""

from __future__ import annotations


class Pace:
    """How deployments go. `polls` is how often one answers that it is not done yet, before anything happens;
    with 0 it happens at once."""

    def __init__(self) -> None:
        self.polls = 0
