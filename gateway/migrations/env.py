"""Alembic's environment: it is run by `upgrade`, never imported."""

from alembic import context

ATTRIBUTES = context.config.attributes

if context.is_offline_mode():
    context.configure(
        dialect_name=ATTRIBUTES["dialect"], version_table="log_revision", transactional_ddl=False
    )
else:
    context.configure(connection=ATTRIBUTES["connection"], version_table="log_revision")
with context.begin_transaction():
    context.run_migrations()
