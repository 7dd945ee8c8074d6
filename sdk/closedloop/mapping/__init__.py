"""The mapping files, loaded: how each CRM's objects, reasons and stages become ours, and back."""

from __future__ import annotations

from closedloop.mapping.crm import CrmMapping
from closedloop.mapping.lifecycle import Lifecycle
from closedloop.mapping.load import FILES, Mappings, load_mappings, mappings_from
from closedloop.mapping.reasons import Reasons
from closedloop.mapping.spec import Target

__all__ = [
    "FILES",
    "CrmMapping",
    "Lifecycle",
    "Mappings",
    "Reasons",
    "Target",
    "load_mappings",
    "mappings_from",
]
