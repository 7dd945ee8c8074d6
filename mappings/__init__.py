"""The mapping files as package data: read them with `importlib.resources`."""
