"""Bulk API 2.0 (`jobs`, `ingest`, `bulk_query`) and its older sister (`dataload`)."""
