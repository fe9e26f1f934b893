"""Work beside the log: deliveries, jobs, what was seen, cursors, quotas."""

from alembic import op

from gateway.log_beside import TABLES
from gateway.log_store import dialect

revision = "0002"
down_revision = "0001"

GRANT = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'corridor_gateway') THEN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I'
                   ' TO corridor_gateway', current_schema());
    REVOKE UPDATE, DELETE ON entry, tile_hash, checkpoint, document, cosignature
      FROM corridor_gateway;
    REVOKE INSERT, DELETE ON log_head FROM corridor_gateway;
    REVOKE INSERT, UPDATE, DELETE ON log, log_revision FROM corridor_gateway;
  END IF;
END $$;
"""
"""What `deploy/postgresql/gateway-role.sql` gives, for the new tables too."""


def upgrade() -> None:
    """Make the tables."""
    if op.get_context().dialect.name == "sqlite":
        op.execute(TABLES.strip().removesuffix(";"))
    else:
        op.execute(dialect.tables(TABLES) + GRANT)
