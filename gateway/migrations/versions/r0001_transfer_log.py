"""The log itself, what stands, its index, cosignatures, and rows about people."""

from alembic import op

from gateway.log_file import LATER, SCHEMA
from gateway.log_store import dialect

revision = "0001"
down_revision = None

LOTS = ("standing", "entry_index", "cosignature", "subject")


def upgrade() -> None:
    """Make the tables."""
    made = SCHEMA + "".join(LATER[lot] for lot in LOTS)
    if op.get_context().dialect.name == "sqlite":
        op.execute(made.strip().removesuffix(";"))
    else:
        op.execute(dialect.REFUSE + dialect.tables(made) + dialect.HEAD)
