"""The Tooling API, as far as it is about objects, fields, flows and outbound messages."""
