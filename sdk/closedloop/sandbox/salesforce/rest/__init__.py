"""The REST API, but for bulk and metadata."""
