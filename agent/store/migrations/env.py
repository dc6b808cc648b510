"""Alembic's entrance: it migrates over the connection, and in the transaction, that schema.py hands in."""

from alembic import context

from agent.store.tables import METADATA

# SQLite can hardly alter a table: alembic builds a new one and moves the rows.
context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
