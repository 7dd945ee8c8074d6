"""Salesforce: outbound messages and polling in, campaign members and campaigns out."""

from __future__ import annotations

from closedloop.crm.salesforce.adapter import SalesforceCrm
from closedloop.crm.salesforce.credentials import SalesforceCredentials

__all__ = ["SalesforceCredentials", "SalesforceCrm"]
