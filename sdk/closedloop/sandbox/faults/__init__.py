"""Faults by rule and by chance, repeatable from a seed, the same for every sandbox.

    with SalesforceSandbox(faults={"seed": 7, "rules": [{"fault": "latency", "seconds": 0.2}]}) as sandbox:
        sandbox.faults.log

The chance of each match comes from the plan's seed, the rule's name and the match's number, and from nothing
else: the same requests in the same order meet the same faults, whatever happens on other paths meanwhile.
"""

from closedloop.sandbox.faults.clock import SkewedClock
from closedloop.sandbox.faults.effects import Disturbance
from closedloop.sandbox.faults.engine import Asked, Faults, PlanLike, Struck
from closedloop.sandbox.faults.rule import FaultPlan, Rule, When, Where
from closedloop.sandbox.faults.vocabulary import Fault

__all__ = [
    "Asked",
    "Disturbance",
    "Fault",
    "FaultPlan",
    "Faults",
    "PlanLike",
    "Rule",
    "SkewedClock",
    "Struck",
    "When",
    "Where",
]
