"""The org's records: how they are kept, checked, changed and computed."""
