"""Closed Loop: Salesforce and HubSpot through one schema, and sales' reasons back on the campaigns.

    crm = closedloop.connect("hubspot", access_token=…)     a connected CRM: crm.leads.list(), .get(id), …
    closedloop.normalise("salesforce", "lead", payload)     a CRM payload as a record, without a connection
    closedloop.normalise_body("hubspot", body)              every record in a whole answer of a CRM
    closedloop.explain(record)                              where each of its fields came from
    closedloop.errors                                       every error, and what to do about it

Nothing of a vendor's library is imported until a CRM is connected.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from closedloop import errors as errors
    from closedloop.crm.registry import connect
    from closedloop.mapping import load_mappings
    from closedloop.mapping.bodies import explain, normalise, normalise_body

__version__ = "0.1.0"
__all__ = ["__version__", "connect", "explain", "load_mappings", "normalise", "normalise_body"]

_HOMES = {
    "connect": "closedloop.crm.registry",
    "explain": "closedloop.mapping.bodies",
    "load_mappings": "closedloop.mapping",
    "normalise": "closedloop.mapping.bodies",
    "normalise_body": "closedloop.mapping.bodies",
}


def __getattr__(name: str) -> Any:
    """Imports a public function when it is first used (PEP 562), so that `import closedloop` stays quick."""
    if name == "errors":
        return import_module("closedloop.errors")
    if name not in _HOMES:
        raise AttributeError(f"module 'closedloop' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, "errors"})
