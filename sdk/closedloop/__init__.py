"""Closed Loop: Salesforce and HubSpot through one schema, and sales' reasons back on the campaigns."""

__version__ = "0.1.0"
