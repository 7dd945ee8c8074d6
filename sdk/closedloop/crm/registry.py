"""Which CRMs there are: a new one is a row here, a folder beside this file and a mapping file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, overload

from closedloop.errors import SettingsError
from closedloop.mapping import Mappings, load_mappings
from closedloop.mapping.document import nearest
from closedloop.schema.vocabulary import CrmName

if TYPE_CHECKING:
    from closedloop.crm.budget import Budget
    from closedloop.crm.hubspot import HubSpotCrm
    from closedloop.crm.salesforce import SalesforceCrm

ADAPTERS: Mapping[CrmName, tuple[str, str, str]] = MappingProxyType(
    {
        CrmName.SALESFORCE: ("closedloop.crm.salesforce", "SalesforceCrm", "SalesforceCredentials"),
        CrmName.HUBSPOT: ("closedloop.crm.hubspot", "HubSpotCrm", "HubSpotCredentials"),
    }
)
"""CRM to module, adapter and credentials. The module is imported only when the CRM is connected."""


Overlay = Mapping[str, Any] | Path | str
"""Changes to a mapping: a document of the mapping file's form that holds only what differs, as a mapping, as
YAML text (which has a line break or a colon with a blank behind it), or the path of a YAML file."""


@overload
def connect(
    name: Literal["salesforce"],
    *,
    mappings: Mappings | None = None,
    overlay: Overlay | None = None,
    budget: Budget | None = None,
    **credentials: Any,
) -> SalesforceCrm: ...


@overload
def connect(
    name: Literal["hubspot"],
    *,
    mappings: Mappings | None = None,
    overlay: Overlay | None = None,
    budget: Budget | None = None,
    **credentials: Any,
) -> HubSpotCrm: ...


@overload
def connect(
    name: str,
    *,
    mappings: Mappings | None = None,
    overlay: Overlay | None = None,
    budget: Budget | None = None,
    **credentials: Any,
) -> SalesforceCrm | HubSpotCrm: ...


def connect(
    name: str,
    *,
    mappings: Mappings | None = None,
    overlay: Overlay | None = None,
    budget: Budget | None = None,
    **credentials: Any,
) -> SalesforceCrm | HubSpotCrm:
    """A connected CRM: `connect("salesforce", login_url=…, client_id=…, client_secret=…)`.

    The credentials are the fields of `SalesforceCredentials` or `HubSpotCredentials`. `mappings`
    defaults to the shipped files; `overlay` changes this connection's alone, such as
    `{"objects": {"lead": {"fields": {"reason": "Why_Not__c"}}}}`. `budget` counts this connection's calls,
    by default within this process: see `closedloop.crm.budget`. Nothing is sent before the connection is
    used. Raises SettingsError for a name or a credential that is not known, MappingError for the overlay.
    """
    crm, credentials_type = _adapter(name)
    _check_names(CrmName(name), credentials_type, credentials)
    given = credentials_type(**credentials)
    loaded = load_mappings() if mappings is None else _checked(mappings)
    if overlay is not None:
        loaded = loaded.overlaid(CrmName(name), overlay)
    adapter: SalesforceCrm | HubSpotCrm = crm(given, loaded, budget=budget)
    return adapter


def _check_names(crm: CrmName, credentials: type[Any], given: Mapping[str, Any]) -> None:
    known = [each.name for each in fields(credentials)]
    needed = [each.name for each in fields(credentials) if each.default is MISSING]
    for name in given:
        if name not in known:
            raise SettingsError(
                f"{crm.label} takes no credential `{name}`{nearest(name, known)}", reason="unknown_credential"
            )
    for name in needed:
        if name not in given:
            raise SettingsError(f"{crm.label} needs `{name}` beside the credentials", reason="no_credentials")


def _checked(mappings: object) -> Mappings:
    if not isinstance(mappings, Mappings):
        raise SettingsError(
            f"mappings is of type {type(mappings).__name__}: give what `closedloop.load_mappings(folder)` "
            f"returns, and changes to it as `overlay`",
            reason="bad_mappings",
        )
    return mappings


def _adapter(name: str) -> tuple[Callable[..., Any], type[Any]]:
    try:
        module_name, crm, credentials = ADAPTERS[CrmName(name)]
    except ValueError as exc:
        known = ", ".join(CrmName)
        raise SettingsError(
            f"no CRM is called {name!r}: connect one of {known}", reason="unknown_crm"
        ) from exc
    module = import_module(module_name)
    return getattr(module, crm), getattr(module, credentials)
