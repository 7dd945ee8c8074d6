"""Which CRMs there are: a new one is a row here, a folder beside this file and a mapping file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, overload

from closedloop.errors import SettingsError
from closedloop.mapping import Mappings, load_mappings
from closedloop.schema.vocabulary import CrmName

if TYPE_CHECKING:
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
"""Changes to a mapping: a document of the mapping file's form that holds only what differs, or its path."""


@overload
def connect(
    name: Literal["salesforce"],
    *,
    mappings: Mappings | None = None,
    overlay: Overlay | None = None,
    **credentials: Any,
) -> SalesforceCrm: ...


@overload
def connect(
    name: Literal["hubspot"],
    *,
    mappings: Mappings | None = None,
    overlay: Overlay | None = None,
    **credentials: Any,
) -> HubSpotCrm: ...


@overload
def connect(
    name: str, *, mappings: Mappings | None = None, overlay: Overlay | None = None, **credentials: Any
) -> SalesforceCrm | HubSpotCrm: ...


def connect(
    name: str, *, mappings: Mappings | None = None, overlay: Overlay | None = None, **credentials: Any
) -> SalesforceCrm | HubSpotCrm:
    """A connected CRM: `connect("salesforce", login_url=…, client_id=…, client_secret=…)`.

    The credentials are the fields of `SalesforceCredentials` or `HubSpotCredentials`. `mappings`
    defaults to the shipped files; `overlay` changes this connection's alone, such as
    `{"objects": {"lead": {"fields": {"reason": "Why_Not__c"}}}}`. Nothing is sent before the connection is
    used. Raises SettingsError for a name or a credential that is not known, MappingError for the overlay.
    """
    crm, credentials_type = _adapter(name)
    try:
        given = credentials_type(**credentials)
    except TypeError as exc:
        raise SettingsError(f"credentials for {name} do not fit: {exc}", reason="bad_credentials") from exc
    loaded = mappings or load_mappings()
    if overlay is not None:
        loaded = loaded.overlaid(CrmName(name), overlay)
    adapter: SalesforceCrm | HubSpotCrm = crm(given, loaded)
    return adapter


def _adapter(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    try:
        module_name, crm, credentials = ADAPTERS[CrmName(name)]
    except ValueError as exc:
        known = ", ".join(CrmName)
        raise SettingsError(
            f"no CRM is called {name!r}: connect one of {known}", reason="unknown_crm"
        ) from exc
    module = import_module(module_name)
    return getattr(module, crm), getattr(module, credentials)
