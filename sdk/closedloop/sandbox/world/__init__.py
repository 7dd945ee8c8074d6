"""A market with known truth, to put into the sandboxes and to check the loop against."""

from closedloop.sandbox.world.market import START, World
from closedloop.sandbox.world.model import (
    Account,
    Campaign,
    Habit,
    Home,
    Link,
    Move,
    Person,
    Planted,
    Rep,
    Step,
    Subject,
    Touch,
    Verdict,
)
from closedloop.sandbox.world.truth import CampaignTruth, Standing, Truth

__all__ = [
    "START",
    "Account",
    "Campaign",
    "CampaignTruth",
    "Habit",
    "Home",
    "Link",
    "Move",
    "Person",
    "Planted",
    "Rep",
    "Standing",
    "Step",
    "Subject",
    "Touch",
    "Truth",
    "Verdict",
    "World",
]
