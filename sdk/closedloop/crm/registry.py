"""Which CRMs there are: a new one is a row here, a folder beside this file and a mapping file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from closedloop.errors import SettingsError
from closedloop.mapping import Mappings, load_mappings
from closedloop.schema.vocabulary import CrmName

if TYPE_CHECKING:
    from closedloop.crm.base import Crm

ADAPTERS: Mapping[CrmName, tuple[str, str, str]] = MappingProxyType(
    {
        CrmName.SALESFORCE: ("closedloop.crm.salesforce", "SalesforceCrm", "SalesforceCredentials"),
        CrmName.HUBSPOT: ("closedloop.crm.hubspot", "HubSpotCrm", "HubSpotCredentials"),
    }
)
"""CRM to module, adapter and credentials. The module is imported only when the CRM is connected."""


def connect(name: str, *, mappings: Mappings | None = None, **credentials: Any) -> Crm:
    """A connected CRM: `connect("salesforce", login_url=…, client_id=…, client_secret=…)`.

    The credentials are the fields of `SalesforceCredentials` or `HubSpotCredentials`; `mappings`
    defaults to the shipped files. Raises SettingsError for a name or a credential that is not known.
    """
    crm, credentials_type = _adapter(name)
    try:
        given = credentials_type(**credentials)
    except TypeError as exc:
        raise SettingsError(f"credentials for {name} do not fit: {exc}", reason="bad_credentials") from exc
    adapter: Crm = crm(given, mappings or load_mappings())
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
