"""Runs the migrations on the connection that `closedloop_server.store.schema` hands in."""

from __future__ import annotations

from alembic import context

from closedloop_server.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter a column in place; batch mode copies the table instead.
    render_as_batch=True,
)
# The caller has opened the transaction: a migration that fails leaves nothing behind.
context.run_migrations()
