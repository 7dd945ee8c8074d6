"""SOQL and SOSL: what a query says, and what it finds."""
