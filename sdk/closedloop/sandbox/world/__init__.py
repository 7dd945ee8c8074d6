"""A market with known truth, to put into the sandboxes and to check the loop against.

`Market` is one of any size with two years behind it, which streams by; `World` a small one whose decisions
all lie in a script. `populate.populate` puts either into the sandboxes, `play.play` plays a script there,
`files.write` writes a market to files.
"""

from closedloop.sandbox.world.decisions import Decision, Ended, FollowUp, decisions, follow_ups
from closedloop.sandbox.world.market import Market
from closedloop.sandbox.world.model import (
    Account,
    Attempt,
    Campaign,
    Habit,
    Home,
    Link,
    Move,
    Person,
    Rep,
    Step,
    Story,
    Subject,
    Touch,
    Twin,
    Verdict,
)
from closedloop.sandbox.world.planted import Planted
from closedloop.sandbox.world.scenario import World
from closedloop.sandbox.world.setting import START
from closedloop.sandbox.world.tally import Tally
from closedloop.sandbox.world.truth import CampaignTruth, Standing, Truth

__all__ = [
    "START",
    "Account",
    "Attempt",
    "Campaign",
    "CampaignTruth",
    "Decision",
    "Ended",
    "FollowUp",
    "Habit",
    "Home",
    "Link",
    "Market",
    "Move",
    "Person",
    "Planted",
    "Rep",
    "Standing",
    "Step",
    "Story",
    "Subject",
    "Tally",
    "Touch",
    "Truth",
    "Twin",
    "Verdict",
    "World",
    "decisions",
    "follow_ups",
]
